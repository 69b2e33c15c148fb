"""What an export of the history tells beside readings and repairs: every device, and what each said."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import or_, select

from storage.records.database import DeskDatabase
from storage.records.devices import Device, DeviceEvent, ReportedEvent

_AT_ONCE = 5_000


class KnownDevice(NamedTuple):
    """A device as the desk knows it; `registered_at` is epoch ms."""

    id: str
    kind: str
    site: str
    model: str
    firmware: str | None
    serial: str | None
    commissioned: str | None
    registered_at: int


def all_devices(desk: DeskDatabase) -> Iterator[KnownDevice]:
    """Yield every device, by its id."""
    columns = [getattr(Device, name) for name in KnownDevice._fields]
    after = ""
    while True:
        with desk.look() as session:
            wanted = select(*columns).where(Device.id > after).order_by(Device.id).limit(_AT_ONCE)
            found = [KnownDevice(*row) for row in session.execute(wanted)]
        if not found:
            return
        yield from found
        after = found[-1].id


def events_between(desk: DeskDatabase, start: int, end: int) -> Iterator[ReportedEvent]:
    """Yield what devices said in a range of their own time (epoch ms), in order of it."""
    at, number = start, 0
    while True:
        behind = or_(DeviceEvent.ts > at, (DeviceEvent.ts == at) & (DeviceEvent.id > number))
        wanted = select(DeviceEvent).where(behind, DeviceEvent.ts < end)
        with desk.look() as session:
            rows = session.scalars(wanted.order_by(DeviceEvent.ts, DeviceEvent.id).limit(_AT_ONCE)).all()
        if not rows:
            return
        for row in rows:
            yield ReportedEvent(row.device_id, row.ts, row.code, row.detail, row.received)
        at, number = rows[-1].ts, rows[-1].id
