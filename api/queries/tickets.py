"""Tickets as lists and pages need them."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from api.params import FaultCode, IdText, Paged, TicketSort
from fleet.faults import Level
from fleet.tickets import CLOSED_STATES, TicketOrigin, TicketState
from storage.records.paging import Order, Page, fetch_page
from storage.records.tickets import TicketEvent, TicketRow

_KEYS = {"due": TicketRow.due, "opened_at": TicketRow.opened_at, "id": TicketRow.id}


class TicketQuery(Paged):
    """Which tickets, and in which order."""

    sort: TicketSort = "-opened_at"
    state: list[TicketState] = Field([], description="May be given several times; without it, every state")
    level: Level | None = None
    origin: TicketOrigin | None = None
    device: IdText | None = None
    site: IdText | None = None
    fault: FaultCode | None = None


def find_tickets(session: Session, query: TicketQuery) -> Page[Any]:
    """Return one page of tickets, filtered and sorted."""
    wanted = select(TicketRow)
    for column, value in (
        (TicketRow.level, query.level),
        (TicketRow.origin, query.origin),
        (TicketRow.device_id, query.device),
        (TicketRow.site, query.site),
        (TicketRow.fault, query.fault),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.state:
        wanted = wanted.where(TicketRow.state.in_(query.state))
    order = Order(_KEYS[query.sort.removeprefix("-")], TicketRow.id, query.sort.startswith("-"))
    return fetch_page(session, wanted, order, query.asked())


def ticket_events(session: Session, ticket_id: int) -> Sequence[TicketEvent]:
    """Return what was done to a ticket, the oldest first."""
    wanted = select(TicketEvent).where(TicketEvent.ticket_id == ticket_id).order_by(TicketEvent.id)
    return session.scalars(wanted).all()


def count_breached(session: Session, now: int) -> int:
    """Count the open tickets with a milestone that is overdue at `now` (epoch ms)."""
    overdue = or_(
        *(
            and_(done.is_(None), due < now)
            for due, done in (
                (TicketRow.respond_due, TicketRow.responded_at),
                (TicketRow.on_site_due, TicketRow.on_site_at),
                (TicketRow.solve_due, TicketRow.solved_at),
            )
        )
    )
    wanted = select(func.count()).select_from(TicketRow)
    return session.scalar(wanted.where(TicketRow.state.not_in(CLOSED_STATES), overdue)) or 0


def open_ticket_ids(session: Session, device_ids: Sequence[str]) -> dict[str, int]:
    """Return the newest open ticket of each of these devices that has one."""
    wanted = select(TicketRow.device_id, func.max(TicketRow.id)).group_by(TicketRow.device_id)
    wanted = wanted.where(TicketRow.device_id.in_(device_ids), TicketRow.state.not_in(CLOSED_STATES))
    return {row[0]: row[1] for row in session.execute(wanted)}
