"""Small facts that an installation keeps about itself, by key."""

from typing import Any

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.upsert import insert_into


class Note(Base):
    """A small fact the installation keeps about itself, by key: counters, marks of what is done."""

    __tablename__ = "note"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]


_notes = Note.__table__.c
_NOTED = select(_notes.value).where(_notes.key == bindparam("named")).with_for_update()
_FIRST = insert(Note).values(key=bindparam("named"), value=bindparam("new"))
_AGAIN = update(Note).where(_notes.key == bindparam("named")).values(value=bindparam("new"))


def read_note(desk: DeskDatabase, key: str) -> dict[str, Any] | None:
    """Return what was noted under `key`, None when nothing was."""
    with desk.transaction() as session:
        note = session.get(Note, key)
        return dict(note.value) if note else None


def write_note(desk: DeskDatabase, key: str, value: dict[str, Any]) -> None:
    """Note `value` (JSON-ready) under `key`, in place of what was there."""
    with desk.transaction() as session:
        session.merge(Note(key=key, value=value))


def note_once(desk: DeskDatabase, key: str, value: dict[str, Any]) -> dict[str, Any]:
    """Note `value` under `key` unless something stands there; return what stands there."""
    with desk.transaction() as session:
        first = insert_into(session, Note).values(key=key, value=value)
        session.execute(first.on_conflict_do_nothing())
        return dict(session.scalars(select(Note.value).where(Note.key == key)).one())


def count_on(connection: Connection, key: str, name: str, more: int) -> None:
    """Add to the number `name` that is noted under `key`, in the transaction of the connection."""
    before = connection.scalar(_NOTED, {"named": key})
    value = {name: more + (before[name] if before else 0)}
    connection.execute(_FIRST if before is None else _AGAIN, {"named": key, "new": value})
