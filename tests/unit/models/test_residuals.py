"""Residuals: a robot that works harder than others is not taken for a worn one."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from fleet.clock import HOUR_MS
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import all_features, by_name, terms_of
from models.features.grid import TileGrid
from models.features.residuals import fit
from models.features.robot_measures import MEASURES
from models.features.terms import Term
from models.features.windows import NO_RESETS, FleetFacts

START = 450_000
DAYS, ROBOTS = 12, 6
DRIVE = next(measure for measure in MEASURES if measure.name == "drive_current_a_residual")


def fleet_tiles(worn: float = 1.0, loaded: float = 1.0, brush: bool = True) -> pl.DataFrame:
    """Return tiles of robots whose drive current is 1 A + 2 x brush current, their floor's load.

    On the last day robot 0 draws `worn` times that, and robot 1 has `loaded` times the usual load.
    """
    rng = np.random.default_rng(4)
    hours = np.arange(DAYS * 24)
    frames = []
    for robot in range(ROBOTS):
        load = np.repeat(rng.uniform(0.85, 1.15, DAYS), 24) * (1 + 0.1 * robot)
        last = hours >= (DAYS - 1) * 24
        load = load * np.where(last & (robot == 1), loaded, 1.0)
        drive = (1 + 2 * load) * np.where(last & (robot == 0), worn, 1.0)
        columns: dict[str, object] = {"device_id": f"r{robot}", "hour": (START + hours) * HOUR_MS}
        columns |= {"readings": 6, "drive_current_a.n": 6, "drive_current_a.mean": drive}
        columns |= {"battery_voltage_v.n": 6, "battery_voltage_v.mean": 25.0}
        columns |= {"run_s.first": 0.0, "run_s.last": 1_000.0}
        if brush:
            columns |= {"brush_current_a.n": 6, "brush_current_a.mean": load}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def seen(tiles: pl.DataFrame, name: str, models: Callable[[str], str] = lambda _: "CR-1") -> np.ndarray:
    """Return a feature of all robots at the last hour."""
    grid = TileGrid(terms_of(all_features()))
    grid.update(tiles)
    facts = FleetFacts({device: models(device) for device in grid.devices}, NO_RESETS)
    moments = Moments(np.arange(ROBOTS), np.full(ROBOTS, START + DAYS * 24 - 1))
    return Look(BatchWindows(grid, facts, moments)).at(by_name()[name])


def test_heavy_load_shows_in_the_current_and_not_in_its_residual() -> None:
    tiles = fleet_tiles(loaded=1.6)
    plain, residual = (
        seen(tiles, f"{name}:step") for name in ("drive_current_a", "drive_current_a_residual")
    )
    assert plain[1] > 0.2
    assert abs(residual[1]) < 0.06
    # The ridge leaves some of what load explains unexplained, of which others show their part as well.
    assert np.abs(residual).max() < 0.5 * np.abs(plain).max()


def test_wear_shows_in_the_residual_as_it_does_in_the_current() -> None:
    residual = seen(fleet_tiles(worn=1.5), "drive_current_a_residual:cohort")
    assert residual.argmax() == 0
    assert residual[0] > 0.3


def test_a_load_that_is_never_sent_is_left_out_of_the_relation() -> None:
    tiles = fleet_tiles(brush=False)
    residual = seen(tiles, "drive_current_a_residual:cohort")
    np.testing.assert_allclose(residual, seen(tiles, "drive_current_a:cohort"), rtol=1e-6)


def test_a_model_of_few_days_has_no_residual_and_another_model_keeps_its_own() -> None:
    tiles = fleet_tiles()
    residual = seen(tiles, "drive_current_a_residual:step", lambda device: "X" if device == "r5" else "CR-1")
    assert np.isnan(residual[5])
    assert np.isfinite(residual[:5]).all()


def days_of(values: dict[str, np.ndarray]) -> Callable[[Term], np.ndarray]:
    """Return daily sums in which a measure's top has the values given and its bottom is 1."""
    tops = {measure.top.name: values[measure.name] for measure in (DRIVE, *DRIVE.given)}
    return lambda term: tops.get(term.name, np.ones_like(values[DRIVE.name]))


def test_the_slopes_of_a_relation_are_found_and_failing_days_hardly_bend_them() -> None:
    rng = np.random.default_rng(1)
    shape = (29, 40)
    x = {given.name: rng.normal(10, 1, shape) for given in DRIVE.given}
    own = rng.normal(50, 20, 40)
    y = own + sum(slope * each for slope, each in zip((2.0, -1.0, 0.5), x.values(), strict=True))
    y += rng.normal(0, 0.1, shape)
    y[-6:, :3] += np.linspace(0, 30, 6)[:, None]
    found = fit(DRIVE, days_of({DRIVE.name: y, **x}), np.zeros(40, dtype=np.int64))
    # A ridge shrinks: this one by three parts in a hundred.
    assert found.slope[:, 0] * 1.03 == pytest.approx([2.0, -1.0, 0.5], abs=0.1)
    assert found.usual[:, 0] == pytest.approx([each.mean() for each in x.values()])
