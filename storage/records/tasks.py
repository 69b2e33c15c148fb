"""Tasks: what is to be made better, by whom. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import CursorResult, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.feedback import ImprovementTask
from storage.records.base import Base, Number
from storage.records.upsert import insert_into


class TaskRow(Base):
    """A task (fleet.feedback.ImprovementTask), once of a kind for a theme and month."""

    __tablename__ = "task"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str] = mapped_column(String(255))
    theme: Mapped[str] = mapped_column(String(128))
    month: Mapped[str] = mapped_column(String(7))
    owner: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[int]
    data: Mapped[dict[str, Any]]
    done_at: Mapped[int | None]
    by: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("kind", "theme", "month"),)


_COLUMNS = ("kind", "title", "reason", "theme", "month", "owner", "opened_at")


def open_task(session: Session, new: ImprovementTask) -> int | None:
    """Store a task and return its id; None where that theme has one of its kind in that month."""
    values = {name: getattr(new, name) for name in _COLUMNS} | {"data": new.data or {}}
    statement = insert_into(session, TaskRow).values(values).on_conflict_do_nothing().returning(TaskRow.id)
    return session.scalar(statement)


def task(session: Session, task_id: int) -> ImprovementTask:
    """Return a task. Raises NotFound."""
    row = session.get(TaskRow, task_id, populate_existing=True) if 0 < task_id < 2**63 else None
    if row is None:
        raise NotFound(f"there is no task {task_id}")
    return _value(row)


def tasks(session: Session, most: int, month: str | None = None) -> Sequence[ImprovementTask]:
    """Return tasks, those that are open first, then the newest; of one month or all."""
    wanted = select(TaskRow).order_by(TaskRow.done_at.is_not(None), TaskRow.id.desc()).limit(most)
    if month is not None:
        wanted = wanted.where(TaskRow.month == month)
    return [_value(row) for row in session.scalars(wanted)]


def end_task(session: Session, task_id: int, by: str, now: int) -> bool:
    """Note that a task is done; False where it was."""
    result = session.execute(
        update(TaskRow).where(TaskRow.id == task_id, TaskRow.done_at.is_(None)).values(done_at=now, by=by),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _value(row: TaskRow) -> ImprovementTask:
    columns = (*_COLUMNS, "data", "done_at", "by", "id")
    return ImprovementTask(**{name: getattr(row, name) for name in columns})
