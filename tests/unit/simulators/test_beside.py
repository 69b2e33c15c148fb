"""Robots as whoever stands beside them sees and handles them."""

from pathlib import Path

import pytest

from fleet.clock import HOUR_MS, ManualClock
from fleet.errors import NotFound
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.beside import BesideRobots
from simulators.crew.ports import OnTheSpot
from simulators.fleet_simulator import FleetConfig, FleetSimulator

NOW = 1_795_334_400_000


@pytest.fixture
def fleet() -> FleetSimulator:
    return FleetSimulator(FleetConfig(20, 7, NOW, hazard=0), STANDARD_SIGNALS)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def beside(fleet: FleetSimulator, clock: ManualClock) -> BesideRobots:
    return BesideRobots(fleet, clock)


def robot(fleet: FleetSimulator) -> str:
    return fleet.roster.cards[Kind.ROBOT][0].id


def fail(fleet: FleetSimulator, clock: ManualClock, fault: str = "drive_motor_wear") -> str:
    name = robot(fleet)
    fleet.inject(name, fault, 0.9999)
    while not fleet.faults.failed.any():
        clock.advance(HOUR_MS)
        fleet.advance_to(clock.ms)
    return name


def test_what_is_wrong_is_seen_beside_the_robot(fleet: FleetSimulator, beside: BesideRobots) -> None:
    name = robot(fleet)
    assert beside.look_at(name) == []
    fleet.inject(name, "fan_motor_wear", 0.5)
    (seen,) = beside.look_at(name)
    assert (seen.fault, seen.severity, seen.failed) == ("fan_motor_wear", 0.5, False)
    with pytest.raises(NotFound):
        beside.look_at("nobody")
    with pytest.raises(NotFound):
        beside.look_at(fleet.roster.cards[Kind.TOOL][0].id)


def test_a_failed_robot_is_out_of_use_for_all_to_see_until_it_is_mended(
    fleet: FleetSimulator, beside: BesideRobots, clock: ManualClock
) -> None:
    beside.attend(attended=True)
    name = fail(fleet, clock)
    site = fleet.roster.cards[Kind.ROBOT][0].site
    assert list(beside.out_of_use(site)) == [name]
    assert beside.out_of_use("elsewhere") == {}
    assert beside.replace(name, "drive_motor_wear", "ticket 1")
    assert beside.out_of_use(site) == {} and beside.look_at(name) == []


def test_what_was_done_is_done_once_also_after_a_restart(
    fleet: FleetSimulator, beside: BesideRobots, tmp_path: Path
) -> None:
    name = robot(fleet)
    fleet.inject(name, "fan_motor_wear", 0.5)
    beside.replace(name, "fan_motor_wear", "ticket 1")
    fleet.save(tmp_path / "fleet.npz")
    again = FleetSimulator.load(tmp_path / "fleet.npz", STANDARD_SIGNALS)
    again.inject(name, "fan_motor_wear", 0.5)
    beside = BesideRobots(again, ManualClock(NOW))
    beside.replace(name, "fan_motor_wear", "ticket 1")
    assert [seen.fault for seen in beside.look_at(name)] == ["fan_motor_wear"]
    assert [event.code for event in again.take_events()] == ["part_replaced"]


def test_a_repair_that_does_not_last_changes_the_part_alone(
    fleet: FleetSimulator, beside: BesideRobots
) -> None:
    name = robot(fleet)
    fleet.inject(name, "fan_motor_wear", 0.5)
    assert beside.replace(name, "fan_motor_wear", "ticket 1", lasts=False)
    assert [seen.fault for seen in beside.look_at(name)] == ["fan_motor_wear"]
    assert [event.code for event in fleet.take_events()] == ["part_replaced"]
    assert not beside.replace(name, "brush_jam", "ticket 2")


def test_engineers_of_before_come_only_where_nobody_else_does(
    fleet: FleetSimulator, beside: BesideRobots, clock: ManualClock
) -> None:
    beside.attend(attended=True)
    fail(fleet, clock)
    assert fleet.reported() == []
    beside.attend(attended=False)
    assert [fault for _, fault, _ in fleet.reported()] == ["drive_motor_wear"]
    beside.attend(attended=True)
    assert fleet.reported() == []


def test_nobody_sees_a_robot_of_another_site_or_after_leaving(
    fleet: FleetSimulator, beside: BesideRobots
) -> None:
    here, there = (card.id for card in fleet.roster.cards[Kind.ROBOT][:2])
    spot = OnTheSpot(beside, [here])
    assert spot.look_at(here) == []
    with pytest.raises(PermissionError):
        spot.look_at(there)
    with pytest.raises(PermissionError):
        spot.replace(there, "brush_jam", "ticket 1")
    spot.leave()
    with pytest.raises(PermissionError):
        spot.look_at(here)
