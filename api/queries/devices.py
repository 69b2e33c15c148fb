"""Devices as lists and pages need them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from api.paging import Order, Page, fetch_page
from api.params import DeviceSort, FaultCode, IdText, Paged, SearchText
from fleet.alerts import AlertState
from fleet.clock import DAY_MS
from fleet.errors import NotFound
from fleet.signals import Kind
from fleet.text import quoted
from fleet.tickets import CLOSED_STATES
from storage.records.alerts import AlertRow
from storage.records.devices import Device
from storage.records.tickets import TicketRow

STALE_AFTER_MS = DAY_MS
AT_RISK = 0.5
"""From here on the summary counts a device as at risk: its fault is more likely than not."""
_KEYS = {"risk": Device.risk, "id": Device.id, "last_seen": Device.last_seen}


class DeviceQuery(Paged):
    """Which devices, and in which order."""

    sort: DeviceSort = Field("-risk", description="A leading - turns the order; nulls come last in either")
    kind: Kind | None = None
    site: IdText | None = None
    model: IdText | None = None
    status: Literal["online", "offline", "unknown"] | None = None
    fault: FaultCode | None = Field(None, description="The fault that it is most at risk of")
    q: SearchText | None = Field(
        None, min_length=1, max_length=64, description="Part of id, model, site or serial"
    )


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """The figures on top of the fleet page."""

    devices: int
    online: int
    at_risk: int
    open_alerts: int
    open_tickets: int


def find_devices(session: Session, query: DeviceQuery) -> Page:
    """Return one page of devices, filtered and sorted."""
    wanted = select(Device)
    for column, value in (
        (Device.kind, query.kind),
        (Device.site, query.site),
        (Device.model, query.model),
        (Device.status, query.status),
        (Device.fault, query.fault),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.q is not None:
        columns = (Device.id, Device.model, Device.site, Device.serial)
        wanted = wanted.where(or_(*(column.icontains(query.q, autoescape=True) for column in columns)))
    order = Order(_KEYS[query.sort.removeprefix("-")], Device.id, query.sort.startswith("-"))
    return fetch_page(session, wanted, order, query.limit, query.cursor, query.query())


def device_row(session: Session, device_id: str) -> Device:
    """Return one device. Raises NotFound."""
    device = session.get(Device, device_id) if "\x00" not in device_id else None
    if device is None:
        raise NotFound(f"there is no device {quoted(device_id)}")
    return device


def is_stale(device: Device, now: int) -> bool:
    """Tell whether a device's newest reading is older than 24 h, or there is none."""
    return device.newest_ts is None or now - device.newest_ts > STALE_AFTER_MS


def summary(session: Session) -> FleetSummary:
    """Count devices, alerts and tickets."""
    online = func.count().filter(Device.status == "online")
    at_risk = func.count().filter(Device.risk >= AT_RISK)
    devices = session.execute(select(func.count(), online, at_risk).select_from(Device)).one()
    firing = AlertRow.state.in_((AlertState.FIRING, AlertState.ACKNOWLEDGED))
    alerts = session.scalar(select(func.count()).select_from(AlertRow).where(firing))
    still_open = TicketRow.state.not_in(CLOSED_STATES)
    tickets = session.scalar(select(func.count()).select_from(TicketRow).where(still_open))
    return FleetSummary(*devices, alerts or 0, tickets or 0)


def filter_choices(session: Session) -> tuple[Sequence[str], Sequence[str]]:
    """Return every site and every model that some device has."""
    sites = session.scalars(select(Device.site).distinct().order_by(Device.site)).all()
    models = session.scalars(select(Device.model).distinct().order_by(Device.model)).all()
    return sites, models
