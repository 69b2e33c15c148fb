"""Rows for every table of a desk database, whatever it holds; and what Alembic takes to make an older one."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from alembic.config import Config
from helpers.desk_rooms import NOON
from sqlalchemy import JSON, BigInteger, Boolean, Connection, Float, Integer, LargeBinary, String, Table

from storage.records import migrations


def config_of(connection: Connection) -> Config:
    """Return what Alembic's commands take."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])))
    config.attributes["connection"] = connection
    return config


def fill(connection: Connection, tables: Iterable[Table]) -> None:
    """Put two rows into each table in place of what is there, with every column set in one of them."""
    # Rows refer to rows that come after them.
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(
        "PRAGMA defer_foreign_keys=ON" if sqlite else "SET LOCAL session_replication_role = replica"
    )
    for table in tables:
        columns = [each for each in table.columns if each.computed is None]
        connection.execute(table.delete())
        connection.execute(
            table.insert(), [{each.name: _value(each, row) for each in columns} for row in (1, 2)]
        )


def _value(column: Any, row: int) -> Any:  # noqa: PLR0911 - one for each type
    if column.name == "origin":
        return "reported"
    for key in column.foreign_keys:  # the first refers to the last: the order must not matter
        return _value(key.column, 3 - row)
    if column.nullable and row == 1:
        return None
    if isinstance(column.type, JSON):
        return {"zh": "滤网", "n": row, "none": None}
    if isinstance(column.type, LargeBinary):
        return b"\x00\xff" + bytes([row])
    if isinstance(column.type, Boolean):
        return bool(row % 2)
    if isinstance(column.type, Float):
        return 0.1 + row
    if isinstance(column.type, Integer | BigInteger):
        later = 10 * (column.name == "ends")  # what ends did begin
        return NOON + row + later if isinstance(column.type, BigInteger) and not column.primary_key else row
    assert isinstance(column.type, String), column.type
    return f"{row}-{column.name}"[: column.type.length]
