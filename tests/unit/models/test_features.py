"""Features: one definition, the same numbers in training and in serving, and nothing from the future."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import HOUR_MS
from fleet.faults import FAULTS
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.tiles import counted_columns, tiled_signals
from models.features import history
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import (
    LIFE_VIEWS,
    Feature,
    View,
    all_features,
    by_name,
    digest,
    features_of,
    parts_of,
    terms_of,
)
from models.features.grid import TileGrid
from models.features.rolling import RollingTiles
from models.features.windows import NO_RESETS, FleetFacts, Windows, hours_heard

START = 450_000


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
    grid = TileGrid(terms_of(all_features()))
    grid.update(tiles)
    return grid


def facts_of(devices: list[str], resets: pl.DataFrame = NO_RESETS) -> FleetFacts:
    return FleetFacts(dict.fromkeys(devices, "CR-1"), resets)


def windows_at(grid: TileGrid, hour: int, resets: pl.DataFrame = NO_RESETS) -> BatchWindows:
    count = len(grid.devices)
    moments = Moments(np.arange(count), np.full(count, START + hour))
    return BatchWindows(grid, facts_of(grid.devices, resets), moments)


def look(grid: TileGrid, hour: int, resets: pl.DataFrame = NO_RESETS) -> Look:
    return Look(windows_at(grid, hour, resets))


def at(name: str, grid: TileGrid, hour: int, resets: pl.DataFrame = NO_RESETS) -> np.ndarray:
    return look(grid, hour, resets).at(by_name()[name])


class Served:
    """Rolling tiles over a store of tiles, read again as a whole where an update asks for it."""

    def __init__(self, facts: FleetFacts) -> None:
        self.facts = facts
        self.stored = pl.DataFrame()
        self.tiles = RollingTiles(terms_of(all_features()), parts_of(all_features()))
        self.reloads = 0

    def update(self, tiles: pl.DataFrame) -> None:
        joined = pl.concat([self.stored, tiles]) if self.stored.height else tiles
        self.stored = joined.unique(["device_id", "hour"], keep="last")
        reload = self.tiles.update(tiles).reload | self.tiles.know(self.facts).reload
        if reload:
            self.reloads += 1
            self.tiles.drop(sorted(reload))
            again = self.stored.filter(pl.col("device_id").is_in(sorted(reload))).sort("hour")
            for piece in again.iter_slices(max(1, again.height // 2)):
                self.tiles.update(piece, reload)

    def matrix(self, devices: list[str], hour: int) -> np.ndarray:
        self.tiles.advance(START + hour + 1)
        return Look(self.tiles.at(self.tiles.rows_of(devices))).matrix(all_features())


def broken(devices: int, hours: int, seed: int, **late: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return tiles with gaps, a signal that comes and goes and devices that join late, and renewals.

    Renewals: repairs of single parts, and one device replaced by another, whose counters begin anew.
    """
    rng = np.random.default_rng(seed)
    tiles = make_tiles(devices, hours, lambda d, h: 5 + d + np.sin(h), seed)
    kept = rng.random(tiles.height) > 0.1
    blank = pl.when(pl.Series(rng.random(tiles.height) > 0.2)).then(pl.col("brush_current_a.mean"))
    tiles = tiles.with_columns(blank.alias("brush_current_a.mean")).filter(pl.Series(kept))
    joins = pl.col("device_id").replace_strict(late, default=0) * HOUR_MS + START * HOUR_MS
    tiles = tiles.filter(pl.col("hour") >= joins)
    faults = ["brush_jam", "battery_wear", "filter_clog", "brush_wear", *FAULTS]
    repaired = np.append(rng.integers(0, hours, 4), np.full(len(FAULTS), rng.integers(0, hours)))
    owners = [f"r{number % devices}" for number in range(4)] + ["r1"] * len(FAULTS)
    resets = pl.DataFrame({"device_id": owners, "fault": faults, "ts": (START + repaired) * HOUR_MS + 5})
    anew = (pl.col("device_id") == "r1") & (pl.col("hour") > resets["ts"][-1])
    counters = [f"{name}.{stat}" for name in ("run_s", "charge_cycles") for stat in ("first", "last")]
    tiles = tiles.with_columns(pl.when(anew).then(pl.col(name) / 100).otherwise(name) for name in counters)
    return tiles, resets


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(12, 70), st.integers(740, 780))
def test_serving_rows_equal_batch_rows(seed: int, piece: int, hours: int) -> None:
    """Tiles laid piece by piece give batch's rows: with gaps, missing signals, repairs and late changes."""
    tiles, resets = broken(5, hours, seed, r3=100, r4=hours - 40)
    facts = facts_of([f"r{number}" for number in range(5)], resets)
    served = Served(facts)
    for first in range(START, START + hours + piece, piece):
        inside = pl.col("hour").is_between((first - 1) * HOUR_MS, (first + piece - 1) * HOUR_MS)
        shuffled = tiles.filter(inside).sample(fraction=1, shuffle=True, seed=seed % 1000)
        # What was read before its hour was over, or arrived late, is laid over by what is true now.
        served.update(shuffled.with_columns(pl.col("drive_rpm.mean") * 3))
        served.update(shuffled)
    grid = whole(tiles)
    np.testing.assert_allclose(
        served.matrix(grid.devices, hours - 1),
        look(grid, hours - 1, resets).matrix(all_features()),
        rtol=2e-3,
        atol=2e-4,
        equal_nan=True,
    )


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_backlog_and_a_replacement_known_late_are_read_again(seed: int) -> None:
    """Tiles of a week ago, and a repair of two days ago told now, give the same rows as if never late."""
    tiles, resets = broken(3, 400, seed)
    old = pl.col("hour").is_between((START + 150) * HOUR_MS, (START + 180) * HOUR_MS)
    backlog = tiles.filter(old & (pl.col("device_id") == "r1"))
    served = Served(facts_of(["r0", "r1", "r2"]))
    served.update(tiles.join(backlog, on=["device_id", "hour"], how="anti"))
    served.update(backlog)
    served.facts = facts_of(["r0", "r1", "r2"], resets)
    served.update(tiles.tail(1))
    assert served.reloads == 2
    grid = whole(tiles)
    np.testing.assert_allclose(
        served.matrix(grid.devices, 399),
        look(grid, 399, resets).matrix(all_features()),
        rtol=2e-3,
        atol=2e-4,
        equal_nan=True,
    )


