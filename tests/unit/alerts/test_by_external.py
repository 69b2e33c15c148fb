"""What another system reports is one alert a device, from its first report to the end of its last."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, open_rooms

from alerts.judging.by_external import MOST
from fleet.alerts import EXTERNAL_RULE, INSTALLATION, Alert, AlertState
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.external import Report
from fleet.faults import EXTERNAL, Level
from fleet.principals import person

LI = person("Li Wei")


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


def report(fingerprint: str, minute: int = 0, *, over: bool = False, level: Level = Level.L2) -> Report:
    at = NOON + minute * MINUTE_MS
    return Report(fingerprint, at, over, level, INSTALLATION, f"{fingerprint} is bad", {"site": "hall"})


def alerts(rooms: Rooms) -> list[Alert]:
    return [one for one in rooms.engine.open_alerts() if one.rule == EXTERNAL_RULE]


def test_a_report_fires_at_once_and_its_end_ends_it(rooms: Rooms) -> None:
    rooms.engine.observe_external([report("disk")])
    (alert,) = alerts(rooms)
    assert (alert.device_id, alert.fault, alert.level, alert.state) == (
        INSTALLATION,
        EXTERNAL,
        "L2",
        "firing",
    )
    assert (alert.since, alert.opens_ticket) == (NOON, False)
    assert alert.evidence["text"]["en"] == "disk is bad"
    rooms.engine.observe_external([report("disk", over=True)])
    assert rooms.history() == [("external", "resolved", "cleared")]


def test_told_again_in_any_order_it_changes_nothing(rooms: Rooms) -> None:
    for _ in range(3):
        rooms.engine.observe_external([report("disk")])
    assert len(rooms.told) == 1
    rooms.engine.observe_external([report("disk", over=True)])
    rooms.engine.observe_external([report("disk", over=True), report("disk"), report("other", over=True)])
    assert len(rooms.told) == 2
    assert alerts(rooms) == []


def test_several_are_one_alert_as_bad_as_the_worst_until_the_last_is_over(rooms: Rooms) -> None:
    rooms.engine.observe_external([report("disk", level=Level.L3), report("door", 1)])
    rooms.engine.observe_external([report("fire", 2, level=Level.L1)])
    (alert,) = alerts(rooms)
    assert (alert.level, alert.reason) == ("L1", "reported_more")
    assert alert.evidence["text"]["en"] == "fire is bad (+2)"
    rooms.engine.observe_external([report("fire", 2, over=True), report("disk", over=True)])
    (alert,) = alerts(rooms)
    assert (alert.level, alert.reason, set(alert.evidence["items"])) == ("L2", "partly_cleared", {"door"})
    rooms.engine.observe_external([report("door", 1, over=True)])
    assert alerts(rooms) == []


def test_something_new_fires_again_what_was_acknowledged_and_a_repeat_does_not(rooms: Rooms) -> None:
    rooms.engine.observe_external([report("disk")])
    rooms.engine.acknowledge(alerts(rooms)[0].id, LI, "on my way")
    rooms.engine.observe_external([report("disk")])
    assert alerts(rooms)[0].state is AlertState.ACKNOWLEDGED
    rooms.engine.observe_external([report("door", 1)])
    assert alerts(rooms)[0].state is AlertState.FIRING


def test_of_thousands_none_is_forgotten_and_the_worst_is_shown(rooms: Rooms) -> None:
    many = [report(f"f{number}", number % 60) for number in range(1_000)]
    assert rooms.engine.observe_external(many) == 0
    rooms.engine.observe_external([report("fire", 61, level=Level.L1)])
    (alert,) = alerts(rooms)
    assert (alert.level, alert.evidence["count"]) == ("L1", 1_001)
    assert alert.evidence["text"]["en"] == "fire is bad (+1000)"
    assert next(iter(alert.evidence["items"])) == "fire"
    over = [report("fire", 61, over=True), *(report(f"f{n}", n % 60, over=True) for n in range(999))]
    rooms.engine.observe_external(over)
    (alert,) = alerts(rooms)
    assert (alert.evidence["count"], set(alert.evidence["items"])) == (1, {"f999"})
    rooms.engine.observe_external([report("f999", 999 % 60, over=True)])
    assert alerts(rooms) == []


def test_what_there_is_no_room_for_is_counted(rooms: Rooms) -> None:
    many = [report(f"f{number}") for number in range(MOST + 5)]
    assert rooms.engine.observe_external(many) == 5


def test_a_time_that_cannot_be_is_not_shown_as_one(rooms: Rooms) -> None:
    future = Report("a", NOON + 400 * DAY_MS, False, Level.L2, INSTALLATION, "a", {})
    never = Report("b", 0, False, Level.L2, INSTALLATION, "b", {})
    for _ in range(2):
        rooms.engine.observe_external([future, never])
    (alert,) = alerts(rooms)
    assert (alert.since, alert.evidence["ts"], len(rooms.told)) == (NOON, NOON, 1)


def test_what_a_person_ended_comes_back_only_when_it_begins_anew(rooms: Rooms) -> None:
    rooms.engine.observe_external([report("disk")])
    (first,) = alerts(rooms)
    rooms.engine.resolve(first.id, LI, "known")
    rooms.engine.observe_external([report("disk")])
    assert alerts(rooms) == []
    rooms.engine.observe_external([report("door", 1)])
    rooms.engine.observe_external([report("disk")])
    (alert,) = alerts(rooms)
    assert set(alert.evidence["items"]) == {"door"}
    assert (alert.reason, alert.evidence["previous_alert"]) == (f"recurrence_of:{first.id}", first.id)
    rooms.engine.observe_external([report("disk", 5)])
    assert set(alerts(rooms)[0].evidence["items"]) == {"door", "disk"}


def test_time_and_a_restart_do_not_end_it(rooms: Rooms) -> None:
    rooms.engine.observe_external([report("disk")])
    rooms.restart()
    rooms.tick(2 * DAY_MS / 1000)
    assert [alert.state for alert in alerts(rooms)] == [AlertState.FIRING]
    rooms.engine.observe_external([report("disk", over=True)])
    assert alerts(rooms) == []
