"""Repairs that nobody said anything about: who is to be called. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import ForeignKey, and_, exists, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.feedback import CALL_AGAIN_MS, MOST_CALLS, CallBack, repair_of
from fleet.grants import Sites
from fleet.tickets import Ticket, TicketKind, TicketState
from storage.records.base import Base
from storage.records.feedback import FeedbackRow
from storage.records.past_cases import PastCaseRow
from storage.records.sites import SiteRow
from storage.records.tickets import TicketRow, to_tickets
from storage.records.within import at_sites

_DONE = (TicketState.REPAIRED, TicketState.CONFIRMED)


class CallBackRow(Base):
    """How often nobody was reached by a call about a repair, the last time at `called_at` (epoch ms)."""

    __tablename__ = "call_back"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    repair: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tries: Mapped[int]
    called_at: Mapped[int]


def to_be_called(
    session: Session, since: int, until: int, now: int, sites: Sites, most: int
) -> Sequence[CallBack]:
    """Return repairs done from `since` up to `until` (epoch ms) to call about at `now`, the newest first.

    Nothing was said of them, none is of a past that was brought in, and nobody was called in vain too lately,
    or too often.
    """
    said = exists().where(FeedbackRow.ticket_id == TicketRow.id, FeedbackRow.at >= TicketRow.solved_at)
    brought_in = exists().where(PastCaseRow.ticket_id == TicketRow.id)
    called = and_(CallBackRow.ticket_id == TicketRow.id, CallBackRow.called_at >= TicketRow.solved_at)
    wanted = (
        select(TicketRow, CallBackRow.tries, SiteRow.customer)
        .outerjoin(CallBackRow, called)
        .outerjoin(SiteRow, SiteRow.id == TicketRow.site)
        .where(
            TicketRow.kind == TicketKind.REPAIR,
            TicketRow.state.in_(_DONE),
            TicketRow.solved_at >= since,
            TicketRow.solved_at <= until,
            ~said,
            ~brought_in,
            or_(
                CallBackRow.tries.is_(None),
                and_(CallBackRow.tries < MOST_CALLS, CallBackRow.called_at <= now - CALL_AGAIN_MS),
            ),
        )
        .order_by(TicketRow.solved_at.desc(), TicketRow.id.desc())
        .limit(most)
    )
    rows = session.execute(at_sites(wanted, TicketRow.site, sites)).all()
    tickets = to_tickets(session, [row for row, *_ in rows])
    return [
        CallBack(ticket, repair_of(ticket), ticket.solved_at or 0, tries or 0, customer or "")
        for ticket, (_, tries, customer) in zip(tickets, rows, strict=True)
    ]


def tries_of(session: Session, ticket: Ticket) -> int:
    """Return how often nobody was reached about the newest repair of a case."""
    row = session.get(CallBackRow, (ticket.id, repair_of(ticket)))
    return 0 if row is None else row.tries


def note_try(session: Session, ticket: Ticket, now: int) -> int:
    """Note that nobody was reached about the newest repair of a case; return how often that was."""
    row = session.get(CallBackRow, (ticket.id, repair_of(ticket)), with_for_update=True)
    if row is None:
        row = CallBackRow(ticket_id=ticket.id, repair=repair_of(ticket), tries=0, called_at=now)
        session.add(row)
    row.tries, row.called_at = row.tries + 1, now
    session.flush()
    return row.tries
