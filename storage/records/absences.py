"""When engineers are away. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.absences import Absence
from fleet.errors import NotFound
from storage.records.base import Base, Number


class AbsenceRow(Base):
    """An absence (fleet.absences.Absence)."""

    __tablename__ = "engineer_absence"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    engineer: Mapped[str] = mapped_column(ForeignKey("engineer.id"))
    begins: Mapped[int]
    ends: Mapped[int]
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("ends > begins", name="ck_engineer_absence"),
        Index("ix_engineer_absence", "ends", "engineer"),
    )


def add_absence(session: Session, new: Absence) -> Absence:
    """Store an absence; return it with its id."""
    row = AbsenceRow(
        engineer=new.engineer,
        begins=new.begins,
        ends=new.ends,
        made_at=new.made_at,
        made_by=new.made_by,
        ended_at=None,
    )
    session.add(row)
    session.flush()
    return _value(row)


def end_absence(session: Session, engineer: str, number: int, at: int) -> Absence:
    """Note that an engineer is back. Raises NotFound for an absence that is none of theirs."""
    row = session.get(AbsenceRow, number)
    if row is None or row.engineer != engineer:
        raise NotFound(f"there is no absence {number} of {engineer}")
    row.ended_at = at if row.ended_at is None else row.ended_at
    session.flush()
    return _value(row)


def absences_from(session: Session, since: int, engineer: str | None = None) -> Sequence[Absence]:
    """Return the absences that are not over at a time (epoch ms), by when they begin."""
    wanted = select(AbsenceRow).where(AbsenceRow.ends > since)
    if engineer is not None:
        wanted = wanted.where(AbsenceRow.engineer == engineer)
    found = [_value(row) for row in session.scalars(wanted.order_by(AbsenceRow.begins, AbsenceRow.id))]
    return [each for each in found if each.until > since]


def _value(row: AbsenceRow) -> Absence:
    return Absence(row.engineer, row.begins, row.ends, row.made_at, row.made_by, row.ended_at, row.id)
