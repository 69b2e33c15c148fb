"""`sweepwatch stock`: received, moved, counted, shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.fresh_desk import fresh_desk, fresh_file
from helpers.stock import BEARING, DEPOT, PACK, VAN, StockHouse

from fleet.errors import Conflict
from sweepwatch.cli import cli
from sweepwatch.data_folder import DESK


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "var").mkdir()
    path = tmp_path / "var" / DESK
    path.write_bytes(fresh_file())
    desk = fresh_desk(path)
    StockHouse(desk).furnish()
    desk.close()
    return tmp_path


def run(folder: Path, *words: str) -> str:
    ran = CliRunner().invoke(
        cli, ["stock", *words, "--data", str(folder / "var")], standalone_mode=False, catch_exceptions=False
    )
    return ran.output.strip()


def test_parts_are_received_moved_counted_and_shown(folder: Path) -> None:
    assert run(folder, "show") == "no part is in stock there"
    assert run(folder, "receive", DEPOT, BEARING, "5") == f"{DEPOT} {BEARING}: 5 there, 0 held, 5 free"
    assert run(folder, "move", DEPOT, VAN, BEARING, "2", "--why", "tomorrow").startswith(
        f"{DEPOT} {BEARING}: 3"
    )
    counted = run(folder, "count", VAN, BEARING, "1")
    assert counted == f"{VAN} {BEARING}: 1 there, 0 held, 1 free; -1 against what was thought"
    run(folder, "receive", DEPOT, PACK, "1", "--serial", "S1")
    shown = json.loads(run(folder, "show", "--json", "--part", BEARING))
    assert [(each["place"], each["on_hand"], each["free"]) for each in shown] == [(DEPOT, 3, 3), (VAN, 1, 1)]
    assert run(folder, "show", "--place", VAN).count("\n") == 0


def test_what_is_not_there_is_not_moved(folder: Path) -> None:
    with pytest.raises(Conflict, match="0 of brush-bearing are free at depot-east"):
        run(folder, "move", DEPOT, VAN, BEARING, "2")
