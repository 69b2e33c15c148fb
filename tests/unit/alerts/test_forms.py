"""The further forms of rules, through the engine: after restarts, repeats and changes of what a device is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from helpers.desk_rooms import NOON, Rooms, batch_of, open_rooms

from alerts.engine import AlertEngine
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from fleet.alerts import AlertState
from fleet.errors import ConfigError, StoreUnavailable
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from fleet.sites import Site
from storage.records.alerts import alert_of
from storage.records.sites import describe_site

_MINUTE = 60_000
_MEAN = "mean of battery_temp_c over 6m >= 55"


def rules_of(folder: Path, *changes: dict[str, Any], **beside: Any) -> tuple[Rule, ...]:
    common = {
        "kind": "robot",
        "fault": "battery_overheat",
        "level": "L3",
        "opens_ticket": False,
        "text": {"en": "Hot.", "zh": "过热。"},
    }
    rules = [{"name": f"rule_{number}"} | common | change for number, change in enumerate(changes)]
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"rules": rules} | beside), encoding="utf-8")
    return load_rules(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def rooms_of(folder: Path, *changes: dict[str, Any], **beside: Any) -> Rooms:
    return open_rooms(folder, rules_of(folder, *changes, **beside))


def heat(rooms: Rooms, begin_min: int, end_min: int, value: float) -> None:
    for minute in range(begin_min, end_min):
        rooms.robot("R1", 60 * minute, battery_temp_c=value)


def test_a_window_that_is_filled_from_the_store_survives_a_restart(folder: Path) -> None:
    rooms = rooms_of(folder, {"when": _MEAN})
    asked: list[tuple[list[str], int, int]] = []

    def past(kind: Kind, devices: Sequence[str], start: int, end: int) -> ReadingBatch:
        asked.append((list(devices), start, end))
        stored = [NOON + minute * _MINUTE for minute in range(5)]
        return batch_of(kind, ["R1"] * 5, stored, battery_temp_c=[60.0] * 5)

    engine = AlertEngine(rooms.desk, rooms.rules, rooms.clock, past=past)
    engine.observe(batch_of(Kind.ROBOT, ["R1"], [NOON + 5 * _MINUTE], battery_temp_c=[60.0]))
    assert [alert.state for alert in engine.open_alerts()] == [AlertState.FIRING]
    engine.observe(batch_of(Kind.ROBOT, ["R1"], [NOON + 6 * _MINUTE], battery_temp_c=[60.0]))
    assert asked == [(["R1"], NOON - _MINUTE, NOON + 5 * _MINUTE)]


def test_a_window_of_which_nothing_is_known_after_a_restart_says_nothing_and_ends_nothing(
    folder: Path,
) -> None:
    rooms = rooms_of(folder, {"when": _MEAN})
    heat(rooms, 0, 6, 60)
    assert [state for _, state, _ in rooms.history()] == ["firing"]
    rooms.restart()
    rooms.robot("R1", 361, battery_temp_c=20)
    assert [state for _, state, _ in rooms.history()] == ["firing"]


def test_a_batch_that_could_not_be_judged_at_once_is_judged_when_it_comes_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = rooms_of(folder, {"when": _MEAN})
    heat(rooms, 0, 2, 60)
    batch = batch_of(Kind.ROBOT, ["R1"], [NOON + 5 * _MINUTE], battery_temp_c=[60.0])
    monkeypatch.setattr(rooms.engine, "_changes", _unavailable)
    with pytest.raises(StoreUnavailable):
        rooms.engine.observe(batch)
    monkeypatch.undo()
    rooms.engine.observe(batch)
    assert [state for _, state, _ in rooms.history()] == ["firing"]


def _unavailable() -> None:
    raise StoreUnavailable("away")


def test_readings_that_come_again_after_a_crash_raise_nothing_twice(folder: Path) -> None:
    rooms = rooms_of(folder, {"when": _MEAN})
    heat(rooms, 0, 6, 60)
    heat(rooms, 0, 6, 60)
    heat(rooms, 2, 4, 20)
    assert [(state, reason) for _, state, reason in rooms.history()] == [("firing", "first")]


def test_an_open_alert_rises_in_level_and_never_falls(folder: Path) -> None:
    levels = {"L2": "battery_temp_c >= 65", "L1": "battery_temp_c >= 70"}
    rooms = rooms_of(folder, {"when": "battery_temp_c >= 60", "levels": levels})
    for second, value in enumerate((61, 66, 62, 71, 61)):
        rooms.robot("R1", second, battery_temp_c=value)
    told = [(event.what, event.data["level"], event.reason) for event in rooms.told]
    assert told == [
        ("raised", "L3", "first"),
        ("level", "L2", "worsened_by:rule_0"),
        ("level", "L1", "worsened_by:rule_0"),
    ]
    with rooms.desk.transaction() as session:
        assert alert_of(session, rooms.told[0].subject_id).level == "L1"
    rooms.restart()
    assert [alert.level for alert in rooms.engine.open_alerts()] == ["L1"]


def test_another_process_hears_of_a_level(folder: Path) -> None:
    rooms = rooms_of(folder, {"when": "battery_temp_c >= 60", "levels": {"L1": "battery_temp_c >= 70"}})
    other = AlertEngine(rooms.desk, rooms.rules, rooms.clock)
    rooms.robot("R1", 0, battery_temp_c=61)
    rooms.robot("R1", 1, battery_temp_c=71)
    for event in rooms.told:
        other.hear(event)
    assert [alert.level for alert in other.open_alerts()] == ["L1"]


def test_a_rule_applies_where_its_scope_says_and_learns_what_changed(folder: Path) -> None:
    rooms = rooms_of(folder, {"when": "battery_temp_c >= 60", "only": {"region": "north"}})
    rooms.robot("R1", 0, battery_temp_c=61)
    assert rooms.history() == []
    with rooms.desk.transaction() as session:
        describe_site(session, Site("hall", region="north"))
    rooms.robot("R1", 1, battery_temp_c=61)
    assert rooms.history() == []
    rooms.tick(5 * 60)
    rooms.robot("R1", 301, battery_temp_c=61)
    assert [state for _, state, _ in rooms.history()] == ["firing"]


def test_hours_are_those_of_the_sites_clock_over_the_change_of_summer_time(folder: Path) -> None:
    rooms = rooms_of(folder, {"when": "battery_temp_c >= 60", "hours": "03:00-04:00"})
    engine = AlertEngine(
        rooms.desk, rooms.rules, rooms.clock, zone_of=lambda _site: ZoneInfo("Europe/Berlin")
    )
    change = 1_806_195_600_000  # 2027-03-28 01:00 UTC: in Berlin 02:00 becomes 03:00
    for device, at in (("R1", change - 1), ("R2", change)):
        engine.observe(batch_of(Kind.ROBOT, [device], [at], battery_temp_c=[61.0]))
    assert [alert.device_id for alert in engine.open_alerts()] == ["R2"]


def test_outside_of_its_hours_an_alert_is_over_but_not_one_that_people_end(folder: Path) -> None:
    hours = {"when": "battery_temp_c >= 60", "hours": "08:00-09:00"}
    rooms = rooms_of(folder, hours, hours | {"fault": "wheel_slip", "clear": "by_hand"})
    # NOON is 08:00 UTC.
    rooms.robot("R1", 60, battery_temp_c=61)
    rooms.robot("R1", 3_600, battery_temp_c=61)
    assert {fault: state for fault, state, _ in rooms.history()} == {
        "battery_overheat": "resolved",
        "wheel_slip": "firing",
    }


def test_what_a_mean_is_told_of_may_be_a_state(folder: Path) -> None:
    """Given a robot that tells zeros while it stands, when it works again, then they are no evidence."""
    slow = {"when": "mean of fan_rpm while cleaning over 5m < 900", "fault": "fan_motor_wear"}
    rooms = rooms_of(folder, slow)
    for minute in range(20):
        rooms.robot("R1", 60 * minute, state="docked", fan_rpm=0.0)
    for minute in range(20, 30):
        rooms.robot("R1", 60 * minute, state="cleaning", fan_rpm=9_000.0)
    rooms.robot("R1", 60 * 30, fan_rpm=0.0)  # nobody says in which state
    assert rooms.history() == []
    for minute in range(40, 44):
        rooms.robot("R1", 60 * minute, state="cleaning", fan_rpm=600.0)
    assert [state for _, state, _ in rooms.history()] == ["firing"]


def test_words_of_other_messages_count_as_they_were_said_last(folder: Path) -> None:
    """Given a robot that tells each value in a message of its own, when two are joined, then both count."""
    rule = {
        "when": "rate of battery_pct over 20m < 1 and state is charging for >= 20m",
        "fault": "charging_failure",
    }
    rooms = rooms_of(folder, rule)
    rooms.robot("R1", 0, state="charging")
    for minute in range(1, 40):
        rooms.robot("R1", 60 * minute, battery_pct=30.0)
    assert [state for _, state, _ in rooms.history()] == ["firing"]


def test_what_was_said_last_is_forgotten_in_silence_and_by_other_words(folder: Path) -> None:
    rule = {"when": "battery_pct < 20 and state is charging", "fault": "charging_failure", "for": "1m"}
    rooms = rooms_of(folder, rule)
    rooms.robot("R1", 0, state="charging")
    rooms.robot("R1", 60 * 61, battery_pct=15.0)
    rooms.robot("R1", 60 * 62, state="cleaning")
    rooms.robot("R1", 60 * 63, battery_pct=15.0)
    assert rooms.history() == []
    rooms.robot("R2", 0, state="charging")
    rooms.robot("R2", 10, battery_pct=15.0)
    rooms.robot("R2", 600, localization_pct=90.0)  # a number counts in its own reading alone
    assert [state for _, state, _ in rooms.history()] == ["pending"]


def test_hours_count_in_which_a_state_was_seen(folder: Path) -> None:
    rule = {"when": "mean of hourly max of fan_rpm while cleaning over 12h < 900", "fault": "fan_motor_wear"}
    (slow,) = rules_of(folder, rule)
    assert slow.condition.quantities[0].during_column == "state.cleaning.n"
    assert slow.condition.text == rule["when"]


_SQUARE = [[52.0, 13.0], [52.0, 13.1], [52.1, 13.1], [52.1, 13.0]]


def test_a_place_is_that_of_the_devices_site(folder: Path) -> None:
    place = {"name": "grounds", "corners": _SQUARE}
    rule = {"when": "outside grounds", "fault": "comms_loss"}
    rooms = rooms_of(folder, rule, places=[place | {"site": "hall"}, place | {"site": "court"}])
    rooms.robot("R1", 0, lat=52.05, lon=13.05)
    rooms.robot("R1", 1, lat=52.05)
    assert rooms.history() == []
    rooms.robot("R1", 2, lat=52.05, lon=13.2)
    rooms.robot("R1", 3, lat=52.05, lon=13.0999)
    assert [state for _, state, _ in rooms.history()] == ["resolved"]


@pytest.mark.parametrize(
    ("change", "beside", "message"),
    [
        ({"when": "mean of batery_temp_c over 5m >= 60"}, {}, r":\d+: .*did you mean battery_temp_c\?"),
        ({"when": "mean of battery_temp_c over 2d >= 60"}, {}, "`over` is from 1m to 24h"),
        ({"when": "mean of battery_temp_c >= 60"}, {}, "a window has a measure and a length"),
        ({"when": "rise of battery_temp_c over 5m >= 6"}, {}, "is no counter"),
        ({"when": "fan_rpm while cleaning < 900"}, {}, "`while` goes with a window"),
        ({"when": "mean of fan_rpm while cleanin over 5m < 900"}, {}, r"did you mean cleaning\?"),
        ({"when": "mean of fan_rpm while worn over 5m < 900"}, {}, "neither a state nor true or false"),
        ({"when": "rate of fan_rpm while cleaning over 5m < 9"}, {}, "only a mean is told so"),
        ({"when": "battery_temp_c >= 60s"}, {}, "battery_temp_c is no duration; write 60 without"),
        ({"when": "risk of batery_wear >= 0.5"}, {}, r"did you mean battery_wear\?"),
        ({"when": "risk of battery_wear >= 50"}, {}, "allowed: 0 to 1"),
        ({"when": "remaining life of brush_jam < 7d"}, {}, "no remaining life is told of 'brush_jam'"),
        ({"when": "risk of brush_jam > 0.5 and fan_rpm > 3"}, {}, "have rules of their own"),
        ({"when": "outside gronds"}, {}, "'gronds' is no place of the file"),
        ({"when": "fan_rpm > 3", "only": {"group": "some"}}, {}, "'some' is no group of the file"),
        ({"when": "fan_rpm > 3", "only": {"sites": "x"}}, {}, r"did you mean site\?"),
        ({"when": "fan_rpm > 3", "hours": "8-9"}, {}, "write two times, such as 08:00-18:30"),
        ({"when": "fan_rpm > 3", "months": [13]}, {}, "less than or equal to 12"),
        (
            {"when": "fan_rpm > 3", "level": "L2", "levels": {"L3": "fan_rpm > 9"}},
            {},
            "worse than the rule's own",
        ),
        ({"when": "event low", "stuck": "5m"}, {}, "`levels` and `stuck` go with a condition over signals"),
        (
            {"when": "outside g"},
            {"places": [{"name": "g", "site": "h", "in": "metres", "corners": [[0, 0], [0, 1]]}]},
            "at least 3 items",
        ),
        (
            {"when": "outside g"},
            {"places": [{"name": "g", "site": "h", "corners": [[0, 0], [0, 1], [91, 2]]}]},
            "is no latitude and longitude",
        ),
    ],
)
def test_mistakes_in_the_further_forms_say_what_is_allowed(
    folder: Path, change: dict[str, Any], beside: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        rules_of(folder, change, **beside)
