"""Who goes to which case when. That nobody is in two places at once is held by the database.

Callers bring the transaction. On PostgreSQL an exclusion constraint sees to it, on SQLite two triggers (both
in migration 0040).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.assignments import BLOCKING, Assignment, AssignmentState
from storage.records.base import Base, Number
from storage.records.parts import parts_of
from storage.records.tickets import TicketRow


class AssignmentRow(Base):
    """An assignment (fleet.assignments.Assignment)."""

    __tablename__ = "assignment"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    engineer: Mapped[str] = mapped_column(ForeignKey("engineer.id"))
    begins: Mapped[int]
    arrives: Mapped[int]
    ends: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    held: Mapped[bool]
    helps: Mapped[bool]
    why: Mapped[dict[str, Any]] = mapped_column(JSON)
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(200))

    __table_args__ = (
        Index("ix_assignment_ticket", "ticket_id"),
        Index("ix_assignment_engineer", "engineer", "begins"),
        Index("ix_assignment_time", "ends", "begins"),
    )


_OPEN = AssignmentRow.state.in_([str(each) for each in BLOCKING])


def add_assignment(session: Session, new: Assignment) -> Assignment:
    """Store an assignment. The database refuses (IntegrityError) one while its engineer has another."""
    columns = _columns(new)
    row = AssignmentRow(**columns)
    session.add(row)
    session.flush()
    return _value(row)


def change_assignment(
    session: Session, assignment_id: int, states: Collection[AssignmentState], **columns: Any
) -> bool:
    """Change an assignment that is in one of these states; False where it is not any more."""
    mine = update(AssignmentRow).where(
        AssignmentRow.id == assignment_id, AssignmentRow.state.in_([str(each) for each in states])
    )
    changed = session.execute(
        mine.values(columns).returning(AssignmentRow.id), execution_options={"synchronize_session": False}
    )
    return changed.first() is not None


def assignments_of(session: Session, ticket_id: int) -> list[Assignment]:
    """Return all assignments of a case, the oldest first."""
    return _found(session, AssignmentRow.ticket_id == ticket_id)


def open_assignments_of(session: Session, ticket_ids: Iterable[int]) -> dict[int, list[Assignment]]:
    """Return what is still to be done at these cases, whoever leads first."""
    found: dict[int, list[Assignment]] = {}
    for part in parts_of(ticket_ids):
        for each in _found(session, AssignmentRow.ticket_id.in_(part), _OPEN):
            found.setdefault(each.ticket_id, []).append(each)
    return {number: sorted(each, key=lambda one: one.helps) for number, each in found.items()}


def assignments_between(
    session: Session, begins: int, ends: int, engineers: Collection[str] | None = None
) -> list[Assignment]:
    """Return what is to be done, or was, within [begins, ends); of these engineers, None: of all."""
    wanted = [
        AssignmentRow.begins < ends,
        AssignmentRow.ends > begins,
        AssignmentRow.state != AssignmentState.RELEASED,
    ]
    if engineers is not None:
        wanted.append(AssignmentRow.engineer.in_(engineers))
    return sorted(_found(session, *wanted), key=lambda each: (each.engineer, each.begins))


def engineers_at_device(session: Session, device_id: str) -> frozenset[str]:
    """Return who has been at a device and finished there."""
    cases = select(TicketRow.id).where(TicketRow.device_id == device_id)
    done = select(AssignmentRow.engineer).where(
        AssignmentRow.ticket_id.in_(cases), AssignmentRow.state == AssignmentState.DONE
    )
    return frozenset(session.scalars(done.distinct()))


def open_assignments(session: Session) -> list[Assignment]:
    """Return all that is still to be done, by engineer and time."""
    return sorted(_found(session, _OPEN), key=lambda each: (each.engineer, each.begins))


def any_overdue(session: Session, now: int) -> bool:
    """Tell whether somebody is still at a case when they should be gone (epoch ms)."""
    under_way = AssignmentRow.state == str(AssignmentState.UNDER_WAY)
    wanted = select(AssignmentRow.id).where(under_way, AssignmentRow.ends <= now).limit(1)
    return session.scalar(wanted) is not None


def released_since(session: Session, since: int) -> list[Assignment]:
    """Return what was let go since a time (epoch ms), the oldest first."""
    return _found(session, AssignmentRow.state == AssignmentState.RELEASED, AssignmentRow.ended_at >= since)


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Assignment]:
    rows: Sequence[AssignmentRow] = session.scalars(
        select(AssignmentRow).where(*wanted).order_by(AssignmentRow.id),
        execution_options={"populate_existing": True},
    ).all()
    return [_value(row) for row in rows]


_SAME = (
    *("ticket_id", "engineer", "begins", "arrives", "ends", "held", "helps"),
    *("made_at", "made_by", "ended_at", "reason"),
)


def _columns(assignment: Assignment) -> dict[str, Any]:
    return {name: getattr(assignment, name) for name in _SAME} | {
        "state": str(assignment.state),
        "why": dict(assignment.why),
    }


def _value(row: AssignmentRow) -> Assignment:
    columns = {name: getattr(row, name) for name in _SAME}
    return Assignment(id=row.id, state=AssignmentState(row.state), why=dict(row.why), **columns)
