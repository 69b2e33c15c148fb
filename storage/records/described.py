"""What people describe in rows with a version: one at a time by what is said of it, or many at once.

Callers bring the transaction. A row that is described as it is already stays, and so does its version.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fleet.errors import Conflict
from storage.records.base import Base
from storage.records.parts import parts_of
from storage.records.upsert import insert_into

Columns = Mapping[str, Any]
_ROWS_A_STATEMENT = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a description: what the columns that changed held (None: it is new), and its version."""

    before: Columns | None
    changed: tuple[str, ...]
    version: int


def keep(session: Session, table: type[Base], said: Columns, version: int | None = None) -> Kept:
    """Keep what is said of a row, in place of what was before; `version` is that which was read, 0: none.

    Raises Conflict where it is at another version by now.
    """
    key = said[key_of(table)]
    row: Any = session.get(table, key, populate_existing=True, with_for_update=True)
    if version is not None and version != (0 if row is None else row.version):
        raise Conflict("it was changed by someone else meanwhile; read it again")
    if row is None:
        session.add(table(**said, version=1))
        try:
            session.flush()
        except IntegrityError as error:  # another request was first
            raise Conflict("it was added by someone else meanwhile; read it again") from error
        return Kept(None, tuple(said), 1)
    before = {name: getattr(row, name) for name in said}
    changed = tuple(name for name, value in said.items() if before[name] != value)
    if changed:
        for name in changed:
            setattr(row, name, said[name])
        row.version += 1
        session.flush()
    return Kept({name: before[name] for name in changed}, changed, row.version)


def key_of(table: type[Base]) -> str:
    """Return the name of a table's key."""
    return str(inspect(table).primary_key[0].key)


def stored_columns(
    session: Session, table: type[Base], names: Sequence[str], keys: Collection[str] | None = None
) -> dict[str, tuple[Any, ...]]:
    """Return these columns of the rows that have these keys (None: of all), by key."""
    key = getattr(table, key_of(table))
    wanted = select(key, *(getattr(table, name) for name in names))
    parts = [wanted] if keys is None else [wanted.where(key.in_(part)) for part in parts_of(keys)]
    return {row[0]: tuple(row[1:]) for one in parts for row in session.execute(one)}


def keep_many(
    session: Session, table: type[Base], rows: Iterable[Columns], first: Columns | None = None
) -> None:
    """Keep many rows at once, all with the same columns: new ones, and others in place of what they held.

    `first` are columns that only new rows get. A column `version`, where the table has one, is 1 of new
    rows, and counts up.
    """
    key = key_of(table)
    versioned = "version" in inspect(table).columns
    only_new = dict(first or {}) | ({"version": 1} if versioned else {})
    for some in _some(rows, _ROWS_A_STATEMENT):
        new = insert_into(session, table)
        changes = {name: new.excluded[name] for name in some[0] if name != key}
        if versioned:
            changes["version"] = table.version + 1  # type: ignore[attr-defined]  # it has one
        statement = new.on_conflict_do_update(index_elements=[key], set_=changes)
        given = [{**row, **only_new} for row in some]
        session.execute(statement, given, execution_options={"synchronize_session": False})


def _some(rows: Iterable[Columns], most: int) -> Iterable[list[Columns]]:
    found: list[Columns] = []
    for row in rows:
        found.append(row)
        if len(found) == most:
            yield found
            found = []
    if found:
        yield found
