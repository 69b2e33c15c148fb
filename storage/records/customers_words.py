"""What customers wrote and who they are, let go of when it is old. Callers bring the transaction."""

from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, Update, and_, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet.tickets import CLOSED_STATES, TicketState
from storage.records.appointments import AppointmentRow
from storage.records.complaints import ComplaintRow
from storage.records.consents import ConsentRow
from storage.records.feedback import FeedbackRow
from storage.records.files import CaseFileRow, delete_files
from storage.records.requests import RequestRow
from storage.records.tickets import TicketRow
from storage.records.visits import VisitRow

_OVER = CLOSED_STATES | {TicketState.REPAIRED}
"""Many customers never say that a repair was well done."""


def forget_customers_words(session: Session, before: int) -> int:
    """Empty names, contacts, words and signatures of cases that are over and opened before a time (epoch ms).

    Scores, answers and what staff wrote stay. Requests that never became a case go by their own age. Returns
    how many rows were emptied.
    """
    over = _over(before)
    done = _done(before)
    emptied = [
        _emptied(RequestRow, RequestRow.words, RequestRow.who, RequestRow.contact).where(done),
        _emptied(ComplaintRow, ComplaintRow.words, ComplaintRow.customer, ComplaintRow.contact).where(
            ComplaintRow.ticket_id.in_(over)
        ),
        _emptied(FeedbackRow, FeedbackRow.remark).where(FeedbackRow.ticket_id.in_(over)),
        _emptied(ConsentRow, ConsentRow.remark).where(ConsentRow.ticket_id.in_(over)),
        _emptied(AppointmentRow, AppointmentRow.remark).where(AppointmentRow.ticket_id.in_(over)),
        update(VisitRow)
        .where(VisitRow.ticket_id.in_(over), or_(VisitRow.signature.is_not(None), VisitRow.signed_by != ""))
        .values(signature=None, signed_by=""),
    ]
    return sum(_count(session, each) for each in emptied)


def forget_files(session: Session, before: int) -> int:
    """Delete the files of cases that are over, and of requests, as old as that; return how many.

    A picture shows a customer's rooms, whoever took it.
    """
    requests = select(RequestRow.id).where(_done(before))
    alone = and_(CaseFileRow.ticket_id.is_(None), CaseFileRow.request_id.in_(requests))
    return delete_files(session, or_(CaseFileRow.ticket_id.in_(_over(before)), alone))


def _over(before: int) -> Select[int]:
    return select(TicketRow.id).where(TicketRow.opened_at < before, TicketRow.state.in_(_OVER))


def _done(before: int) -> ColumnElement[bool]:
    """Return which requests are done with: their case is over, or they asked for nothing."""
    over = or_(RequestRow.ticket_id.in_(_over(before)), RequestRow.dismissed_at.is_not(None))
    return and_(RequestRow.at < before, over)


def _emptied(row: type[Any], *columns: InstrumentedAttribute[str]) -> Update:
    there = or_(*(column != "" for column in columns))
    return update(row).where(there).values({column.key: "" for column in columns})


def _count(session: Session, statement: Update) -> int:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount
