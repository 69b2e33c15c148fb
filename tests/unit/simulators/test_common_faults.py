"""Faults that are the same whatever a service does."""

import numpy as np

from fleet.clock import HOUR_MS
from fleet.signals import Kind
from simulators.common_faults import CommonFaults, usual_use
from simulators.fault_process import COUNT, DUSTBIN, FAULT_ROW
from simulators.ground_truth import GroundTruth
from simulators.roster import Roster
from simulators.worlds import CITY

START = 1_798_761_600_000
ROBOTS = 40


def faults(seed: int = 1, seasons: dict[str, dict[int, float]] | None = None) -> CommonFaults:
    roster = Roster(ROBOTS * 5 // 4, seed, START, CITY)
    ids = [card.id for card in roster.cards[Kind.ROBOT]]
    use = usual_use(roster)
    return CommonFaults(ids, roster.hazard * 3, GroundTruth(), CITY.faults, seed, use, seasons or {})


def live(lived: CommonFaults, days: int, mends_after_h: int, step_h: int = 1) -> None:
    """Let days pass; what fails is mended so many hours later."""
    robots = lived.active.shape[1]
    nobody, uniform = np.zeros(robots), np.ones((COUNT, robots))
    waiting: list[tuple[int, int, int]] = []
    for hour in range(0, days * 24, step_h):
        now = START + (hour + step_h) * HOUR_MS
        lived.step(now, step_h * 3600.0, nobody, uniform, nobody)
        waiting += [
            (now + mends_after_h * HOUR_MS, FAULT_ROW[each.fault], each.device)
            for each in lived.take_failures()
        ]
        for at, row, device in [each for each in waiting if each[0] <= now]:
            lived.repair(row, device, at, "engineer")
        waiting = [each for each in waiting if each[0] > now]


def by_count(lived: CommonFaults) -> dict[tuple[str, str, int], tuple[str, bool]]:
    """Return shape and warning of each fault, by robot, fault and count."""
    counts: dict[tuple[str, str], int] = {}
    found = {}
    for entry in lived.truth:
        key = entry.device_id, entry.fault
        found[*key, counts.get(key, 0)] = entry.shape, entry.warning
        counts[key] = counts.get(key, 0) + 1
    return found


def test_the_nth_fault_of_a_robot_is_the_same_however_long_repairs_take() -> None:
    quick, slow = faults(), faults()
    live(quick, 90, 2)
    live(slow, 90, 96)
    first, second = by_count(quick), by_count(slow)
    both = first.keys() & second.keys()
    assert len(both) > 0.7 * len(first)
    assert all(first[key] == second[key] for key in both)


def test_whoever_mends_slowly_sees_fewer_faults_as_robots_stand_still() -> None:
    quick, slow = faults(), faults()
    live(quick, 120, 1)
    live(slow, 120, 240)
    assert len(slow.truth) < len(quick.truth)


def test_steps_of_another_length_give_the_same_faults() -> None:
    fine, coarse = faults(), faults()
    live(fine, 60, 24)
    live(coarse, 60, 24, step_h=2)
    first, second = by_count(fine), by_count(coarse)
    assert len(first.keys() ^ second.keys()) <= 0.05 * len(first)


def test_a_season_multiplies_its_hazard() -> None:
    usual, rainy = faults(), faults(seasons={"drive_motor_wear": dict.fromkeys(range(1, 13), 4.0)})
    live(usual, 60, 24)
    live(rainy, 60, 24)
    worn = [sum(e.fault == "drive_motor_wear" for e in each.truth) for each in (usual, rainy)]
    assert worn[1] > 2 * worn[0]


def test_nobody_is_sent_by_itself_and_no_dustbin_is_forgotten() -> None:
    lived = faults()
    live(lived, 30, 10_000)
    assert not lived.visits
    assert not lived.active[DUSTBIN].any()
    assert any(entry.failure is not None for entry in lived.truth)
