"""Features: one definition, the same numbers in training and in serving, and nothing from the future."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import HOUR_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.tiles import counted_columns, tiled_signals
from models.compute import FleetFacts, Look, Moments, hours_heard
from models.features import BY_NAME, FEATURES, Feature, digest, features_of, terms_of
from models.grid import TileGrid

START = 450_000
NO_RESETS = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "ts": pl.Int64})


def make_tiles(devices: int, hours: int, value: Callable[[int, int], float], seed: int = 0) -> pl.DataFrame:
    """Return tiles in which every signal has the mean `value(device, hour)`."""
    rng = np.random.default_rng(seed)
    pairs = [(device, hour) for device in range(devices) for hour in range(hours)]
    mean = np.array([value(device, hour) for device, hour in pairs])
    columns: dict[str, object] = {
        "device_id": [f"r{device}" for device, _ in pairs],
        "hour": [(START + hour) * HOUR_MS for _, hour in pairs],
        "readings": np.full(len(pairs), 6),
    }
    for name in tiled_signals(STANDARD_SIGNALS, Kind.ROBOT):
        low, high = mean * rng.uniform(0.8, 1, len(pairs)), mean * rng.uniform(1, 1.2, len(pairs))
        stats = (np.full(len(pairs), 6.0), mean, mean * 0.1, low, high, low, high)
        for stat, column in zip(("n", "mean", "m2", "min", "max", "first", "last"), stats, strict=True):
            columns[f"{name}.{stat}"] = column
    counts = dict.fromkeys(counted_columns(STANDARD_SIGNALS, Kind.ROBOT), np.ones(len(pairs)))
    return pl.DataFrame(columns | counts)


def whole(tiles: pl.DataFrame) -> TileGrid:
    grid = TileGrid(terms_of(FEATURES))
    grid.update(tiles)
    return grid


def look(grid: TileGrid, hour: int, resets: pl.DataFrame = NO_RESETS) -> Look:
    count = len(grid.devices)
    facts = FleetFacts(dict.fromkeys(grid.devices, "CR-1"), resets)
    return Look(grid, facts, Moments(np.arange(count), np.full(count, START + hour)))


def at(name: str, grid: TileGrid, hour: int, resets: pl.DataFrame = NO_RESETS) -> np.ndarray:
    return look(grid, hour, resets).at(BY_NAME[name])


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 70))
def test_serving_rows_equal_batch_rows(seed: int, piece: int) -> None:
    """Tiles laid in piecewise, with gaps, missing signals, repairs and late changes, give batch's rows."""
    rng = np.random.default_rng(seed)
    tiles = make_tiles(3, 180, lambda d, h: 5 + d + np.sin(h), seed)
    keep = rng.random(tiles.height) > 0.1
    blank = pl.when(pl.Series(rng.random(tiles.height) > 0.2)).then(pl.col("brush_current_a.mean"))
    tiles = tiles.with_columns(blank.alias("brush_current_a.mean")).filter(pl.Series(keep))
    resets = pl.DataFrame(
        {"device_id": ["r1", "r2"], "fault": ["brush_jam", "battery_wear"], "ts": [START * HOUR_MS] * 2}
    ).with_columns(ts=pl.col("ts") + pl.Series([int(rng.integers(0, 180)) * HOUR_MS for _ in range(2)]))
    served = TileGrid(terms_of(FEATURES))
    for first in range(START, START + 180 + piece, piece):
        inside = pl.col("hour").is_between((first - 1) * HOUR_MS, (first + piece - 1) * HOUR_MS)
        shuffled = tiles.filter(inside).sample(fraction=1, shuffle=True, seed=seed % 1000)
        # What was read before its hour was over, or arrived late, is laid over by what is true now.
        served.update(shuffled.with_columns(pl.col("drive_rpm.mean") * 3))
        served.update(shuffled)
    batch = look(whole(tiles), 179, resets).matrix(FEATURES)
    np.testing.assert_allclose(
        look(served, 179, resets).matrix(FEATURES), batch, rtol=1e-6, atol=1e-7, equal_nan=True
    )


def test_later_tiles_change_no_feature() -> None:
    tiles = make_tiles(3, 300, lambda d, h: 4 + d + h % 7)
    past = tiles.filter(pl.col("hour") <= (START + 200) * HOUR_MS)
    before, after = look(whole(past), 200).matrix(FEATURES), look(whole(tiles), 200).matrix(FEATURES)
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_a_forgotten_past_changes_no_window_behind_it() -> None:
    grid = whole(make_tiles(2, 600, lambda d, h: 4 + d + h % 7))
    names = [f for f in FEATURES if not f.name.endswith(":own")]
    before = look(grid, 599).matrix(names)
    grid.forget(START + 400)
    assert grid.origin > START
    np.testing.assert_allclose(look(grid, 599).matrix(names), before, rtol=1e-9, equal_nan=True)


