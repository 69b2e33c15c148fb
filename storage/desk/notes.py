"""Small facts that an installation keeps about itself, by key."""

from typing import Any

from storage.desk.database import DeskDatabase
from storage.desk.tables import Note


def read_note(desk: DeskDatabase, key: str) -> dict[str, Any] | None:
    """Return what was noted under `key`, None when nothing was."""
    with desk.transaction() as session:
        note = session.get(Note, key)
        return dict(note.value) if note else None


def write_note(desk: DeskDatabase, key: str, value: dict[str, Any]) -> None:
    """Note `value` (JSON-ready) under `key`, in place of what was there."""
    with desk.transaction() as session:
        session.merge(Note(key=key, value=value))
