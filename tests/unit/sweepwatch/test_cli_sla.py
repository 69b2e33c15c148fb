"""`sweepwatch sla`: a policy is checked, a case's clocks are explained, from a file or by its number."""

import json
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner
from helpers.desk_rooms import Rooms, open_rooms

from fleet.clock import HOUR_MS
from fleet.errors import NotFound
from fleet.principals import person
from fleet.tickets import TicketState
from sweepwatch.cli import cli
from sweepwatch.data_folder import DESK

CASE = """\
opened_at: 2026-09-30T16:00
zone: Asia/Shanghai
level: L2
done: {respond: 2026-09-30T17:00}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder whose case 1 was reported at noon and accepted an hour later."""
    rooms: Rooms = open_rooms(tmp_path)
    number = rooms.tickets.report("R1", "brush_jam", person("Li"), "it squeaks")
    rooms.clock.advance(HOUR_MS)
    rooms.tickets.change_state(number, TicketState.ACCEPTED, person("Li"), "")
    rooms.desk.close()
    (tmp_path / "desk.db").rename(tmp_path / DESK)
    return tmp_path


def run(*words: str) -> str:
    ran = CliRunner().invoke(cli, ["sla", *words], standalone_mode=False, catch_exceptions=False)
    return ran.output.strip()


def test_a_policy_that_ships_can_be_used() -> None:
    assert "can be used; it warns at" in run("check")


def test_a_case_of_the_installation_says_what_counted(folder: Path) -> None:
    said = json.loads(run("explain", "1", "--data", str(folder), "--now", "2027-01-15T12:00:00Z", "--json"))
    assert set(said) == {"respond", "on_site"}
    respond = said["respond"]
    assert (respond["status"], respond["counted_ms"], respond["allowed_ms"]) == ("met", HOUR_MS, 4 * HOUR_MS)
    assert sum(span["counted"] for span in respond["spans"]) == 1
    told = run("explain", "1", "--data", str(folder))
    assert told.splitlines()[0].startswith("respond: met, due ")
    with pytest.raises(NotFound, match="there is no ticket 9"):
        run("explain", "9", "--data", str(folder))


def test_a_case_as_a_file_is_explained_by_another_policy(tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(CASE, encoding="utf-8")
    said = json.loads(run("explain", "--case", str(tmp_path / "case.yaml"), "--json"))
    assert said["respond"]["due"] == "2026-09-30T20:00:00+08:00"


@pytest.mark.parametrize("words", [[], ["1", "--case", "case.yaml"]])
def test_it_is_told_which_case_once(words: list[str]) -> None:
    with pytest.raises(UsageError, match="either TICKET"):
        run("explain", *words)


def test_a_change_that_moves_nothing_says_so(folder: Path) -> None:
    assert run("preview", "--data", str(folder)).startswith("0 open tickets would be due")
