"""Lists and counts of tickets, as pages and the API need them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from fleet.faults import Level
from fleet.grants import Sites
from fleet.tickets import CLOSED_STATES, Ticket, TicketKind, TicketOrigin, TicketState
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.tickets import SuspicionRow, TicketRow, to_tickets
from storage.records.within import at_sites

_KEYS = {"due": TicketRow.due, "opened_at": TicketRow.opened_at, "id": TicketRow.id}


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; None and an empty `states` are any. `fault` is one of their suspicions.

    `overdue_at` (epoch ms) is for open ones with a milestone that is overdue then.
    """

    states: tuple[TicketState, ...] = ()
    level: Level | None = None
    origin: TicketOrigin | None = None
    device: str | None = None
    site: str | None = None
    fault: str | None = None
    overdue_at: int | None = None
    kind: TicketKind | None = None
    owner: str | None = None


def find_tickets(session: Session, wanted: TicketFilter, asked: Asked, sites: Sites = None) -> Page[Ticket]:
    """Return one page of tickets of some sites; sorted by due, opened_at or id."""
    query = narrowed(
        at_sites(select(TicketRow), TicketRow.site, sites),
        (TicketRow.level, wanted.level),
        (TicketRow.origin, wanted.origin),
        (TicketRow.device_id, wanted.device),
        (TicketRow.site, wanted.site),
        (TicketRow.kind, wanted.kind),
        (TicketRow.owner, wanted.owner),
    )
    if wanted.fault is not None:
        suspected = select(SuspicionRow.ticket_id).where(SuspicionRow.fault == wanted.fault)
        query = query.where(TicketRow.id.in_(suspected))
    if wanted.states:
        query = query.where(TicketRow.state.in_(wanted.states))
    if wanted.overdue_at is not None:
        query = query.where(_overdue(wanted.overdue_at))
    order = Order(_KEYS[asked.key], TicketRow.id, asked.descending)
    page: Page[TicketRow] = fetch_page(session, query, order, asked)
    return Page(to_tickets(session, page.rows), page.next_cursor)


def count_breached(session: Session, now: int, sites: Sites = None) -> int:
    """Count the open tickets of some sites with a milestone that is overdue at `now` (epoch ms)."""
    wanted = select(func.count()).select_from(TicketRow).where(_overdue(now))
    return session.scalar(at_sites(wanted, TicketRow.site, sites)) or 0


def _overdue(now: int) -> ColumnElement[bool]:
    milestones = (
        (TicketRow.respond_due, TicketRow.responded_at),
        (TicketRow.on_site_due, TicketRow.on_site_at),
        (TicketRow.solve_due, TicketRow.solved_at),
        (TicketRow.plan_due, TicketRow.planned_at),
    )
    missed = or_(*(and_(done.is_(None), due < now) for due, done in milestones))
    return and_(TicketRow.state.not_in(CLOSED_STATES), missed)


def count_complaints_of(session: Session, device_id: str, since: int) -> int:
    """Count the complaints about a device that were opened since a time (epoch ms) and not withdrawn."""
    wanted = select(func.count()).select_from(TicketRow)
    return (
        session.scalar(
            wanted.where(
                TicketRow.device_id == device_id,
                TicketRow.kind == TicketKind.COMPLAINT,
                TicketRow.opened_at >= since,
                TicketRow.state != TicketState.CANCELLED,
            )
        )
        or 0
    )


def open_cases(session: Session, kinds: Collection[TicketKind], sites: Sites = None) -> Sequence[Ticket]:
    """Return all open cases of some kinds at some sites, by id."""
    wanted = at_sites(select(TicketRow), TicketRow.site, sites)
    wanted = wanted.where(TicketRow.state.not_in(CLOSED_STATES), TicketRow.kind.in_(kinds))
    return to_tickets(session, session.scalars(wanted.order_by(TicketRow.id)).all())


def open_ticket_ids(session: Session, device_ids: Sequence[str] | None = None) -> dict[str, int]:
    """Return the open repair of each of these devices that has one; without `device_ids`, of all."""
    wanted = select(TicketRow.device_id, func.max(TicketRow.id)).group_by(TicketRow.device_id)
    wanted = wanted.where(TicketRow.state.not_in(CLOSED_STATES), TicketRow.kind == TicketKind.REPAIR)
    if device_ids is None:
        return {row[0]: row[1] for row in session.execute(wanted)}
    found: dict[str, int] = {}
    for some in parts_of(device_ids):
        found |= {row[0]: row[1] for row in session.execute(wanted.where(TicketRow.device_id.in_(some)))}
    return found