def test_level_trend_and_change_of_a_ramp_are_what_arithmetic_says() -> None:
    """A signal that rises by 1 an hour: 24 a day, and the level over 48 h against the first 120 h."""
    grid = whole(make_tiles(1, 240, lambda _, h: float(h)))
    assert at("battery_temp_c:day", grid, 239)[0] == pytest.approx(np.arange(216, 240).mean())
    assert at("battery_temp_c:step", grid, 239)[0] == pytest.approx(24)
    assert at("battery_temp_c:trend", grid, 239)[0] == pytest.approx(24)
    own = np.arange(192, 240).mean() - np.arange(120).mean()
    assert at("battery_temp_c:own", grid, 239)[0] == pytest.approx(own)


def test_a_repair_begins_a_new_baseline_for_its_component_alone() -> None:
    grid = whole(make_tiles(1, 240, lambda _, h: 10.0 if h <= 150 else 20.0))
    reset = pl.DataFrame({"device_id": ["r0"], "fault": ["brush_wear"], "ts": [(START + 150) * HOUR_MS]})
    assert at("brush_rpm:own", grid, 239)[0] == pytest.approx(1.0)
    assert at("brush_rpm:own", grid, 239, reset)[0] == pytest.approx(0.0)
    assert at("fan_rpm:own", grid, 239, reset)[0] == pytest.approx(1.0)
    assert at("brush_current_a:renewed", grid, 239, reset)[0] == pytest.approx(89 / 24)


def test_the_cohort_is_the_other_robots_of_the_model_at_the_same_hours() -> None:
    grid = whole(make_tiles(3, 72, lambda d, h: [10.0, 20.0, 40.0][d] + h))
    usual = 15 + np.arange(24, 72).mean()
    assert at("battery_temp_c:cohort", grid, 71)[2] == pytest.approx(25.0)
    assert look(grid, 71).compare(BY_NAME["battery_temp_c:cohort"])[1][2] == pytest.approx(usual)


def test_a_robot_alone_in_its_model_has_no_cohort() -> None:
    assert np.isnan(at("fan_rpm:cohort", whole(make_tiles(1, 72, lambda _, h: 3.0 + h)), 71)[0])


def test_a_signal_that_never_came_is_nan_and_spoils_no_other() -> None:
    tiles = make_tiles(2, 72, lambda d, h: 3.0 + d + h)
    brush = [column for column in tiles.columns if column.startswith("brush_")]
    matrix = look(whole(tiles.drop(brush)), 71).matrix(FEATURES)
    silent = [f.measure.signal.startswith("brush_") and not f.name.endswith("renewed") for f in FEATURES]
    assert np.isnan(matrix[:, silent]).all()
    full = look(whole(tiles), 71).matrix(FEATURES)
    np.testing.assert_array_equal(
        np.isnan(matrix[:, ~np.array(silent)]), np.isnan(full[:, ~np.array(silent)])
    )


def test_a_device_that_joins_later_keeps_the_others_rows() -> None:
    grid = whole(make_tiles(2, 48, lambda d, h: 3.0 + d))
    late = make_tiles(1, 50, lambda _, h: 9.0).with_columns(device_id=pl.lit("a-first"))
    grid.update(late)
    assert grid.devices == ["a-first", "r0", "r1"]
    moments = Moments(grid.rows_of(["r0", "a-first", "none"])[:2], np.array([START + 47, START + 47]))
    assert Look(grid, FleetFacts({}, NO_RESETS), moments).at(BY_NAME["battery_temp_c:day"]).tolist() == [
        3.0,
        9.0,
    ]
    assert hours_heard(grid, moments).tolist() == [48.0, 48.0]


def test_the_digest_tells_definitions_apart() -> None:
    features = features_of("brush_jam")
    assert digest(features) == digest(features_of("brush_jam"))
    assert digest(features) != digest(features[1:])
    swapped = Feature(BY_NAME["fan_rpm:own"].measure, features[0].view)
    assert digest(features) != digest((swapped, *features[1:]))


def test_every_feature_speaks_for_a_signal_of_the_table() -> None:
    """Names are unique, and each names a signal, so that an explanation can show its chart."""
    assert len(BY_NAME) == len(FEATURES)
    assert {feature.measure.signal for feature in FEATURES} <= {signal.name for signal in STANDARD_SIGNALS}