def test_replayed_history_gives_the_rows_that_are_cut_out_of_a_grid() -> None:
    tiles, resets = broken(4, 300, 7, r2=90)
    facts = facts_of([f"r{number}" for number in range(4)], resets)
    hours = pl.col("hour") // HOUR_MS

    def read(start: int, end: int) -> pl.DataFrame:
        return tiles.filter((hours >= start) & (hours < end))

    sorted_rows = []
    for way in (history._cut, history._replayed):
        rows = way(read, START, START + 300, 4, facts, 12)
        order = np.lexsort([rows.until, rows.devices.to_numpy()])
        sorted_rows.append((rows.devices.gather(order).to_list(), rows.until[order], rows.features[order]))
    cut, replayed = sorted_rows
    assert cut[0] == replayed[0]
    np.testing.assert_array_equal(cut[1], replayed[1])
    np.testing.assert_allclose(replayed[2], cut[2], rtol=2e-3, atol=2e-4, equal_nan=True)


def test_later_tiles_change_no_feature() -> None:
    tiles = make_tiles(3, 300, lambda d, h: 4 + d + h % 7)
    past = tiles.filter(pl.col("hour") <= (START + 200) * HOUR_MS)
    before, after = (
        look(whole(past), 200).matrix(all_features()),
        look(whole(tiles), 200).matrix(all_features()),
    )
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9, equal_nan=True)


def test_a_forgotten_past_changes_no_window_behind_it() -> None:
    grid = whole(make_tiles(2, 600, lambda d, h: 4 + d + h % 7))
    past = (View.OWN, View.FIRST, View.USED, View.CYCLED, View.MONTH)
    names = [feature for feature in all_features() if feature.view not in past and not feature.measure.given]
    before = look(grid, 599).matrix(names)
    grid.forget(START + 400)
    assert grid.origin > START
    np.testing.assert_allclose(look(grid, 599).matrix(names), before, rtol=1e-9, equal_nan=True)


