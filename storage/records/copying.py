"""Moves a desk database as a whole to another server or file: every table, all or nothing."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import JSON, Connection, Integer, Table, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import DatabaseError, OperationalError

from fleet.errors import Conflict, InvalidInput, StoreUnavailable
from storage.records.database import DeskDatabase
from storage.records.tables import TABLES

_ROWS = 2_000
_NOT_COPIED = ("lease", "model_file")
"""Who does which job is a matter of minutes."""
_BORN_WITH = ("follower",)
"""A fresh database has rows in these already: they give way to those of the source."""
COPIED = tuple(table for table in TABLES.sorted_tables if table.name not in _NOT_COPIED)
Report = Callable[[float], None]


def copy_desk(
    source: DeskDatabase, target: DeskDatabase, report: Report = lambda _share: None
) -> dict[str, int]:
    """Copy every row of every table into an empty desk database; return how many each table has.

    All of it is one transaction of the target: broken off, nothing was copied, and it may be run again.
    Model files are not rows to copy: each desk has them where its processes look (models.registry.files).
    Raises Conflict when the target holds anything already or does not hold the same numbers at the end,
    InvalidInput when it cannot hold a value, StoreUnavailable when one of both does not answer.
    """
    with source.statements() as read, target.statements() as write:
        _freeze(read)
        _require_empty(write)
        for table in COPIED:
            if table.name in _BORN_WITH:
                write.execute(delete(table))
        counts = {}
        for done, table in enumerate(COPIED):
            report(done / len(COPIED))
            counts[table.name] = _copy_table(read, write, table)
        for table in COPIED:
            _count_up(write, table)
            there, here = _count(read, table), _count(write, table)
            if not there == here == counts[table.name]:
                raise Conflict(
                    f"table {table.name} has {there} rows there and {here} here: nothing was copied"
                )
    report(1.0)
    return counts


def require_empty(target: DeskDatabase) -> None:
    """Raise Conflict unless a desk database holds nothing."""
    with target.statements() as connection:
        _require_empty(connection)


def _freeze(source: Connection) -> None:
    """Let all that is read be of one moment, whatever others write meanwhile."""
    if source.dialect.name == "postgresql":
        source.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    else:
        source.exec_driver_sql("BEGIN")


def _require_empty(target: Connection) -> None:
    used = [
        table.name
        for table in COPIED
        if table.name not in _BORN_WITH and target.execute(select(table).limit(1)).first() is not None
    ]
    if used:
        raise Conflict(f"the target desk database is not empty: there are rows in {', '.join(used)}")


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    """Copy one table; what refers to rows of the same table is filled in when all of them are there."""
    own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    number = 0
    try:
        for part in _parts(source, table):
            target.execute(_insertion(table), [{**row, **dict.fromkeys(own)} for row in part])
            number += len(part)
        for name in own:
            _refer(source, target, table, name)
    except OperationalError as error:
        raise StoreUnavailable(f"desk database, table {table.name}: {error.orig}") from error
    except (DatabaseError, ValueError) as error:
        why = getattr(error, "orig", None) or error
        raise InvalidInput(
            f"table {table.name} cannot be copied, and nothing was: {str(why).splitlines()[0]}"
        ) from error
    return number


def _parts(source: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    query = select(table).order_by(*table.primary_key.columns)
    names = [column.name for column in table.columns if column.computed is None]
    rows = source.execute(query, execution_options={"yield_per": _ROWS})
    for part in rows.mappings().partitions(_ROWS):
        yield [{name: row[name] for name in names} for row in part]


def _refer(source: Connection, target: Connection, table: Table, name: str) -> None:
    keys = [column.name for column in table.primary_key.columns]
    change = update(table).values({name: bindparam("new", type_=table.c[name].type)})
    for key in keys:
        change = change.where(table.c[key] == bindparam(f"of_{key}"))
    for part in _parts(source, table):
        told = [row for row in part if row[name] is not None]
        if told:
            target.execute(
                change, [{"new": row[name], **{f"of_{key}": row[key] for key in keys}} for row in told]
            )


def _insertion(table: Table) -> Any:
    """Return an INSERT that keeps what is absent absent: JSON would make a `null` of it."""
    return insert(table).values(
        {
            column.name: bindparam(
                column.name, type_=JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type
            )
            for column in table.columns
            if column.computed is None
        }
    )


def _count_up(target: Connection, table: Table) -> None:
    """Let the database give the next row a number that is free; SQLite does so by itself."""
    number = table.autoincrement_column
    if target.dialect.name != "postgresql" or number is None or not isinstance(number.type, Integer):
        return
    named = {"table": table.name, "column": number.name}
    sequence = target.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), named)
    newest = target.scalar(select(func.max(number)))
    if sequence and newest is not None:
        target.execute(
            text("SELECT setval(CAST(:sequence AS regclass), :newest)"),
            {"sequence": sequence, "newest": newest},
        )


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)
