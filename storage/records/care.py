"""How far care for alerts and incidents is. Callers bring the transaction; one statement decides."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import CursorResult, Index, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.care import Cared, Due
from fleet.faults import Level
from storage.records.base import Base
from storage.records.upsert import insert_into


class CareRow(Base):
    """One subject that is cared for (fleet.care.Cared)."""

    __tablename__ = "care"

    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    site: Mapped[str | None] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    event: Mapped[int]
    reason: Mapped[str] = mapped_column(String(128))
    told_at: Mapped[int | None]
    step: Mapped[int]
    due: Mapped[str | None] = mapped_column(String(16))
    next_at: Mapped[int | None]
    over_at: Mapped[int | None]

    __table_args__ = (Index("ix_care_next_at", "next_at"), Index("ix_care_over_at", "over_at"))


_FRESH = {"populate_existing": True}
_KEPT = tuple(Cared.__slots__)


def cared_for(session: Session, subject: str, subject_id: str) -> Cared | None:
    """Return how far care for a subject is; None where it never began."""
    row = session.get(CareRow, (subject, subject_id), populate_existing=True)
    return None if row is None else _cared(row)


def cares_of(session: Session, subject: str, ids: Collection[str]) -> dict[str, Cared]:
    """Return how far care for these subjects is, by id."""
    rows = session.scalars(
        select(CareRow).where(CareRow.subject == subject, CareRow.subject_id.in_(ids)),
        execution_options=_FRESH,
    )
    return {row.subject_id: _cared(row) for row in rows}


def due_cares(session: Session, now: int, most: int) -> list[Cared]:
    """Return what is due, the longest first."""
    wanted = select(CareRow).where(CareRow.next_at <= now).order_by(CareRow.next_at, CareRow.subject_id)
    return [_cared(row) for row in session.scalars(wanted.limit(most), execution_options=_FRESH)]


def keep_care(session: Session, before: Cared | None, after: Cared) -> bool:
    """Keep how far care is; False where another process changed it since `before` was read."""
    values: dict[str, Any] = {name: getattr(after, name) for name in _KEPT}
    if before is None:
        begun = insert_into(session, CareRow).values(values).on_conflict_do_nothing()
        return session.scalar(begun.returning(CareRow.subject_id)) is not None
    same = (
        CareRow.subject == before.subject,
        CareRow.subject_id == before.subject_id,
        CareRow.event == before.event,
        CareRow.step == before.step,
        CareRow.next_at.is_(None) if before.next_at is None else CareRow.next_at == before.next_at,
    )
    changed = session.execute(
        update(CareRow).where(*same).values(values), execution_options={"synchronize_session": False}
    )
    assert isinstance(changed, CursorResult)
    return changed.rowcount == 1


def forget_cares(session: Session, before: int) -> None:
    """Forget what was over before a time (epoch ms)."""
    session.execute(delete(CareRow).where(CareRow.over_at < before))


def _cared(row: CareRow) -> Cared:
    kept = {name: getattr(row, name) for name in _KEPT}
    due = None if row.due is None else Due(row.due)
    return Cared(**kept | {"level": Level(row.level), "due": due})