def test_levels_slopes_and_changes_of_a_ramp_are_what_arithmetic_says() -> None:
    """A temperature that rises by 1 an hour from midnight on, 32 days and 12 hours long."""
    day0 = -(START % 24) % 24
    grid = whole(make_tiles(1, day0 + 781, lambda _, h: float(h)))
    now = day0 + 779  # the 12th hour of its day: days are whole but for today's
    level = np.arange(now - 23, now + 1).mean()
    assert at("battery_temp_c:day", grid, now)[0] == pytest.approx(level)
    week = np.arange(now - 11 - 144, now + 1).mean()
    assert at("battery_temp_c:step", grid, now)[0] == pytest.approx(level - week, rel=1e-5)
    assert at("battery_temp_c:trend_6h", grid, now)[0] == pytest.approx(24, rel=1e-4)
    assert at("battery_temp_c:trend_24h", grid, now)[0] == pytest.approx(24, rel=1e-4)
    for name, days in (("trend", 7), ("trend_30d", 30)):
        means = [24.0 * day + 11.5 for day in range(days - 1)] + [24.0 * (days - 1) + 5.5]
        expected = np.polyfit(range(days), means, 1)[0]
        assert at(f"battery_temp_c:{name}", grid, now)[0] == pytest.approx(expected, rel=1e-4)
    recent = np.arange(now - 11 - 48, now + 1).mean()
    assert at("battery_temp_c:own", grid, now)[0] == pytest.approx(recent - np.arange(120).mean())
    assert at("battery_temp_c:first", grid, now)[0] == pytest.approx(recent - np.arange(120).mean())


def test_slopes_of_relative_measures_are_shares_of_their_mean() -> None:
    grid = whole(make_tiles(1, 240, lambda _, h: 100.0 + h))
    mean = np.arange(316, 340).mean()
    assert at("fan_rpm:trend_24h", grid, 239)[0] == pytest.approx(24 / mean, rel=1e-3)


def test_a_repair_begins_a_new_baseline_for_its_component_alone() -> None:
    grid = whole(make_tiles(1, 240, lambda _, h: 10.0 if h <= 150 else 20.0))
    reset = pl.DataFrame({"device_id": ["r0"], "fault": ["brush_wear"], "ts": [(START + 150) * HOUR_MS]})
    assert at("brush_rpm:own", grid, 239)[0] == pytest.approx(1.0)
    assert at("brush_rpm:own", grid, 239, reset)[0] == pytest.approx(0.0)
    assert at("brush_rpm:first", grid, 239, reset)[0] == pytest.approx(1.0)
    assert at("fan_rpm:own", grid, 239, reset)[0] == pytest.approx(1.0)
    assert at("brush_current_a:renewed", grid, 239, reset)[0] == pytest.approx(89 / 24)
    assert np.isnan(at("brush_current_a:renewed", grid, 239)[0])


def test_run_hours_are_counted_since_the_last_repair() -> None:
    tiles = make_tiles(1, 240, lambda _, h: 1.0).with_columns(pl.lit(1800.0).alias("run_s.rise"))
    reset = pl.DataFrame({"device_id": ["r0"], "fault": ["brush_wear"], "ts": [(START + 150) * HOUR_MS]})
    grid = whole(tiles)
    assert at("brush_current_a:used", grid, 239)[0] == pytest.approx(120.0)
    assert at("brush_current_a:used", grid, 239, reset)[0] == pytest.approx(89 / 2)


def test_charge_cycles_are_counted_since_the_last_repair() -> None:
    tiles = make_tiles(1, 240, lambda _, h: 1.0).with_columns(
        pl.when(pl.col("hour") % (4 * HOUR_MS) == 0).then(1.0).otherwise(0.0).alias("charge_cycles.rise")
    )
    reset = pl.DataFrame({"device_id": ["r0"], "fault": ["battery_wear"], "ts": [(START + 150) * HOUR_MS]})
    grid = whole(tiles)
    assert at("battery_health_pct:cycled", grid, 239)[0] == pytest.approx(60)
    assert at("battery_health_pct:cycled", grid, 239, reset)[0] == pytest.approx(22)


