"""Devices as the desk knows them: who they are, where they belong, and the summary that lists show."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import (
    Index,
    String,
    UniqueConstraint,
    Update,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.clock import SECOND_MS
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.principals import Principal
from fleet.signals import Kind
from storage.records.base import Base, Number
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.parts import parts_of
from storage.records.straight import execute_straight
from storage.records.upsert import insert_in, insert_into


class Device(Base):
    """A device of the fleet, with the summary that lists are sorted by.

    `risk`, `fault` and `confidence` are those of the highest of its newest risks; `newest_ts` is the time of
    its newest reading, `last_seen` when its last message arrived, `status_ts` when its status was last told;
    `battery_pct` was measured at `battery_ts`.
    """

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    site: Mapped[str] = mapped_column(String(64), index=True)
    model: Mapped[str] = mapped_column(String(64), default="unknown")
    firmware: Mapped[str | None] = mapped_column(String(64))
    serial: Mapped[str | None] = mapped_column(String(64))
    commissioned: Mapped[str | None] = mapped_column(String(64))
    registered_at: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), default="unknown")
    status_ts: Mapped[int | None]
    last_seen: Mapped[int | None]
    newest_ts: Mapped[int | None]
    battery_pct: Mapped[float | None]
    battery_ts: Mapped[int | None]
    risk: Mapped[float | None]
    fault: Mapped[str | None] = mapped_column(String(64))
    risk_ts: Mapped[int | None]
    confidence: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[str | None] = mapped_column(String(16))
    state_ts: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_ts: Mapped[int | None]

    __table_args__ = (Index("ix_device_risk", "risk", "id"),)


class DeviceEvent(Base):
    """What a device said on its event topic: errors, SOS, parts replaced. Unique by device, time and code."""

    __tablename__ = "device_event"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    ts: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]
    received: Mapped[int]

    __table_args__ = (
        UniqueConstraint("device_id", "ts", "code"),
        Index("ix_device_event_newest", "device_id", "ts", "id"),
    )


UNKNOWN_MODEL = "unknown"
UNKNOWN_STATUS = "unknown"
_REFUTED_AFTER_MS = 5 * SECOND_MS
"""The old connection of a device may end after its new one began: `offline` stands no longer than this."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a device belongs, and what it is."""

    site: str
    kind: Kind


def place_of(session: Session, device_id: str) -> Placement | None:
    """Return where a device belongs and what it is, if there is one of this id."""
    row = session.get(Device, device_id) if "\x00" not in device_id else None
    return None if row is None else Placement(row.site, Kind(row.kind))


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device said about itself; None where it said nothing.

    `commissioned` is an ISO date, or whatever text the device sent in its place.
    """

    device_id: str
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    commissioned: str | None = None


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """What a device said on its event topic; times are epoch ms."""

    device_id: str
    ts: int
    code: str
    detail: dict[str, Any]
    received: int


class DeviceSummary(NamedTuple):
    """What changed about a device since its last summary; None where nothing did. Times are epoch ms.

    `last_seen` is when the device itself last spoke live; `battery_pct` was measured at `battery_ts`, and
    `status` told at `status_ts`; `state` and `error_code` (empty: none is left) have times of their own.
    """

    device_id: str
    last_seen: int | None = None
    newest_ts: int | None = None
    battery_pct: float | None = None
    battery_ts: int | None = None
    status: str | None = None
    status_ts: int | None = None
    state: str | None = None
    state_ts: int | None = None
    error_code: str | None = None
    error_ts: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceTraits:
    """What rules need to know of a device beside its readings."""

    kind: str
    model: str

    UNKNOWN: ClassVar["DeviceTraits"]


DeviceTraits.UNKNOWN = DeviceTraits("unknown", UNKNOWN_MODEL)


def traits_of(session: Session, device_ids: Sequence[str]) -> dict[str, DeviceTraits]:
    """Return the kind and model of the devices named; those that are not registered are left out."""
    found: dict[str, DeviceTraits] = {}
    for part in parts_of(device_ids):
        query = select(Device.id, Device.kind, Device.model).where(Device.id.in_(part))
        found |= {row.id: DeviceTraits(row.kind, row.model) for row in session.execute(query)}
    return found


def known_devices(session: Session) -> frozenset[str]:
    """Return the ids of all devices."""
    return frozenset(session.scalars(select(Device.id)))


class Devices:
    """The device table and its events. Changes are durable on return; all may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk

    def placements(self, device_ids: Collection[str] | None = None) -> dict[str, Placement]:
        """Return the place and kind of the devices named, or of all."""
        query = select(Device.id, Device.site, Device.kind)
        queries = [query]
        if device_ids is not None:  # in parts: a statement takes a limited number of parameters
            queries = [query.where(Device.id.in_(part)) for part in parts_of(device_ids)]
        with self._desk.transaction() as session:
            return {
                row.id: Placement(row.site, Kind(row.kind)) for one in queries for row in session.execute(one)
            }

    def register(self, devices: dict[str, Placement], now: int) -> None:
        """Add devices that are not there yet; those that are stay as they are."""
        if not devices:
            return
        names = ("id", "kind", "site", "model", "status", "registered_at")
        rows = [
            (device_id, str(place.kind), place.site, UNKNOWN_MODEL, UNKNOWN_STATUS, now)
            for device_id, place in devices.items()
        ]
        with self._desk.statements() as connection:
            dialect = connection.dialect.name
            device = insert_in(dialect, Device).values({name: bindparam(name) for name in names})
            execute_straight(connection, device.on_conflict_do_nothing(), names, rows)

    def record_info(self, infos: Sequence[DeviceInfo]) -> None:
        """Store what devices say about themselves; a model, serial or date that is known already stands."""
        if not infos:
            return
        with self._desk.statements() as connection:
            given = [{f"new_{name}": value for name, value in asdict(info).items()} for info in infos]
            connection.execute(_INFO_UPDATE, given)

    def record_events(self, events: Sequence[ReportedEvent]) -> None:
        """Store events; one that is stored already (same device, time and code) stays as it is."""
        if not events:
            return
        with self._desk.transaction() as session:
            statement = insert_into(session, DeviceEvent).on_conflict_do_nothing(
                index_elements=["device_id", "ts", "code"]
            )
            session.execute(statement, [asdict(event) for event in events])

    def record_summaries(self, summaries: Sequence[DeviceSummary]) -> None:
        """Bring the summaries up to date; times only ever rise, and a battery's charge goes with its time.

        What a device says live more than 5 s after its `offline` refutes it, and one that spoke is not
        `unknown`: a will may come late, and a device need not speak of its status at all.
        """
        if not summaries:
            return
        names = [f"new_{name}" for name in DeviceSummary._fields]
        with self._desk.statements() as connection:
            execute_straight(connection, _summary_update(_told(summaries)), names, summaries)


