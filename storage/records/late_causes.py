"""Why milestones of tickets were late, as people said. Callers bring the transaction."""

from typing import NamedTuple

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.sla import Milestone
from storage.records.base import Base


class LateCauseRow(Base):
    """Why one milestone was late: `cause` is one of the list (fleet/service.py)."""

    __tablename__ = "late_cause"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    milestone: Mapped[str] = mapped_column(String(16), primary_key=True)
    cause: Mapped[str] = mapped_column(String(64))
    note: Mapped[str]
    at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))


class LateCause(NamedTuple):
    """Why a milestone was late, as somebody said at a time (epoch ms)."""

    cause: str
    note: str
    at: int
    by: str


def late_causes_of(session: Session, ticket_id: int) -> dict[Milestone, LateCause]:
    """Return what was said of a ticket's late milestones."""
    rows = session.scalars(select(LateCauseRow).where(LateCauseRow.ticket_id == ticket_id))
    return {Milestone(row.milestone): LateCause(row.cause, row.note, row.at, row.by) for row in rows}


def write_late_cause(session: Session, ticket_id: int, milestone: Milestone, said: LateCause) -> None:
    """Keep why a milestone was late, in place of what was said before."""
    session.merge(LateCauseRow(ticket_id=ticket_id, milestone=milestone, **said._asdict()))
    session.flush()
