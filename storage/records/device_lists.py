"""Devices as lists and pages need them; callers bring the transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session

from fleet.condition import NOT_HEARD_MS, Stands
from fleet.devices import Device as FleetDevice
from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.signals import Kind
from fleet.text import quoted
from fleet.tickets import CLOSED_STATES, TicketKind
from storage.records.alerts import AlertRow, alarms_of, sounding
from storage.records.devices import Device
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.tickets import TicketRow
from storage.records.within import at_sites

_KEYS = {"risk": Device.risk, "id": Device.id, "last_seen": Device.last_seen}
_FIELDS = tuple(field.name for field in fields(FleetDevice) if field.name not in ("kind", "alarm"))


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices; None is any. `text` is part of id, model, site or serial, in either case.

    `stands` is how they stand at `now` (epoch ms), `at_risk` the least of their highest risk (0 to 1).
    """

    kind: Kind | None = None
    site: str | None = None
    model: str | None = None
    status: str | None = None
    fault: str | None = None
    text: str | None = None
    stands: Stands | None = None
    now: int = 0
    at_risk: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """How many devices there are, work, stand still with an error, and are at risk."""

    devices: int
    working: int
    stuck: int
    at_risk: int


def to_device(row: Device) -> FleetDevice:
    """Return a stored row as the value that stages exchange."""
    return FleetDevice(kind=Kind(row.kind), **{name: getattr(row, name) for name in _FIELDS})


def find_devices(
    session: Session, wanted: DeviceFilter, asked: Asked, sites: Sites = None
) -> Page[FleetDevice]:
    """Return one page of devices at some sites; sorted by risk, id or last_seen."""
    query = narrowed(
        at_sites(select(Device), Device.site, sites),
        (Device.kind, wanted.kind),
        (Device.site, wanted.site),
        (Device.model, wanted.model),
        (Device.status, wanted.status),
        (Device.fault, wanted.fault),
    )
    if wanted.at_risk is not None:
        query = query.where(Device.risk >= wanted.at_risk)
    if wanted.stands is not None:
        query = query.where(_standing(wanted.now)[wanted.stands])
    if wanted.text is not None:
        columns: tuple[Any, ...] = (Device.id, Device.model, Device.site, Device.serial)
        query = query.where(or_(*(column.icontains(wanted.text, autoescape=True) for column in columns)))
    order = Order(_KEYS[asked.key], Device.id, asked.descending)
    page = fetch_page(session, query, order, asked).of(to_device)
    alarms = alarms_of(session, [device.id for device in page.rows])
    return page.of(lambda device: replace(device, alarm=alarms.get(device.id)))


def device_of(session: Session, device_id: str, sites: Sites = None) -> FleetDevice:
    """Return one device. Raises NotFound, where it is at none of these sites as well."""
    row = session.get(Device, device_id) if "\x00" not in device_id else None
    if row is None or (sites is not None and row.site not in sites):
        raise NotFound(f"there is no device {quoted(device_id)}")
    return replace(to_device(row), alarm=alarms_of(session, [device_id]).get(device_id))


def devices_of(session: Session, device_ids: Sequence[str]) -> dict[str, FleetDevice]:
    """Return by id those of these devices that there are."""
    found: dict[str, FleetDevice] = {}
    for part in parts_of(device_ids):
        some = select(Device).where(Device.id.in_(part))
        found |= {row.id: to_device(row) for row in session.scalars(some)}
    return found


def devices_at(session: Session, sites: Collection[str]) -> list[str]:
    """Return the ids of the devices at some sites."""
    return list(session.scalars(select(Device.id).where(Device.site.in_(sites))))


def risky_at(session: Session, site: str, risk: float) -> list[tuple[str, str, float]]:
    """Return id, fault and risk of the robots at a site that have no open repair, the highest risk first."""
    has_case = select(TicketRow.device_id).where(
        TicketRow.kind == TicketKind.REPAIR, TicketRow.state.not_in(CLOSED_STATES), TicketRow.site == site
    )
    wanted = select(Device.id, Device.fault, Device.risk).where(
        Device.site == site, Device.kind == Kind.ROBOT, Device.risk >= risk, Device.id.not_in(has_case)
    )
    rows = session.execute(wanted.order_by(Device.risk.desc(), Device.id))
    return [(device, fault or "", value or 0.0) for device, fault, value in rows]


def newest_risk(session: Session) -> int | None:
    """Return the time (epoch ms) of the fleet's newest risk."""
    return session.scalar(select(func.max(Device.risk_ts)))


def count_devices(session: Session, at_risk: float, now: int, sites: Sites = None) -> DeviceCounts:
    """Count the devices at some sites, how they stand at `now`, those with a risk of `at_risk` or more."""
    stands = _standing(now)
    working, stuck = (func.count().filter(stands[each]) for each in (Stands.WORKING, Stands.STUCK))
    risky = func.count().filter(Device.risk >= at_risk)
    counted = at_sites(select(func.count(), working, stuck, risky).select_from(Device), Device.site, sites)
    return DeviceCounts(*session.execute(counted).one())


def _standing(now: int) -> dict[Stands, ColumnElement[bool]]:
    """Return which rows stand how: what fleet.condition.condition_of tells of one device."""
    absent = or_(
        Device.last_seen.is_(None),
        Device.newest_ts.is_(None),
        Device.status == "offline",
        Device.last_seen <= now - NOT_HEARD_MS,
    )
    stuck = func.coalesce(Device.state, "") == "error"
    newer = func.coalesce(Device.error_ts, 0) >= func.coalesce(Device.state_ts, 0)
    named = and_(func.coalesce(Device.error_code, "") != "", newer)
    reports = or_(named, Device.id.in_(select(AlertRow.device_id).where(sounding())))
    return {
        Stands.ABSENT: absent,
        Stands.STUCK: and_(not_(absent), stuck),
        Stands.REPORTS: and_(not_(absent), not_(stuck), reports),
        Stands.WORKING: and_(not_(absent), not_(stuck), not_(reports)),
    }


def filter_choices(session: Session, sites: Sites = None) -> tuple[Sequence[str], Sequence[str]]:
    """Return every site and every model that some device at some sites has."""
    every = (
        session.scalars(at_sites(select(column).distinct().order_by(column), Device.site, sites)).all()
        for column in (Device.site, Device.model)
    )
    places, models = every
    return places, models


def registered(session: Session, device_ids: Collection[str | None], sites: Sites = None) -> frozenset[str]:
    """Return which of these are devices of the fleet, at some sites: a message turned away may name any."""
    wanted = [device_id for device_id in device_ids if device_id is not None]
    known = at_sites(select(Device.id).where(Device.id.in_(wanted)), Device.site, sites)
    return frozenset(session.scalars(known))


def sites_of(session: Session, device_ids: Collection[str]) -> dict[str, str]:
    """Return by id at which site each of these devices is now."""
    found: dict[str, str] = {}
    for part in parts_of(device_ids):
        some = select(Device.id, Device.site).where(Device.id.in_(part))
        found |= {row.id: row.site for row in session.execute(some)}
    return found
