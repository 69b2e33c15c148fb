"""A desk database from before there were doors opens with every row, and nobody in it may come in yet."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from helpers.desk_rows import config_of, fill
from sqlalchemy import MetaData, create_engine, select

from access.people import People
from fleet.clock import ManualClock
from storage.records import tables
from storage.records.database import MIGRATIONS, open_desk

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


def test_each_migration_is_called_by_its_revision_and_follows_the_one_before() -> None:
    scripts = {each.revision: each for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    names = sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("0*.py"))
    assert sorted(scripts) == names, "open_desk knows the newest by its file's name"
    assert [scripts[name].down_revision for name in names] == [None, *names[:-1]]


def test_every_file_of_tables_is_among_those_that_are_copied() -> None:
    folder = Path(tables.__file__).parent
    held = {
        path.stem for path in folder.glob("*.py") if "__tablename__ =" in path.read_text(encoding="utf-8")
    }
    assert held <= set(tables.__all__), (
        "else `desk copy` leaves rows behind, unless something else imported them"
    )
