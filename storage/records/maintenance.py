"""When maintenance of devices is due, and when it was done or skipped. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, func, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from storage.records.base import Base, Number
from storage.records.devices import Device, DeviceEvent
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.repairs import DEVICE_REPLACED
from storage.records.upsert import insert_into
from storage.records.within import of_devices_at

_AT_ONCE = 500


class MaintenanceDueRow(Base):
    """When a plan of a device is due, as it was reckoned last; None: nobody can say yet.

    `known_at` is when it was reckoned first. `hours` were run at `hours_at`; the first that we got to know of
    are `from_hours`, at `from_at`.
    """

    __tablename__ = "maintenance_due"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[int | None]
    by: Mapped[str] = mapped_column(String(16))
    known_at: Mapped[int]
    hours: Mapped[float | None]
    hours_at: Mapped[int | None]
    from_hours: Mapped[float | None]
    from_at: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("device_id", "plan", name="uq_maintenance_due"),
        Index("ix_maintenance_due_at", "due_at", "id"),
    )


class MaintenanceDoneRow(Base):
    """That maintenance was done (or skipped, for a reason) at a time, after so many hours of use."""

    __tablename__ = "maintenance_done"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    plan: Mapped[str] = mapped_column(String(64))
    at: Mapped[int]
    hours: Mapped[float | None]
    skipped: Mapped[bool]
    reason: Mapped[str]
    by: Mapped[str] = mapped_column(String(64))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))

    __table_args__ = (Index("ix_maintenance_done_of", "device_id", "plan", "at"),)


class StoredDue(NamedTuple):
    """A row of when a plan is due (MaintenanceDueRow)."""

    device_id: str
    plan: str
    due_at: int | None
    by: str
    known_at: int
    hours: float | None = None
    hours_at: int | None = None
    from_hours: float | None = None
    from_at: int | None = None


class Done(NamedTuple):
    """When something was done or skipped last, and after how many hours of use."""

    at: int
    hours: float | None
    skipped: bool


class Maintained(NamedTuple):
    """A device that maintenance looks after; `replaced_at` is when another one took over its id."""

    id: str
    site: str
    kind: str
    model: str
    registered_at: int
    risk: float | None
    replaced_at: int


_DUE_COLUMNS = tuple(getattr(MaintenanceDueRow, name) for name in StoredDue._fields)


def maintained(
    session: Session, kinds: Sequence[str], heard_since: int, device_ids: Sequence[str] | None = None
) -> list[Maintained]:
    """Return the devices of some kinds that were heard since a time (epoch ms), by id."""
    columns = (Device.id, Device.site, Device.kind, Device.model, Device.registered_at, Device.risk)
    wanted = select(*columns).where(Device.kind.in_(kinds), Device.last_seen >= heard_since)
    replaced = select(DeviceEvent.device_id, func.max(DeviceEvent.ts)).where(
        DeviceEvent.code == DEVICE_REPLACED
    )
    if device_ids is not None:
        wanted = wanted.where(Device.id.in_(device_ids))
        replaced = replaced.where(DeviceEvent.device_id.in_(device_ids))
    began = {row[0]: row[1] for row in session.execute(replaced.group_by(DeviceEvent.device_id))}
    rows = session.execute(wanted.order_by(Device.id))
    return [Maintained(*row, began.get(row[0], 0)) for row in rows]


def dues_of_devices(session: Session, device_ids: Sequence[str]) -> dict[tuple[str, str], StoredDue]:
    """Return when the plans of these devices are due."""
    found: dict[tuple[str, str], StoredDue] = {}
    for some in parts_of(device_ids):
        rows = session.execute(select(*_DUE_COLUMNS).where(MaintenanceDueRow.device_id.in_(some)))
        found |= {(row[0], row[1]): StoredDue(*row) for row in rows}
    return found


def write_maintenance_dues(session: Session, dues: Sequence[StoredDue]) -> None:
    """Keep when plans are due, in place of what was kept before."""
    for first in range(0, len(dues), _AT_ONCE):
        new = insert_into(session, MaintenanceDueRow)
        changed = {
            name: new.excluded[name] for name in StoredDue._fields if name not in ("device_id", "plan")
        }
        statement = new.on_conflict_do_update(
            index_elements=[MaintenanceDueRow.device_id, MaintenanceDueRow.plan], set_=changed
        )
        session.execute(statement, [each._asdict() for each in dues[first : first + _AT_ONCE]])


def keep_maintenance_of(session: Session, kept: set[tuple[str, str]]) -> None:
    """Forget when anything else is due than these plans of devices."""
    rows = session.execute(select(MaintenanceDueRow.id, MaintenanceDueRow.device_id, MaintenanceDueRow.plan))
    gone = [number for number, device_id, plan in rows if (device_id, plan) not in kept]
    for some in parts_of(gone):
        session.execute(delete(MaintenanceDueRow).where(MaintenanceDueRow.id.in_(some)))


def falling_due(session: Session, until: int) -> list[StoredDue]:
    """Return what is due at or before a time (epoch ms), the earliest first."""
    wanted = select(*_DUE_COLUMNS).where(MaintenanceDueRow.due_at <= until)
    rows = session.execute(wanted.order_by(MaintenanceDueRow.due_at, MaintenanceDueRow.id))
    return [StoredDue(*row) for row in rows]


def dues_at(session: Session, site: str, until: int) -> list[StoredDue]:
    """Return what is due at the devices of a site at or before a time (epoch ms), the earliest first."""
    row = MaintenanceDueRow
    there = select(Device.id).where(Device.site == site)
    wanted = select(*_DUE_COLUMNS).where(row.device_id.in_(there), row.due_at <= until)
    return [StoredDue(*each) for each in session.execute(wanted.order_by(row.due_at, row.id))]


def done_last(session: Session, device_ids: Sequence[str]) -> dict[tuple[str, str], Done]:
    """Return when each plan of these devices was done or skipped last."""
    found: dict[tuple[str, str], Done] = {}
    row = MaintenanceDoneRow
    columns = (row.device_id, row.plan, row.at, row.hours, row.skipped)
    for some in parts_of(device_ids):
        wanted = select(*columns).where(row.device_id.in_(some)).order_by(row.at, row.id)
        for device_id, plan, at, hours, skipped in session.execute(wanted):
            found[device_id, plan] = Done(at, hours, skipped)
    return found


@dataclass(frozen=True, slots=True)
class Completion:
    """That something was done, or skipped for a reason; `by` is a name."""

    device_id: str
    plan: str
    at: int
    hours: float | None
    by: str
    ticket_id: int | None = None
    skipped: bool = False
    reason: str = ""


def write_done(session: Session, done: Completion) -> None:
    """Keep that something was done or skipped."""
    values = {
        "device_id": done.device_id,
        "plan": done.plan,
        "at": done.at,
        "hours": done.hours,
        "by": done.by[:64],
        "ticket_id": done.ticket_id,
        "skipped": done.skipped,
        "reason": done.reason,
    }
    session.execute(insert(MaintenanceDoneRow).values(values))


@dataclass(frozen=True, slots=True)
class DueFilter:
    """Which maintenance; None is any. `before`: due before that time (epoch ms)."""

    site: str | None = None
    device: str | None = None
    plan: str | None = None
    before: int | None = None


def find_maintenance(
    session: Session, wanted: DueFilter, asked: Asked, sites: Sites = None
) -> Page[tuple[StoredDue, str]]:
    """Return one page of what is due at some sites, each with its site; sorted by due_at."""
    row = MaintenanceDueRow
    query = of_devices_at(select(row), row.device_id, sites)
    if wanted.site is not None:
        query = of_devices_at(query, row.device_id, frozenset({wanted.site}))
    query = narrowed(query, (row.device_id, wanted.device), (row.plan, wanted.plan))
    if wanted.before is not None:
        query = query.where(row.due_at < wanted.before)
    page: Page[MaintenanceDueRow] = fetch_page(
        session, query, Order(row.due_at, row.id, asked.descending), asked
    )
    ids = {each.device_id for each in page.rows}
    rows = session.execute(select(Device.id, Device.site).where(Device.id.in_(ids)))
    places = {device_id: site for device_id, site in rows}  # noqa: C416 - a row is no pair to mypy
    return page.of(lambda each: (_stored(each), places.get(each.device_id, "")))


def _stored(row: MaintenanceDueRow) -> StoredDue:
    return StoredDue(*(getattr(row, name) for name in StoredDue._fields))
