"""`sweepwatch rules versions|propose|activate|backtest` beside an installation."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk

from alerts.judging.rule_file import rules_text
from fleet.clock import MINUTE_MS, ManualClock
from fleet.errors import ConfigError, InvalidInput, NotEnoughHistory
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.records.devices import Device
from sweepwatch.commands.rule_versions import activate, backtest, list_versions, propose
from sweepwatch.data_folder import DESK, open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build

NOON = 1_800_000_000_000
SHIPPED = rules_text()[: rules_text().index("  # Its level is that of the code")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return an installation with two of the rules that ship, and an hour of a robot with heat."""
    own = tmp_path / "own.yaml"
    own.write_text(SHIPPED, encoding="utf-8")
    made = Settings(data=tmp_path / "var", alerts={"rules": own})  # type: ignore[arg-type]
    times = [NOON + minute * MINUTE_MS for minute in range(60)]
    columns: dict[str, object] = {
        "device_id": ["R1"] * 60,
        "site": ["hall"] * 60,
        "ts": times,
        "received": times,
        "battery_temp_c": [70.0 if 10 <= minute < 20 else 30.0 for minute in range(60)],
    }
    with (
        closing(open_data_folder(made.data)) as folder,
        closing(build(made, folder, ManualClock(NOON))) as services,
    ):
        services.store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, 60))
        with services.desk.transaction() as session:
            session.add(Device(id="R1", kind="robot", site="hall", registered_at=NOON, status="online"))
    return made


def test_versions_are_proposed_put_to_work_and_taken_back(settings: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    cooler = tmp_path / "cooler.yaml"
    cooler.write_text(SHIPPED.replace(">= 60", ">= 58"), encoding="utf-8")
    propose(settings, cooler, "it fires late", said.append)
    assert said[:2] == ["changed battery_hot", "  when: battery_temp_c >= 60 -> battery_temp_c >= 58"]
    assert said[2].startswith("Version 1 is kept.")
    activate(settings, 1, "tried", False, said.append)
    list_versions(settings, True, said.append)
    newest, shipped = json.loads(said[-1])
    assert (newest["number"], newest["active"], newest["note"]) == (1, True, "it fires late")
    assert (shipped["number"], shipped["active"]) == (0, False)
    activate(settings, 0, "back", False, said.append)
    list_versions(settings, True, said.append)
    assert [each["active"] for each in json.loads(said[-1])] == [False, True]


def test_a_rule_that_is_there_once_alone_is_named_and_not_printed_whole(
    settings: Settings, tmp_path: Path
) -> None:
    said: list[str] = []
    other = tmp_path / "other.yaml"
    other.write_text(SHIPPED.replace("name: battery_hot", "name: battery_warm"), encoding="utf-8")
    propose(settings, other, "another name", said.append)
    assert said[:-1] == ["added battery_warm", "removed battery_hot"]
    activate(settings, 1, "tried", False, said.append)
    assert said[3:-1] == ["added battery_warm", "removed battery_hot"]


def test_a_backtest_says_of_how_many_the_length_is_known_and_how_many_are_open(
    settings: Settings, tmp_path: Path
) -> None:
    """Of an alert that ended at 20 minutes past, and one of a robot that stays hot, one has a length."""
    hot = {"device_id": ["R2"] * 60, "site": ["hall"] * 60, "battery_temp_c": [70.0] * 60}
    times = [NOON + minute * MINUTE_MS for minute in range(60)]
    with (
        closing(open_data_folder(settings.data)) as folder,
        closing(build(settings, folder, ManualClock(NOON))) as services,
    ):
        columns: dict[str, object] = {**hot, "ts": times, "received": times}
        services.store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, 60))
        with services.desk.transaction() as session:
            session.add(Device(id="R2", kind="robot", site="hall", registered_at=NOON, status="online"))
    said: list[str] = []
    backtest(settings, None, 0, "nothing", 30, "battery_hot", False, said.append)
    (after,) = [line for line in said if line.startswith("  after: ")]
    assert "2 alerts" in after
    assert "; half of the 1 that ended were over within 10 min; 1 still open;" in after
    assert said[1].startswith("In order of time: what came late counts")


def test_a_backtest_tells_before_and_after(settings: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    longer = tmp_path / "longer.yaml"
    longer.write_text(SHIPPED.replace("for: 30s", "for: 30m", 1), encoding="utf-8")
    backtest(settings, longer, None, "current", 30, None, False, said.append)
    assert said[0].startswith("Replayed: 0.0 days up to 2027-01-15T08:59:00.001Z, 1 devices; every stored")
    assert said[2] == "A device usually sent every 60 s: no rule is judged finer than that."
    assert "battery_hot" in said
    assert any(line.startswith("  before: 1 alerts") and "half of the 1 that ended" in line for line in said)
    assert any(line.startswith("  after: 0 alerts") for line in said)
    backtest(settings, None, 0, "nothing", 30, "battery_hot", True, said.append)
    (rule,) = json.loads(said[-1])["rules"]
    assert rule["before"] is None
    assert rule["after"]["most"] == [{"device_id": "R1", "alerts": 1}]
    with pytest.raises(InvalidInput, match="--against x: allowed: current, nothing"):
        backtest(settings, None, None, "x", 30, None, False, said.append)


def test_without_readings_a_backtest_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no installation"):
        backtest(Settings(data=tmp_path), None, None, "nothing", 30, "battery_hot", False, print)
    assert not list(tmp_path.iterdir()), "a mistyped folder is not made an installation"
    fresh_desk(tmp_path / DESK).close()
    with pytest.raises(NotEnoughHistory, match="nothing to replay: no readings of any robot"):
        backtest(Settings(data=tmp_path), None, None, "nothing", 30, "battery_hot", False, print)
