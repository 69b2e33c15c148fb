"""An installation's own signals get features by what they are, without code, and disturb no other model."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleet.catalogue.entries import Component, Fault, Level, OwnSignal
from fleet.catalogue.present import adopted
from fleet.catalogue.reading import standard
from fleet.clock import HOUR_MS
from fleet.signals import Kind, Role
from fleet.text import Text
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import (
    View,
    all_features,
    by_name,
    columns_by_name,
    digest,
    features_of,
    measures,
    parts_of,
    terms_of,
)
from models.features.grid import TileGrid
from models.features.rolling import RollingTiles
from models.features.windows import NO_RESETS, FleetFacts
from models.learning.physics import direction

START = 450_000
DAYS, MACHINES = 12, 6
NAME = Text("x", "x")
PUMP = (
    OwnSignal(
        "vibration", "mm/s", Text("Vibration", "振动"), "hull", load=("feed",), setpoints=("valve_pct",)
    ),
    OwnSignal("feed", "kg/h", Text("Feed", "进料"), "own"),
    OwnSignal("valve_pct", "%", Text("Valve", "阀门"), "own"),
    OwnSignal("strokes", "", Text("Strokes", "冲程"), "hull", Role.COUNTER),
    OwnSignal("door_open", "", Text("Door open", "门开"), "own", Role.STATE),
)
CRACK = Fault(
    *("crack", Kind.ROBOT, Level.L1, NAME, None, "mechanical", 60, False, NAME, 3),
    seen_in=("hull", "use"),
    renews=("hull",),
    signs={"vibration_residual": 1},
)
CATALOGUE = replace(
    standard(),
    faults={**standard().faults, "crack": CRACK},
    components={**standard().components, "hull": Component(Text("hull", "壳体"))},
    signals=PUMP,
)


def pump_tiles(cracked: float = 1.0, loaded: float = 1.0) -> pl.DataFrame:
    """Return tiles of pumps whose vibration is 1 + 2 x feed.

    On the last day pump 0 vibrates `cracked` times that, and pump 1 has `loaded` times the usual feed.
    """
    rng = np.random.default_rng(4)
    hours = np.arange(DAYS * 24)
    last = hours >= (DAYS - 1) * 24
    frames = []
    for pump in range(MACHINES):
        feed = np.repeat(rng.uniform(0.85, 1.15, DAYS), 24) * (1 + 0.1 * pump)
        feed = feed * np.where(last & (pump == 1), loaded, 1.0)
        vibration = (1 + 2 * feed) * np.where(last & (pump == 0), cracked, 1.0)
        columns: dict[str, object] = {
            "device_id": f"p{pump}",
            "hour": (START + hours) * HOUR_MS,
            "readings": 6,
        }
        for name, mean in (
            ("vibration", vibration),
            ("feed", feed),
            ("valve_pct", np.full(len(hours), 50.0)),
        ):
            stats = (6, mean, 6 * 0.04, mean - 0.3, mean + 0.3, mean, mean)
            pairs = zip(("n", "mean", "m2", "min", "max", "first", "last"), stats, strict=True)
            columns |= {f"{name}.{stat}": value for stat, value in pairs}
        columns |= {"strokes.rise": np.where(last, 300.0, 100.0), "run_s.rise": 1_800.0}
        columns |= {"door_open.n": 6, "door_open.mean": np.where(last, 0.5, 0.0)}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def batch(tiles: pl.DataFrame) -> np.ndarray:
    """Return all features of all pumps at the last hour. Shape: (pumps, features)."""
    grid = TileGrid(terms_of(all_features()))
    grid.update(tiles)
    facts = FleetFacts(dict.fromkeys(grid.devices, "P-1"), NO_RESETS)
    moments = Moments(np.arange(MACHINES), np.full(MACHINES, START + DAYS * 24 - 1))
    return Look(BatchWindows(grid, facts, moments)).matrix(all_features())


def feature(matrix: np.ndarray, name: str) -> np.ndarray:
    return matrix[:, columns_by_name()[name]]


def test_each_signal_is_looked_at_by_what_it_is() -> None:
    with adopted(CATALOGUE):
        own = [measure.name for measure in measures() if measure.signal in {each.name for each in PUMP}]
        assert own == [
            *("vibration", "vibration_spread", "vibration_residual"),
            *("feed", "feed_spread", "valve_pct", "valve_pct_spread"),
            *("strokes", "strokes_per_run", "door_open"),
        ]
        matrix = batch(pump_tiles())
        assert feature(matrix, "strokes:day") == pytest.approx(300)
        assert feature(matrix, "strokes:step") == pytest.approx(300 - (6 * 100 + 300) / 7)
        assert feature(matrix, "door_open:day") == pytest.approx(0.5)
        assert feature(matrix, "vibration_spread:step") == pytest.approx(0.0, abs=1e-6)
        assert feature(matrix, "vibration:used") == pytest.approx(DAYS * 24 * 0.5)
    assert "vibration" not in {measure.name for measure in measures()}


def test_load_shows_in_the_signal_and_not_in_what_is_left_of_it() -> None:
    with adopted(CATALOGUE):
        loaded, cracked = batch(pump_tiles(loaded=1.6)), batch(pump_tiles(cracked=1.3))
        plain, left = feature(loaded, "vibration:step"), feature(loaded, "vibration_residual:step")
        assert plain[1] > 0.15
        assert abs(left[1]) < 0.05
        assert feature(cracked, "vibration_residual:step")[0] > 0.2


def test_a_fault_sees_the_signals_of_its_components_and_knows_which_way_they_go() -> None:
    with adopted(CATALOGUE):
        seen = {each.measure.name for each in features_of("crack")}
        assert {"vibration", "vibration_residual", "strokes", "run_share"} <= seen
        assert not {"feed", "door_open", "drive_rpm"} & seen
        assert direction("crack", by_name()["vibration_residual:cohort"]) == 1
        assert direction("crack", by_name()["vibration:cohort"]) == 0
        assert any(each.view is View.USED for each in features_of("crack"))


def test_what_serving_computes_of_own_signals_is_what_training_saw() -> None:
    with adopted(CATALOGUE):
        tiles = pump_tiles(cracked=1.2)
        rolling = RollingTiles(terms_of(all_features()), parts_of(all_features()))
        rolling.know(FleetFacts({f"p{pump}": "P-1" for pump in range(MACHINES)}, NO_RESETS))
        for day in range(DAYS):
            rolling.update(tiles.filter(pl.col("hour") // HOUR_MS // 24 == (START // 24) + day))
        rolling.update(tiles.filter(pl.col("hour") // HOUR_MS // 24 == (START // 24) + DAYS))
        served = Look(rolling.at(rolling.rows_of([f"p{pump}" for pump in range(MACHINES)]))).matrix(
            all_features()
        )
        np.testing.assert_allclose(served, batch(tiles), rtol=1e-4, atol=1e-5, equal_nan=True)


def test_signals_of_no_component_leave_the_models_of_other_faults_as_they_are() -> None:
    before = {code: digest(features_of(code)) for code in ("drive_motor_wear", "filter_clog")}
    with adopted(CATALOGUE):
        assert {code: digest(features_of(code)) for code in before} == before
    of_drive = (replace(PUMP[1], component="drive"),)
    with adopted(replace(standard(), signals=of_drive)):
        assert digest(features_of("drive_motor_wear")) != before["drive_motor_wear"]
        assert digest(features_of("filter_clog")) == before["filter_clog"]
