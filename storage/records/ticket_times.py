"""What clocks need of open tickets, of many at once; callers bring the transaction."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from fleet.complaints import Complaint
from fleet.faults import Level
from fleet.tickets import CLOSED_STATES, Span, TicketKind, TicketState
from fleet.upkeep import Upkeep
from storage.records.complaints import complaints_of
from storage.records.maintenance_tickets import upkeeps_of
from storage.records.straight import execute_straight
from storage.records.tickets import LEVELS, STATES, TicketRow, spans_of


class TicketTimes(NamedTuple):
    """An open ticket, as far as its clocks go (fleet.tickets.Ticket)."""

    id: int
    version: int
    kind: str
    device_id: str
    site: str
    level: Level
    state: TicketState
    opened_at: int
    respond_due: int
    on_site_due: int | None
    solve_due: int | None
    plan_due: int | None
    responded_at: int | None
    on_site_at: int | None
    solved_at: int | None
    planned_at: int | None
    spans: tuple[Span, ...] = ()
    complaint: Complaint | None = None
    upkeep: Upkeep | None = None
    is_open: bool = True


_DERIVED = ("spans", "complaint", "upkeep", "is_open")
_COLUMNS = tuple(getattr(TicketRow, name) for name in TicketTimes._fields if name not in _DERIVED)


def open_times(
    session: Session, after: int, most: int, sites: Collection[str] | None = None
) -> list[TicketTimes]:
    """Return open tickets in the order of their ids, those behind `after`; of these sites, None: of all."""
    wanted = select(*_COLUMNS).where(TicketRow.state.not_in(CLOSED_STATES), TicketRow.id > after)
    if sites is not None:
        wanted = wanted.where(TicketRow.site.in_(sites))
    rows = session.connection().execute(wanted.order_by(TicketRow.id).limit(most)).all()
    spans = spans_of(session, [row.id for row in rows])
    complaints = complaints_of(session, [row.id for row in rows if row.kind == TicketKind.COMPLAINT])
    upkeeps = upkeeps_of(session, [row.id for row in rows if row.kind == TicketKind.MAINTENANCE])
    found = []
    for row in rows:
        number, version, kind, device_id, site, level, state, *times = row
        named = (number, version, kind, device_id, site, LEVELS[level], STATES[state])
        derived = (tuple(spans.get(number, ())), complaints.get(number), upkeeps.get(number), True)
        found.append(TicketTimes._make((*named, *times, *derived)))
    return found


class Dues(NamedTuple):
    """When a ticket must be responded to, reached and solved, and its plan be written (epoch ms)."""

    respond: int
    on_site: int | None
    solve: int | None
    plan: int | None = None


def save_dues(session: Session, dues: Mapping[tuple[int, int], Dues]) -> None:
    """Store when tickets (id and version) are due; one that changed meanwhile is left alone."""
    if not dues:
        return
    table = TicketRow.__table__
    statement = (
        update(table)  # type: ignore[arg-type]
        .where(table.c.id == bindparam("of_id"), table.c.version == bindparam("of_version"))
        .values(
            respond_due=bindparam("respond"),
            on_site_due=bindparam("on_site"),
            solve_due=bindparam("solve"),
            plan_due=bindparam("plan"),
        )
    )
    names = ("of_id", "of_version", *Dues._fields)
    execute_straight(session.connection(), statement, names, [(*key, *due) for key, due in dues.items()])