def test_hours_with_an_error_count_once_however_often_it_was_repeated() -> None:
    shown = pl.when(pl.col("hour") % (6 * HOUR_MS) == 0).then(pl.col("hour") // HOUR_MS % 5 + 1)
    grid = whole(make_tiles(1, 48, lambda _, h: 1.0).with_columns(shown.alias("error_code.n")))
    assert at("error_hours:day", grid, 47)[0] == pytest.approx(4 / 24)


def test_the_season_is_a_point_on_a_circle_and_unknown_in_a_history_of_less_than_a_year() -> None:
    grid = whole(make_tiles(1, 30, lambda _, h: 1.0))
    moment = (START + 29) / 24 / 365.2425 * 2 * np.pi
    assert at("time_of_year:sine", grid, 29)[0] == pytest.approx(np.sin(moment))
    assert at("time_of_year:cosine", grid, 29)[0] == pytest.approx(np.cos(moment))
    matrix = look(grid, 29).matrix(all_features())
    known = np.isfinite(matrix).sum()
    history.forget_season(matrix)
    assert np.isfinite(matrix).sum() == known - 2


def test_the_cohort_is_the_other_robots_of_the_model_at_the_same_hours() -> None:
    grid = whole(make_tiles(3, 72, lambda d, h: [10.0, 20.0, 40.0][d] + h))
    usual = 15 + np.arange(48, 72).mean()
    assert at("battery_temp_c:cohort", grid, 71)[2] == pytest.approx(25.0)
    assert look(grid, 71).compare(by_name()["battery_temp_c:cohort"])[1][2] == pytest.approx(usual)


def test_the_cohort_is_of_the_same_site_where_the_site_has_enough_of_the_model() -> None:
    grid = whole(make_tiles(11, 48, lambda d, _: 10.0 if d < 6 else 50.0))
    models = dict.fromkeys(grid.devices, "CR-1")
    sites = {device: "north" if int(device[1:]) < 6 else "south" for device in grid.devices}
    moments = Moments(grid.rows_of(["r0", "r10"]), np.full(2, START + 47))
    windows = BatchWindows(grid, FleetFacts(models, NO_RESETS, sites), moments)
    assert Look(windows).compare(by_name()["battery_temp_c:cohort"])[1].tolist() == [10.0, 50.0]
    moved = sites | {"r6": "north"}
    windows = BatchWindows(grid, FleetFacts(models, NO_RESETS, moved), moments)
    assert Look(windows).compare(by_name()["battery_temp_c:cohort"])[1][1] == pytest.approx(
        (6 * 10 + 4 * 50) / 10
    )


def test_a_robot_alone_in_its_model_has_no_cohort() -> None:
    assert np.isnan(at("fan_rpm:cohort", whole(make_tiles(1, 72, lambda _, h: 3.0 + h)), 71)[0])


def test_a_signal_that_never_came_is_nan_and_spoils_no_other() -> None:
    tiles = make_tiles(2, 72, lambda d, h: 3.0 + d + h)
    brush = [column for column in tiles.columns if column.startswith("brush_")]
    matrix = look(whole(tiles.drop(brush)), 71).matrix(all_features())
    silent = [f.measure.signal.startswith("brush_") and f.view not in LIFE_VIEWS for f in all_features()]
    assert np.isnan(matrix[:, silent]).all()
    full = look(whole(tiles), 71).matrix(all_features())
    np.testing.assert_array_equal(
        np.isnan(matrix[:, ~np.array(silent)]), np.isnan(full[:, ~np.array(silent)])
    )


def test_a_device_that_joins_later_keeps_the_others_rows() -> None:
    grid = whole(make_tiles(2, 48, lambda d, h: 3.0 + d))
    late = make_tiles(1, 50, lambda _, h: 9.0).with_columns(device_id=pl.lit("a-first"))
    grid.update(late)
    assert grid.devices == ["a-first", "r0", "r1"]
    moments = Moments(grid.rows_of(["r0", "a-first", "none"])[:2], np.array([START + 47, START + 47]))
    windows = BatchWindows(grid, FleetFacts({}, NO_RESETS), moments)
    assert Look(windows).at(by_name()["battery_temp_c:day"]).tolist() == [3.0, 9.0]
    assert hours_heard(windows).tolist() == [48.0, 48.0]


def test_the_digest_tells_definitions_apart() -> None:
    features = features_of("brush_jam")
    assert digest(features) == digest(features_of("brush_jam"))
    assert digest(features) != digest(features[1:])
    swapped = Feature(by_name()["fan_rpm:own"].measure, features[0].view)
    assert digest(features) != digest((swapped, *features[1:]))
    assert digest(features) != digest(features, Windows(baseline=240))


def test_every_feature_speaks_for_a_signal_of_the_table() -> None:
    """Names are unique, and each names a signal, so that an explanation can show its chart."""
    assert len(by_name()) == len(all_features())
    assert {feature.measure.signal for feature in all_features()} <= {
        signal.name for signal in STANDARD_SIGNALS
    }
