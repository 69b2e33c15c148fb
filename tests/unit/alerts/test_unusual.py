"""Unusual behaviour becomes a ticket when it lasts, once, and more seldom where visits found nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms

from alerts.judging.decisions import (
    BACK_OFF_MS,
    LASTING_MS,
    MOST_BACK_OFF_MS,
    REFUTED,
    Previous,
    judge_settling,
)
from fleet.alerts import AlertState
from fleet.clock import HOUR_MS
from fleet.faults import UNUSUAL


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    yield rooms
    rooms.desk.close()


def see(rooms: Rooms, hours: float, risk: float) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON + round(hours * HOUR_MS), risk, UNUSUAL)])


def test_it_is_told_when_readings_a_day_newer_say_the_same(rooms: Rooms) -> None:
    for hours in (0, 0, 6, 23):
        see(rooms, hours, 0.8)
    assert rooms.history() == [(UNUSUAL, "pending", "first")]
    assert rooms.fired == []
    see(rooms, LASTING_MS / HOUR_MS, 0.9)
    assert rooms.history() == [(UNUSUAL, "firing", "for_elapsed")]
    assert rooms.fired[0].evidence["risk"] == 0.9, "what it says is of the day on which it is told"


def test_what_comes_and_goes_within_a_day_is_never_told(rooms: Rooms) -> None:
    see(rooms, 0, 0.8)
    see(rooms, 12, 0.4)
    see(rooms, 18, 0.1)
    see(rooms, 25, 0.8)
    assert rooms.history() == [(UNUSUAL, "resolved", "not_sustained"), (UNUSUAL, "pending", "first")]
    assert rooms.fired == []


def test_it_is_over_after_low_scorings_half_a_day_apart(rooms: Rooms) -> None:
    see(rooms, 0, 0.8)
    see(rooms, 24, 0.8)
    for hours in (25, 26, 35.9, 36.5, 37):
        see(rooms, hours, 0.1)
    assert rooms.history() == [(UNUSUAL, "firing", "for_elapsed")]
    see(rooms, 49, 0.1)
    assert rooms.history() == [(UNUSUAL, "resolved", "cleared")]


@pytest.mark.parametrize(("visits", "rest"), [(1, 1), (2, 2), (3, 4), (9, MOST_BACK_OFF_MS / BACK_OFF_MS)])
def test_each_visit_in_vain_makes_it_rest_twice_as_long(visits: int, rest: float) -> None:
    previous = Previous("7", 0, 1000, REFUTED, refuted=visits)
    over = 1000 + round(rest * BACK_OFF_MS)
    assert judge_settling(previous, a_risk("R1", over - 1, 0.9, UNUSUAL)).state is None
    news = judge_settling(previous, a_risk("R1", over, 0.9, UNUSUAL))
    assert (news.state, news.reason) == (AlertState.PENDING, "recurrence_of:7")
