"""Tasks: what somebody is to do about how the service goes. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.tasks import Task
from fleet.text import Text
from storage.records.base import Base, Number
from storage.records.upsert import insert_into


class TaskRow(Base):
    """A task (fleet.tasks.Task); `key` makes it once, whoever looks."""

    __tablename__ = "task"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(128), unique=True)
    title_en: Mapped[str] = mapped_column(String(255))
    title_zh: Mapped[str] = mapped_column(String(255))
    reason: Mapped[str]
    data: Mapped[dict[str, Any]]
    opened_at: Mapped[int]
    due_at: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(64))
    done_at: Mapped[int | None]
    done_by: Mapped[str | None] = mapped_column(String(64))


def open_task(session: Session, new: Task) -> Task | None:
    """Open a task and return it as stored; None where there is one of its key already."""
    values = {
        "kind": new.kind,
        "key": new.key,
        "title_en": new.title.en,
        "title_zh": new.title.zh,
        "reason": new.reason,
        "data": new.data,
        "opened_at": new.opened_at,
        "due_at": new.due_at,
        "owner": new.owner,
    }
    statement = insert_into(session, TaskRow).values(values).on_conflict_do_nothing(index_elements=["key"])
    made = session.scalars(statement.returning(TaskRow.id)).first()
    return None if made is None else _task(session.get_one(TaskRow, made))


def tasks_of(session: Session, kind: str, *, is_open: bool = True, most: int = 100) -> Sequence[Task]:
    """Return tasks of a kind: open ones, or all, those that are open first; then the newest."""
    order = (TaskRow.done_at.is_not(None), TaskRow.id.desc())
    wanted = select(TaskRow).where(TaskRow.kind == kind).order_by(*order).limit(most)
    if is_open:
        wanted = wanted.where(TaskRow.done_at.is_(None))
    return [_task(row) for row in session.scalars(wanted)]


def end_task(session: Session, task_id: int, by: str, now: int) -> Task:
    """Note that a task is done. Raises NotFound, Conflict where it is already."""
    row = session.get(TaskRow, task_id, with_for_update=True)
    if row is None:
        raise NotFound(f"there is no task {task_id}")
    if row.done_at is not None:
        raise Conflict(f"task {task_id} is done already")
    row.done_at, row.done_by = now, by
    session.flush()
    return _task(row)


def _task(row: TaskRow) -> Task:
    return Task(
        row.kind,
        row.key,
        Text(row.title_en, row.title_zh),
        row.reason,
        row.data,
        row.opened_at,
        row.due_at,
        row.owner,
        row.done_at,
        row.done_by,
        row.id,
    )
