"""The plan of duty in its versions, and who takes whose hours. Callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import Index, String, Text, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.shifts import DutyVersion, Override
from storage.records.base import Base, Number


class DutyPlanRow(Base):
    """One version of the plan (fleet.shifts.DutyVersion). Rows are only ever added."""

    __tablename__ = "duty_plan"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)


class DutyOverrideRow(Base):
    """One override of a schedule (fleet.shifts.Override)."""

    __tablename__ = "duty_override"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    schedule: Mapped[str] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(254))
    begins: Mapped[int]
    ends: Mapped[int]
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[int | None]

    __table_args__ = (Index("ix_duty_override_ends", "ends"),)


def newest_number(session: Session) -> int:
    """Return the number of the version in force, 0 where none was ever applied."""
    return session.scalar(select(func.max(DutyPlanRow.number))) or 0


def version_of(session: Session, number: int) -> DutyVersion:
    """Return one version of the plan. Raises NotFound."""
    row = session.get(DutyPlanRow, number)
    if row is None:
        raise NotFound(f"there is no version {number} of the duty plan")
    return _version(row)


def versions(session: Session) -> Sequence[DutyVersion]:
    """Return every version of the plan, the newest first."""
    return [_version(row) for row in session.scalars(select(DutyPlanRow).order_by(DutyPlanRow.number.desc()))]


def add_version(session: Session, version: DutyVersion) -> None:
    """Add the next version of the plan. Raises Conflict where another was applied meanwhile."""
    conflict = f"version {version.number} of the duty plan was applied meanwhile; read it, and decide anew"
    if newest_number(session) != version.number - 1:
        raise Conflict(conflict)
    session.add(
        DutyPlanRow(
            number=version.number,
            text=version.text,
            made_at=version.made_at,
            made_by=version.made_by,
            why=version.why,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:  # another process was first
        raise Conflict(conflict) from error


def overrides_after(session: Session, at: int) -> Sequence[Override]:
    """Return the overrides that end after a time as planned, in the order in which they were made."""
    wanted = select(DutyOverrideRow).where(DutyOverrideRow.ends > at).order_by(DutyOverrideRow.id)
    return [_override(row) for row in session.scalars(wanted)]


def override_of(session: Session, override_id: int) -> Override:
    """Return one override. Raises NotFound."""
    return _override(_row(session, override_id))


def add_override(session: Session, override: Override) -> Override:
    """Keep an override; its id is given here."""
    row = DutyOverrideRow(
        schedule=override.schedule,
        person=override.person,
        begins=override.begins,
        ends=override.ends,
        made_at=override.made_at,
        made_by=override.made_by,
        why=override.why,
    )
    session.add(row)
    session.flush()
    return _override(row)


def end_override(session: Session, override_id: int, now: int) -> Override:
    """End an override before its time. Raises NotFound, and Conflict where it is over."""
    row = _row(session, override_id, lock=True)
    if row.ended_at is not None or row.ends <= now:
        raise Conflict(f"override {override_id} is over already")
    row.ended_at = now
    session.flush()
    return _override(row)


def _row(session: Session, override_id: int, *, lock: bool = False) -> DutyOverrideRow:
    row = session.get(DutyOverrideRow, override_id, with_for_update=lock)
    if row is None:
        raise NotFound(f"there is no override {override_id}")
    return row


def _version(row: DutyPlanRow) -> DutyVersion:
    return DutyVersion(row.number, row.text, row.made_at, row.made_by, row.why)


def _override(row: DutyOverrideRow) -> Override:
    return Override(
        row.id,
        row.schedule,
        row.person,
        row.begins,
        row.ends,
        row.made_at,
        row.made_by,
        row.why,
        row.ended_at,
    )
