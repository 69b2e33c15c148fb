"""Low scores that somebody looks after. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, ForeignKey, Index, Select, String, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.feedback import FollowUp
from fleet.grants import Sites
from storage.records.base import Base, Number
from storage.records.feedback import FeedbackRow
from storage.records.tickets import TicketRow
from storage.records.within import at_sites

_OPEN = text("done_at IS NULL")


class FollowUpRow(Base):
    """A follow-up (fleet.feedback.FollowUp), one for each feedback that needs one."""

    __tablename__ = "follow_up"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    feedback_id: Mapped[int] = mapped_column(ForeignKey("feedback.id"), unique=True)
    owner: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[int]
    due: Mapped[int]
    overdue_at: Mapped[int | None]
    done_at: Mapped[int | None]
    by: Mapped[str | None] = mapped_column(String(64))
    said: Mapped[str] = mapped_column(String(2000))

    __table_args__ = (Index("ix_follow_up_due", "due", sqlite_where=_OPEN, postgresql_where=_OPEN),)


def add_follow_up(session: Session, new: FollowUp) -> bool:
    """Store a follow-up; False where its feedback has one."""
    known = select(FollowUpRow.id).where(FollowUpRow.feedback_id == new.feedback_id)
    if session.scalar(known) is not None:
        return False
    session.add(
        FollowUpRow(
            ticket_id=new.ticket_id,
            feedback_id=new.feedback_id,
            owner=new.owner,
            opened_at=new.opened_at,
            due=new.due,
            said="",
        )
    )
    session.flush()
    return True


def follow_up(session: Session, follow_up_id: int, sites: Sites = None) -> FollowUp:
    """Return a follow-up. Raises NotFound, where it is of none of these sites as well."""
    wanted = at_sites(_whole(), TicketRow.site, sites).where(FollowUpRow.id == follow_up_id)
    found = session.execute(wanted).first() if 0 < follow_up_id < 2**63 else None
    if found is None:
        raise NotFound(f"there is no follow-up {follow_up_id}")
    return _value(found)


def open_follow_ups(session: Session, sites: Sites, most: int) -> Sequence[FollowUp]:
    """Return the open follow-ups of some sites, those due first in front: what is overdue comes first."""
    wanted = at_sites(_whole(), TicketRow.site, sites).where(FollowUpRow.done_at.is_(None))
    wanted = wanted.order_by(FollowUpRow.due, FollowUpRow.id).limit(most)
    return [_value(row) for row in session.execute(wanted)]


def follow_ups_of(session: Session, ticket_id: int) -> Sequence[FollowUp]:
    """Return the follow-ups of a case, the oldest first."""
    wanted = _whole().where(FollowUpRow.ticket_id == ticket_id).order_by(FollowUpRow.id)
    return [_value(row) for row in session.execute(wanted)]


def is_looked_after(session: Session, ticket_id: int) -> bool:
    """Tell whether every low score of a case has been looked after."""
    open_one = select(FollowUpRow.id).where(FollowUpRow.ticket_id == ticket_id, FollowUpRow.done_at.is_(None))
    return session.scalar(open_one.limit(1)) is None


def overdue_follow_ups(session: Session, now: int, most: int) -> list[int]:
    """Return the ids of open follow-ups that are overdue at `now` (epoch ms) and were not told of."""
    wanted = select(FollowUpRow.id).where(
        FollowUpRow.done_at.is_(None), FollowUpRow.overdue_at.is_(None), FollowUpRow.due <= now
    )
    return list(session.scalars(wanted.order_by(FollowUpRow.due, FollowUpRow.id).limit(most)))


def take_overdue(session: Session, follow_up_id: int, now: int) -> bool:
    """Note that one is overdue, in the transaction that tells of it; False where it is not, or was told."""
    return _changed(
        session,
        update(FollowUpRow)
        .where(
            FollowUpRow.id == follow_up_id, FollowUpRow.done_at.is_(None), FollowUpRow.overdue_at.is_(None)
        )
        .values(overdue_at=now),
    )


def end_follow_up(session: Session, follow_up_id: int, by: str, said: str, now: int) -> bool:
    """Note what came of a follow-up; False where somebody else did first."""
    return _changed(
        session,
        update(FollowUpRow)
        .where(FollowUpRow.id == follow_up_id, FollowUpRow.done_at.is_(None))
        .values(done_at=now, by=by, said=said),
    )


def _changed(session: Session, statement: Any) -> bool:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _whole() -> Select[*tuple[Any, ...]]:
    columns = (FollowUpRow, FeedbackRow.score, FeedbackRow.remark, TicketRow.device_id, TicketRow.site)
    return (
        select(*columns)
        .join(FeedbackRow, FeedbackRow.id == FollowUpRow.feedback_id)
        .join(TicketRow, TicketRow.id == FollowUpRow.ticket_id)
    )


def _value(found: Any) -> FollowUp:
    row, score, remark, device_id, site = found
    return FollowUp(
        ticket_id=row.ticket_id,
        feedback_id=row.feedback_id,
        score=score,
        opened_at=row.opened_at,
        due=row.due,
        owner=row.owner,
        done_at=row.done_at,
        by=row.by,
        said=row.said,
        overdue_at=row.overdue_at,
        device_id=device_id,
        site=site,
        remark=remark,
        id=row.id,
    )
