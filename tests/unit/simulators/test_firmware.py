"""A firmware that is worse makes robots restart, get stuck and wear as documented; a usual one nothing."""

from pathlib import Path

import numpy as np
import pytest
from helpers.api import NOW

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.firmware import RESTARTS_PER_DAY, USUAL, WORSE, effect_of
from simulators.fleet_simulator import FleetConfig, FleetSimulator

DEVICES, DAYS = 240, 1


def _lived(version: str, file: Path | None = None) -> tuple[FleetSimulator, int, float, float]:
    """Return a fleet after two days with a version, its restarts, stuck share and drive wear gained."""
    made = FleetSimulator(FleetConfig(DEVICES, 5, NOW, hazard=0.0), STANDARD_SIGNALS)
    for card in list(made.roster.cards[Kind.ROBOT]):
        made.install(card.id, version)
    if file is not None:
        made.save(file)
        made = FleetSimulator.load(file, STANDARD_SIGNALS)
    wear = made._robots.state.drive_wear.copy()
    stuck = steps = 0
    for _ in range(DAYS * 24):
        made.advance_to(made.now_ms + 60 * MINUTE_MS)
        codes = made._latest[Kind.ROBOT].texts["state"]
        stuck += int((codes[1][codes[0]] == "error").sum())
        steps += codes[0].size
    restarts = sum(event.code == "restart" for event in made.take_events())
    gained = float((made._robots.state.drive_wear - wear).mean())
    return made, restarts, stuck / steps, gained


@pytest.fixture(scope="module")
def usual() -> tuple[FleetSimulator, int, float, float]:
    return _lived("1.5.0")


def test_effects_are_by_the_versions_name() -> None:
    assert effect_of("1.5.0-worse") is WORSE
    assert effect_of("1.5.0") is effect_of(None) is USUAL


def test_a_usual_firmware_restarts_as_often_as_documented(
    usual: tuple[FleetSimulator, int, float, float],
) -> None:
    made, restarts, _, _ = usual
    robots = len(made.roster.cards[Kind.ROBOT])
    expected = RESTARTS_PER_DAY * robots * DAYS
    assert abs(restarts - expected) < 4 * np.sqrt(expected)


def test_the_worse_one_does_worse_by_its_factors_a_saved_fleet_included(
    usual: tuple[FleetSimulator, int, float, float], tmp_path: Path
) -> None:
    made, _, stuck, wear = usual
    _, restarts_worse, stuck_worse, wear_worse = _lived("1.5.0-worse", tmp_path / "fleet.npz")
    expected = WORSE.restarts * RESTARTS_PER_DAY * len(made.roster.cards[Kind.ROBOT]) * DAYS
    assert abs(restarts_worse - expected) < 4 * np.sqrt(expected)
    assert stuck_worse == pytest.approx(WORSE.errors * stuck, rel=0.6)
    assert wear_worse == pytest.approx(WORSE.wear * wear, rel=0.15)


def test_a_restart_counts_readings_anew() -> None:
    made = FleetSimulator(FleetConfig(10, 5, NOW, hazard=0.0), STANDARD_SIGNALS)
    made.seq[Kind.ROBOT][:] = 1_000
    for card in list(made.roster.cards[Kind.ROBOT]):
        made.install(card.id, "1.5.0-worse")
    while not (restarted := [e.device_id for e in made.take_events() if e.code == "restart"]):
        made.advance_to(made.now_ms + 60 * MINUTE_MS)
        assert made.now_ms < NOW + 5 * DAY_MS
    _, index = made.find(restarted[0])
    _, payload, _ = made.measure(Kind.ROBOT, np.array([index]))[0]
    assert payload["seq"] == 1