def set_model(session: Session, device_id: str, model: str | None, by: Principal, now: int) -> None:
    """Set a device's model: what the desk says stands, whatever the device says later.

    With None it is unknown again, until the device or the desk says more. Raises NotFound.
    """
    row = session.get(Device, device_id) if "\x00" not in device_id else None
    if row is None:
        raise NotFound(f"there is no device {device_id!r}")
    before, row.model = row.model, model or UNKNOWN_MODEL
    if before != row.model:
        data = {"before": before, "after": row.model}
        reason = "the desk says which model it is"
        tell(session, Event(now, Subject.DEVICE, device_id, "model", by, reason, site=row.site, data=data))


_ISO_DATE = "____-__-__"
"""A date that is known stands; whatever else was sent in its place gives way to a later one."""
_devices = Device.__table__.c


def _new(name: str) -> Any:
    """Return the parameter for a column's new value, typed like the column."""
    return bindparam(f"new_{name}", type_=_devices["id" if name == "device_id" else name].type)


_ZERO: Any = literal_column("0")
"""Statements for many rows take no parameters but those of a row; and each that is repeated costs time."""


def _rising(name: str) -> Any:
    stored = _devices[name]
    return case((func.coalesce(stored, _ZERO) < _new(name), _new(name)), else_=stored)


def _battery(name: str) -> Any:
    """Return the newest charge by its own time, or that time; of the same time, the last told."""
    newer = func.coalesce(_devices.battery_ts, _ZERO) <= _new("battery_ts")
    return case((newer, _new(name)), else_=_devices[name])


def _word(text: str) -> Any:
    return literal_column(f"'{text}'", String())


def _status() -> Any:
    """Return the status that was told last, unless what the device said since refutes it."""
    online, offline = _word("online"), _word("offline")
    told_at = func.coalesce(_new("status_ts"), _devices.status_ts, _devices.last_seen, _ZERO)
    refuted = _new("last_seen") > told_at + literal_column(str(_REFUTED_AFTER_MS))
    return case(
        (online, online),
        (offline, case((refuted, online), else_=offline)),
        value=func.coalesce(_new("status"), _devices.status),
        else_=case((_new("last_seen").is_not(None), online), else_=_word(UNKNOWN_STATUS)),
    )


def _newer(name: str, time: str) -> Any:
    """Return the new value of a column unless the stored one is of a later time."""
    newer = func.coalesce(_devices[time], _ZERO) <= _new(time)
    return case((newer, func.coalesce(_new(name), _devices[name])), else_=_devices[name])


_INFO_UPDATE = (
    update(Device.__table__)  # type: ignore[arg-type]  # declared as FromClause, always a Table
    .where(_devices.id == _new("device_id"))
    .values(
        model=case(
            (_devices.model == UNKNOWN_MODEL, func.coalesce(_new("model"), _devices.model)),
            else_=_devices.model,
        ),
        firmware=func.coalesce(_new("firmware"), _devices.firmware),
        serial=func.coalesce(_devices.serial, _new("serial")),
        commissioned=case(
            (_devices.commissioned.like(_ISO_DATE), _devices.commissioned),
            else_=func.coalesce(_new("commissioned"), _devices.commissioned),
        ),
    )
)


@cache
def _summary_update(told: frozenset[str]) -> Update:
    """Return the update of what some summaries tell: columns without news would be half of its price."""
    values = {
        "last_seen": _rising("last_seen"),
        "newest_ts": _rising("newest_ts"),
        "battery_pct": _battery("battery_pct"),
        "battery_ts": _battery("battery_ts"),
        "status_ts": func.coalesce(_new("status_ts"), _devices.status_ts),
        "state": _newer("state", "state_ts"),
        "state_ts": _rising("state_ts"),
        "error_code": _newer("error_code", "error_ts"),
        "error_ts": _rising("error_ts"),
    }
    changed = {name: value for name, value in values.items() if name in told} | {"status": _status()}
    table: Any = Device.__table__  # declared as FromClause, always a Table
    return update(table).where(_devices.id == _new("device_id")).values(**changed)


def _told(summaries: Sequence[DeviceSummary]) -> frozenset[str]:
    """Return the columns of which some summary knows anything."""
    columns = enumerate(DeviceSummary._fields)
    return frozenset(name for place, name in columns if any(one[place] is not None for one in summaries))
