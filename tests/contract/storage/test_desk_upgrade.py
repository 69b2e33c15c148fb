"""A desk database from before there were doors opens with every row, and nobody in it may come in yet."""

from typing import Any

from alembic import command
from helpers.desk_rows import config_of, fill
from sqlalchemy import MetaData, create_engine, select

from access.people import People
from fleet.clock import ManualClock
from storage.records.database import open_desk

BEFORE_DOORS = "0015"
_OURS = ("alembic_version", "follower")
"""What the database keeps for itself: its version, and where readers of the log are."""


def test_every_row_from_before_there_were_doors_is_there_after(url: str) -> None:
    engine, before = create_engine(url), MetaData()
    with engine.begin() as connection:
        command.upgrade(config_of(connection), BEFORE_DOORS)
    before.reflect(engine)
    tables = [table for table in before.sorted_tables if table.name not in _OURS]
    assert "ticket" in before.tables and "person" not in before.tables
    with engine.begin() as connection:
        fill(connection, tables)
        kept = {table.name: _rows(connection, table) for table in tables}
    desk = open_desk(url)
    with desk.statements() as connection:
        assert {table.name: _rows(connection, table) for table in tables} == kept
    assert not People(desk, ManualClock(0)).have_admin()
    desk.close()
    engine.dispose()


def _rows(connection: Any, table: Any) -> list[Any]:
    return [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
