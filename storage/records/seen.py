"""Lists of what was seen, the most recent first: pages of them, their expiry, and what went to make room."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, delete, tuple_
from sqlalchemy.orm import Session

from fleet.clock import DAY_MS
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.notes import Note

Item = TypeVar("Item")
SeenKey = tuple[int, Any]
"""When a row was last seen, and its key: where a page ends."""


@dataclass(frozen=True, slots=True)
class SeenPage(Generic[Item]):
    """Items, the most recently seen first; `evicted` is how many ever went to make room."""

    items: tuple[Item, ...]
    after: SeenKey | None
    evicted: int


@dataclass(frozen=True, slots=True)
class SeenList(Generic[Item]):
    """A table with `last_seen`, told apart by the column `key`; `item` is what people see of a row.

    What is evicted from it is counted in the note `evicted` (storage/records/notes.py).
    """

    table: type[Base]
    key: str
    item: Callable[[Any], Item]
    evicted: str

    def page(
        self, desk: DeskDatabase, query: Select[Any], limit: int, after: SeenKey | None
    ) -> SeenPage[Item]:
        """Return up to `limit` rows of a query on the table, behind the page before."""
        seen, key = self._column("last_seen"), self._column(self.key)
        if after is not None:
            query = query.where(tuple_(seen, key) < after)
        with desk.transaction() as session:
            found = session.scalars(query.order_by(seen.desc(), key.desc()).limit(limit + 1)).all()
            evicted = self._evicted(session)
        page = found[:limit]
        following = (page[-1].last_seen, getattr(page[-1], self.key)) if len(found) > limit else None
        return SeenPage(tuple(map(self.item, page)), following, evicted)

    def expire(self, desk: DeskDatabase, days: int, now: int) -> int:
        """Delete what was last seen more than so many days ago, and return how many rows went.

        They are not counted as evicted: they went for their age, not for want of room.
        """
        with desk.statements() as connection:
            old = delete(self.table).where(self._column("last_seen") < now - days * DAY_MS)
            return connection.execute(old).rowcount

    def _column(self, name: str) -> ColumnElement[Any]:
        column: ColumnElement[Any] = self.table.__table__.c[name]
        return column

    def _evicted(self, session: Session) -> int:
        note = session.get(Note, self.evicted)
        return int(note.value["rows"]) if note else 0
