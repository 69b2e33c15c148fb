"""A desk moves as a whole, from SQLite to PostgreSQL and back: every row, and the next number is free."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.desk_rooms import NOON, add_devices
from helpers.desk_rows import fill
from helpers.postgres import emptied
from sqlalchemy import select, text

from fleet.errors import Conflict
from fleet.principals import schedule
from fleet.signals import Kind
from models.registry.files import DeskFiles
from storage.records.copying import COPIED, copy_desk
from storage.records.database import DeskDatabase, open_desk
from storage.records.model_cards import Deed, ModelCard, enter
from sweepwatch.cli import cli


@pytest.fixture
def fresh(postgres: str) -> str:
    """Return the address of an empty PostgreSQL database."""
    return emptied(postgres)


def content(desk: DeskDatabase) -> dict[str, list[Any]]:
    with desk.statements() as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key.columns)).all()
            for table in COPIED
        }


def nulls(desk: DeskDatabase) -> dict[str, int]:
    """Return how many values are absent in each column: what JSON calls null is not."""
    with desk.statements() as connection:
        return {
            f"{table.name}.{column.name}": connection.scalar(
                text(f'SELECT count(*) FROM {table.name} WHERE "{column.name}" IS NULL')
            )
            or 0
            for table in COPIED
            for column in table.columns
        }


def test_every_table_moves_to_postgresql_and_back(tmp_path: Path, fresh: str) -> None:
    first, server, last = (
        open_desk(url) for url in (f"sqlite:///{tmp_path / 'a.db'}", fresh, f"sqlite:///{tmp_path / 'b.db'}")
    )
    with first.statements() as connection:
        fill(connection, COPIED)
    counts = copy_desk(first, server)
    assert counts == {table.name: 2 for table in COPIED}
    copy_desk(server, last)
    assert content(first) == content(server) == content(last)
    assert nulls(first) == nulls(server) == nulls(last)
    with server.statements() as connection:
        for table in COPIED:
            if table.autoincrement_column is not None:
                sequence = f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id'))"
                assert connection.scalar(text(sequence)) == 3
    for desk in (first, server, last):
        desk.close()


def test_a_target_that_holds_anything_is_refused_and_left_alone(tmp_path: Path) -> None:
    source, target = (open_desk(f"sqlite:///{tmp_path / name}") for name in ("a.db", "b.db"))
    add_devices(source, {"R1": Kind.ROBOT})
    add_devices(target, {"R2": Kind.ROBOT})
    with pytest.raises(Conflict, match="not empty: there are rows in device"):
        copy_desk(source, target)
    assert [row.id for row in content(target)["device"]] == ["R2"]
    source.close()
    target.close()


def test_a_value_that_the_target_cannot_hold_leaves_it_empty(tmp_path: Path, fresh: str) -> None:
    url = f"sqlite:///{tmp_path / 'desk.sqlite'}"
    source = open_desk(url)
    add_devices(source, {"R1": Kind.ROBOT, "R\x002": Kind.ROBOT})
    source.close()
    done = CliRunner().invoke(cli, ["desk", "copy", "--from", url, "--to", fresh])
    assert "table device cannot be copied, and nothing was" in str(done.exception)
    target = open_desk(fresh)
    assert {name for name, rows in content(target).items() if rows} <= {"follower"}
    target.close()


def test_the_command_takes_model_files_along(tmp_path: Path, fresh: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    source = open_desk(f"sqlite:///{one / 'desk.sqlite'}")
    card = ModelCard("m", "brush_jam", NOON, "champion", "brush_jam/m.skops", "0", "0", 0.5, {})
    enter(source, card, Deed(schedule("training"), NOON, "first"), 4)
    source.close()
    (one / "models" / "brush_jam").mkdir(parents=True)
    (one / "models" / card.path).write_bytes(b"trees")
    for start, end in (
        (f"sqlite:///{one / 'desk.sqlite'}", fresh),
        (fresh, f"sqlite:///{two / 'desk.sqlite'}"),
    ):
        done = CliRunner().invoke(cli, ["desk", "copy", "--from", start, "--to", end])
        assert done.exception is None, done.exception
        assert "1 model files copied" in done.output
    server = open_desk(fresh)
    assert DeskFiles(server).read(card.path) == b"trees"
    server.close()
    assert (two / "models" / card.path).read_bytes() == b"trees"


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("sqlite:///a", "sqlite:///a", "are the same"),
        ("sqlite:///nowhere.db", "sqlite:///b.db", "does not exist"),
        ("mysql://u:secret@h/x", "sqlite:///b.db", "not usable; allowed: sqlite"),
    ],
)
def test_addresses_that_cannot_be_are_named(start: str, end: str, says: str) -> None:
    done = CliRunner().invoke(cli, ["desk", "copy", "--from", start, "--to", end])
    assert says in str(done.exception)
    assert "secret" not in str(done.exception)
