"""Plans of days as they were proposed, and what became of them. Callers bring the transaction."""

from datetime import date
from typing import Any

from sqlalchemy import JSON, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.proposals import Proposal
from storage.records.base import Base, Number


class DayPlanRow(Base):
    """A proposal (fleet.proposals.Proposal); `data` holds its changes and what it left."""

    __tablename__ = "day_plan"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    day: Mapped[str] = mapped_column(String(10))
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    planner: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    stops: Mapped[int]
    travel_ms: Mapped[int]
    cpu_s: Mapped[float]
    applied_at: Mapped[int | None]
    applied_by: Mapped[str] = mapped_column(String(64))
    refused: Mapped[dict[str, Any]] = mapped_column(JSON)


_SAME = ("made_at", "made_by", "planner", "stops", "travel_ms", "cpu_s", "applied_at", "applied_by")


def keep_proposal(session: Session, new: Proposal) -> Proposal:
    """Store a proposal; return it with its id."""
    row = DayPlanRow(
        day=new.day.isoformat(),
        data=new.as_data(),
        refused={str(number): why for number, why in new.refused.items()},
        **{name: getattr(new, name) for name in _SAME},
    )
    session.add(row)
    session.flush()
    return _value(row)


def proposal_of(session: Session, proposal_id: int) -> Proposal:
    """Return a proposal. Raises NotFound."""
    row = session.get(DayPlanRow, proposal_id, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no plan {proposal_id}; propose one anew")
    return _value(row)


def proposals_of(session: Session, day: date, limit: int = 50) -> list[Proposal]:
    """Return the newest proposals for a day, the newest first."""
    wanted = select(DayPlanRow).where(DayPlanRow.day == day.isoformat())
    rows = session.scalars(wanted.order_by(DayPlanRow.id.desc()).limit(limit))
    return [_value(row) for row in rows]


def take_proposal(session: Session, proposal_id: int, by: str, now: int) -> bool:
    """Note that a proposal is applied; False where it was already."""
    mine = update(DayPlanRow).where(DayPlanRow.id == proposal_id, DayPlanRow.applied_at.is_(None))
    taken = mine.values(applied_at=now, applied_by=by).returning(DayPlanRow.id)
    return session.execute(taken, execution_options={"synchronize_session": False}).first() is not None


def note_refused(session: Session, proposal_id: int, refused: dict[int, str]) -> None:
    """Note which changes of a proposal were not made, and why."""
    told = {str(number): why for number, why in refused.items()}
    session.execute(update(DayPlanRow).where(DayPlanRow.id == proposal_id).values(refused=told))


def forget_proposals(session: Session, before: int) -> None:
    """Forget what was proposed before a time."""
    session.execute(delete(DayPlanRow).where(DayPlanRow.made_at < before))


def _value(row: DayPlanRow) -> Proposal:
    return Proposal.from_data(
        row.data,
        id=row.id,
        day=date.fromisoformat(row.day),
        refused={int(number): why for number, why in row.refused.items()},
        **{name: getattr(row, name) for name in _SAME},
    )
