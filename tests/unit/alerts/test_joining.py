"""A rule holds for what a model foresaw already: it joins that alert as it would have raised its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms

from fleet.principals import person

HOT, COOL = 62.0, 30.0


@pytest.fixture
def foreseen(tmp_path: Path) -> Iterator[Rooms]:
    """Return rooms in which a model foresees a hot battery."""
    rooms = open_rooms(tmp_path)
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.8, fault="battery_overheat")])
    yield rooms
    rooms.desk.close()


def told(rooms: Rooms) -> list[str]:
    return [event.reason for event in rooms.told]


def also(rooms: Rooms) -> dict[str, Any] | None:
    (alert,) = rooms.engine.open_alerts()
    found: dict[str, Any] | None = alert.evidence.get("also")
    return found


def test_what_a_rule_sees_long_enough_stands_beside_what_the_model_saw(foreseen: Rooms) -> None:
    for second in (10, 20, 40, 50, 60):
        foreseen.robot("R1", second, battery_temp_c=HOT)
    assert told(foreseen) == ["first", "seen_by:battery_hot"], "once, whatever follows"
    seen = also(foreseen) or {}
    assert (seen["rule"], seen["value"], seen["ts"]) == ("battery_hot", HOT, NOON + 40_000)
    (alert,) = foreseen.engine.open_alerts()
    assert (alert.rule, alert.evidence["risk"]) == ("risk", 0.8)


@pytest.mark.parametrize("temperatures", [[HOT], [HOT, COOL, HOT, COOL, HOT], [COOL] * 5])
def test_one_wild_sample_is_not_seen(foreseen: Rooms, temperatures: list[float]) -> None:
    """Each reading is a batch of its own: a device that waits to join is looked at though nothing holds."""
    for number, temperature in enumerate(temperatures):
        foreseen.robot("R1", 20.0 * number, battery_temp_c=temperature)
    assert also(foreseen) is None


def test_how_long_it_holds_is_counted_across_what_a_person_does_meanwhile(foreseen: Rooms) -> None:
    foreseen.robot("R1", 0, battery_temp_c=HOT)
    (alert,) = foreseen.engine.open_alerts()
    foreseen.engine.acknowledge(alert.id, person("Li"), "I look at it")
    foreseen.robot("R1", 15, battery_temp_c=COOL)
    foreseen.robot("R1", 20, battery_temp_c=HOT)
    foreseen.robot("R1", 40, battery_temp_c=HOT)
    assert also(foreseen) is None
    foreseen.robot("R1", 50, battery_temp_c=HOT)
    assert (also(foreseen) or {})["rule"] == "battery_hot"


def test_what_waits_to_join_ends_with_the_alert(foreseen: Rooms) -> None:
    foreseen.robot("R1", 0, battery_temp_c=HOT)
    for hour in (1, 2):
        foreseen.engine.observe_risks([a_risk("R1", NOON + hour * 3_600_000, 0.0, fault="battery_overheat")])
    assert foreseen.engine.open_alerts() == []
    foreseen.robot("R1", 3 * 3_600, battery_temp_c=HOT)
    (own,) = foreseen.engine.open_alerts()
    assert (own.rule, own.state) == ("battery_hot", "pending"), "it begins anew"


def test_a_restart_forgets_what_waited_and_keeps_what_joined(foreseen: Rooms) -> None:
    foreseen.robot("R1", 0, battery_temp_c=HOT)
    foreseen.restart()
    foreseen.robot("R1", 20, battery_temp_c=HOT)
    foreseen.robot("R1", 40, battery_temp_c=HOT)
    assert also(foreseen) is None
    foreseen.robot("R1", 60, battery_temp_c=HOT)
    assert also(foreseen) is not None
    foreseen.restart()
    foreseen.robot("R1", 70, battery_temp_c=HOT)
    foreseen.robot("R1", 170, battery_temp_c=HOT)
    assert told(foreseen).count("seen_by:battery_hot") == 1
