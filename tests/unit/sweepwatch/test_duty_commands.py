"""`sweepwatch duty` beside an installation: check, apply, now, override."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.duty import PLAN, DutyRoom
from helpers.fresh_desk import fresh_desk

from fleet.errors import ConfigError, Conflict, InvalidInput
from sweepwatch.cli import cli
from sweepwatch.data_folder import DESK


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder with the people whom the plan names."""
    desk = fresh_desk(tmp_path / DESK)
    DutyRoom(desk).staff()
    desk.close()
    (tmp_path / "plan.yaml").write_text(PLAN.replace(", destination: ops", ""), encoding="utf-8")
    return tmp_path


def run(data: Path, *arguments: str) -> str:
    done = CliRunner().invoke(cli, ["duty", arguments[0], "--data", str(data), *arguments[1:]])
    if done.exception is not None:
        raise done.exception
    return done.stdout.strip()


def test_a_plan_is_checked_applied_and_shown(data: Path) -> None:
    file = str(data / "plan.yaml")
    assert "No plan was applied" in run(data, "now")
    assert run(data, "check", file) == "The plan can be used: 2 schedules, 1 chains."
    assert run(data, "versions", "--json") == "[]", "a check changes nothing"
    assert run(data, "versions").startswith("No plan was applied")
    assert run(data, "overrides") == "There is no override, now or to come."
    assert run(data, "apply", file, "--why", "first plan") == "Version 1 of the duty plan is in force."
    assert run(data, "show") == Path(file).read_text(encoding="utf-8").rstrip()
    with pytest.raises(Conflict):
        run(data, "apply", file, "--after", "0", "--why", "stale")
    assert [each["why"] for each in json.loads(run(data, "versions", "--json"))] == ["first plan"]


def test_mistakes_name_the_file_and_the_line(data: Path) -> None:
    file = data / "plan.yaml"
    file.write_text(PLAN.replace("[ada@x.org, bo@x.org]", "[eve@x.org]"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r'plan\.yaml:7: nobody with the address "eve@x\.org" may sign in'):
        run(data, "check", str(file))


def test_a_check_without_an_installation_says_what_it_did_not_look_up(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN, encoding="utf-8")
    assert "people and sites were not looked up" in run(tmp_path / "none", "check", str(file))


def test_now_says_who_until_when_and_an_override_takes_hours(data: Path) -> None:
    run(data, "apply", str(data / "plan.yaml"), "--why", "first plan")
    evening, noon = "2026-03-03T20:00+01:00", "2026-03-04T12:00+01:00"
    night = run(data, "now", "--at", evening).splitlines()[0]
    assert night == "night: ad (ada@x.org) until Wed 2026-03-04 08:00 Europe/Berlin"
    gap = run(data, "now", "--at", noon).splitlines()[0]
    assert gap == "night: NOBODY ON CALL: no_layer; somebody from Wed 2026-03-04 18:00 Europe/Berlin"
    begins, ends = "2035-03-01T12:00Z", "2035-03-02T12:00Z"
    taken = ("night", "--person", "bo@x.org", "--from", begins, "--to", ends, "--why", "swap")
    assert run(data, "override", *taken).startswith("Override 1: bo@x.org is on call in night")
    assert json.loads(run(data, "now", "--at", begins, "--json"))[0]["person"]["email"] == "bo@x.org"
    run(data, "end", "1", "--why", "not needed")
    assert run(data, "overrides", "--json") == "[]"


def test_an_overrides_times_are_by_the_schedules_clock_and_what_it_goes_before_is_said(data: Path) -> None:
    run(data, "apply", str(data / "plan.yaml"), "--why", "first plan")
    first = ("night", "--nobody", "--from", "2035-03-01T12:00", "--to", "2035-03-02T12:00", "--why", "closed")
    said = run(data, "override", *first)
    assert "from 2035-03-01T12:00+01:00 to 2035-03-02T12:00+01:00 (Europe/Berlin)" in said
    assert "goes before" not in said
    assert json.loads(run(data, "overrides", "--json"))[0]["begins"] == "2035-03-01T11:00:00.000Z"
    listed = "".join(run(data, "overrides").split())
    assert all(each in listed for each in ("12:00+01:00", "Europe/Berlin")) and "11:00" not in listed
    begins, ends = "2035-03-02T10:59Z", "2035-03-03T10:59Z"
    second = ("night", "--person", "bo@x.org", "--from", begins, "--to", ends, "--why", "swap")
    assert "It goes before override 1 (nobody) while both last." in run(data, "override", *second)
    skipped = ("--from", "2035-03-25T02:30", "--to", "2035-03-25T02:45")
    with pytest.raises(InvalidInput, match="is not after 2035-03-25T03:00"):
        run(data, "override", "night", "--nobody", *skipped, "--why", "x")
    third = ("night", "--nobody", "--from", ends, "--to", "0001-01-01T00:00+14:00", "--why", "x")
    with pytest.raises(InvalidInput, match="--to"):
        run(data, "override", *third)
