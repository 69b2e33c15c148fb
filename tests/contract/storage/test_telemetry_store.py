"""What every TelemetryStore promises. A new store is one more line in `OPENERS`."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import polars as pl
import polars.testing
import pytest
from helpers.batches import batch_of
from helpers.influx import SERVERS, Influxd
from helpers.influx2 import Influx2
from helpers.influx_real2 import Influxd2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.errors import StoreRejected, StoreUnavailable
from fleet.readings import ReadingBatch, batch_schema
from fleet.risks import FLEET_RISK_COLUMNS, LIFE_COLUMNS, RISK_COLUMNS, risk_frame
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.tiles import KEYS, tile_columns
from storage.ports import LatestValue, Receipt, Retention, Sought, TelemetryStore
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.store import InfluxStore

T0 = 1_700_000_000_000 // HOUR_MS * HOUR_MS
Opener = Callable[[Path], TelemetryStore]


def duckdb(_: pytest.FixtureRequest) -> Opener:
    return lambda folder: DuckDbStore.open(folder / "t.duckdb", STANDARD_SIGNALS)


def influxdb(request: pytest.FixtureRequest) -> Opener:
    server: Influxd = request.getfixturevalue("influxd_1")
    return lambda folder: InfluxStore(server.bucket_for(folder), STANDARD_SIGNALS)


def influxdb2(request: pytest.FixtureRequest) -> Opener:
    server: Influx2 = request.getfixturevalue("influx2")
    return lambda folder: InfluxStore(server.bucket_for(folder), STANDARD_SIGNALS)


def real_influxdb2(request: pytest.FixtureRequest) -> Opener:
    server: Influxd2 = request.getfixturevalue("influxd_2")
    return lambda folder: InfluxStore(server.bucket_for(folder), STANDARD_SIGNALS)


OPENERS = {"duckdb": duckdb, "influxdb": influxdb, "influxdb2": influxdb2}
if "2" in SERVERS:
    OPENERS["real influxdb2"] = real_influxdb2
"""How each store is opened: the same folder is the same store again, another folder is an empty one."""


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    return OPENERS[request.param](request)


@pytest.fixture
def store(opener: Opener, tmp_path: Path) -> Iterator[TelemetryStore]:
    opened = opener(tmp_path)
    yield opened
    opened.close()


def everything(store: TelemetryStore, device: str, *signals: str) -> list[dict[str, Any]]:
    return store.history(Kind.ROBOT, device, signals, 0, 2**45, 10_000).to_dicts()


def test_an_empty_batch_writes_nothing(store: TelemetryStore) -> None:
    assert store.write(batch_of([])) == Receipt(0, 0, 0)
    assert store.newest(Kind.ROBOT) == {}


def test_what_is_written_comes_back_with_absent_values_null(store: TelemetryStore) -> None:
    rows = [
        {"device_id": "R1", "ts": T0, "battery_pct": 81.5, "state": "cleaning", "error_code": "E:7"},
        {"device_id": "R1", "ts": T0 + 1, "fan_rpm": 12_000.0},
    ]
    assert store.write(batch_of(rows)) == Receipt(2, 0, 0)
    assert everything(store, "R1", "battery_pct", "fan_rpm", "state", "error_code") == [
        {"ts": T0, "battery_pct": 81.5, "fan_rpm": None, "state": "cleaning", "error_code": "E:7"},
        {"ts": T0 + 1, "battery_pct": None, "fan_rpm": 12_000.0, "state": None, "error_code": None},
    ]


def test_nan_is_stored_as_absent(store: TelemetryStore) -> None:
    store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": math.nan, "fan_rpm": 1.0}]))
    assert everything(store, "R1", "battery_pct") == [{"ts": T0, "battery_pct": None}]
    assert "battery_pct" not in store.latest(Kind.ROBOT, "R1")


def test_the_same_device_and_time_is_one_reading_the_last_received_wins_field_by_field(
    store: TelemetryStore,
) -> None:
    first = {"device_id": "R1", "ts": T0, "battery_pct": 50.0, "fan_rpm": 9_000.0}
    again = {"device_id": "R1", "ts": T0, "battery_pct": 51.0, "suction_pa": 20_000.0}
    assert store.write(batch_of([first])) == Receipt(1, 0, 0)
    assert store.write(batch_of([again])) == Receipt(0, 1, 0)
    merged = [{"ts": T0, "battery_pct": 51.0, "fan_rpm": 9_000.0, "suction_pa": 20_000.0}]
    assert everything(store, "R1", "battery_pct", "fan_rpm", "suction_pa") == merged


def test_repeats_within_one_batch_are_merged_too(store: TelemetryStore) -> None:
    rows = [
        {"device_id": "R1", "ts": T0, "battery_pct": 50.0, "fan_rpm": 9_000.0},
        {"device_id": "R2", "ts": T0, "battery_pct": 10.0},
        {"device_id": "R1", "ts": T0, "battery_pct": 51.0},
    ]
    assert store.write(batch_of(rows)) == Receipt(2, 1, 0)
    assert everything(store, "R1", "battery_pct", "fan_rpm") == [
        {"ts": T0, "battery_pct": 51.0, "fan_rpm": 9_000.0}
    ]


def test_late_readings_are_stored_at_their_own_time(store: TelemetryStore) -> None:
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 10, "battery_pct": 40.0}]))
    receipt = store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 60.0}]))
    assert receipt == Receipt(1, 0, 1)
    assert [row["ts"] for row in everything(store, "R1", "battery_pct")] == [T0, T0 + 10]
    assert store.latest(Kind.ROBOT, "R1")["battery_pct"] == LatestValue(40.0, T0 + 10)


def test_latest_is_per_signal(store: TelemetryStore) -> None:
    store.write(
        batch_of(
            [
                {"device_id": "R1", "ts": T0, "battery_pct": 60.0, "state": "idle"},
                {"device_id": "R1", "ts": T0 + 5, "state": "error"},
            ]
        )
    )
    assert store.latest(Kind.ROBOT, "R1") == {
        "battery_pct": LatestValue(60.0, T0),
        "state": LatestValue("error", T0 + 5),
    }
    assert store.latest(Kind.ROBOT, "nobody") == {}


def test_latest_told_again_knows_what_came_since_and_what_came_late(store: TelemetryStore) -> None:
    """A second look reads on from the first: newer readings, older ones, corrections, and what expired."""
    store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 60.0, "state": "idle"}]))

    def told() -> dict[str, tuple[object, int]]:
        return {name: (one.value, one.ts - T0) for name, one in store.latest(Kind.ROBOT, "R1").items()}

    assert told() == {"battery_pct": (60.0, 0), "state": ("idle", 0)}
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 9, "battery_pct": 59.0}]))
    store.write(batch_of([{"device_id": "R2", "ts": T0 + 10, "battery_pct": 5.0, "state": "error"}]))
    assert told() == {"battery_pct": (59.0, 9), "state": ("idle", 0)}
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "state": "cleaning", "bumper_hits": 3}]))
    assert told() == {"battery_pct": (59.0, 9), "bumper_hits": (3, 5), "state": ("cleaning", 5)}
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 9, "battery_pct": 58.0}]))
    assert told()["battery_pct"] == (58.0, 9)
    store.clear()
    assert told() == {}


def test_latest_told_by_many_while_readings_come_late_ends_with_the_right_values(
    store: TelemetryStore,
) -> None:
    """Looks overlap commits of readings in any order: afterwards each device's newest values are told."""
    store.write(batch_of([{"device_id": f"R{n}", "ts": T0, "battery_pct": 0.0} for n in range(4)]))
    done = Event()

    def look() -> None:
        while not done.is_set():
            for n in range(4):
                store.latest(Kind.ROBOT, f"R{n}")

    lookers = [Thread(target=look) for _ in range(3)]
    for each in lookers:
        each.start()
    try:
        for step in range(1, 16):
            for later in (20 * step, 20 * step - 7):
                readings = [{"device_id": f"R{n}", "ts": T0 + later, "battery_pct": 20.0} for n in range(4)]
                store.write(batch_of(readings))
            late = [{"device_id": f"R{n}", "ts": T0 + 20 * step - 3, "bumper_hits": step} for n in range(4)]
            store.write(batch_of(late))
    finally:
        done.set()
        for each in lookers:
            each.join()
    for n in range(4):
        assert store.latest(Kind.ROBOT, f"R{n}") == {
            "battery_pct": LatestValue(20.0, T0 + 300),
            "bumper_hits": LatestValue(15, T0 + 297),
        }


def test_history_includes_its_start_excludes_its_end_and_keeps_its_limit(store: TelemetryStore) -> None:
    store.write(batch_of([{"device_id": "R1", "ts": T0 + i, "battery_pct": float(i)} for i in range(10)]))
    found = store.history(Kind.ROBOT, "R1", ["battery_pct"], T0 + 2, T0 + 8, 4)
    assert found["ts"].to_list() == [T0 + 2, T0 + 3, T0 + 4, T0 + 5]
    assert store.history(Kind.ROBOT, "R1", ["battery_pct"], T0 + 8, T0 + 8, 4).is_empty()


def test_an_error_code_is_over_from_the_time_of_the_empty_one(store: TelemetryStore) -> None:
    rows = [(0, "E1"), (2, "E1"), (5, ""), (7, None)]
    store.write(
        batch_of([{"device_id": "R1", "ts": T0 + at, "x_m": 1.0, "error_code": code} for at, code in rows])
    )
    assert store.latest(Kind.ROBOT, "R1")["error_code"] == LatestValue(None, T0 + 5)
    assert [row["error_code"] for row in everything(store, "R1", "error_code")] == [code for _, code in rows]
    read = store.readings(Kind.ROBOT, ["R1"], T0, T0 + HOUR_MS).frame
    assert read["error_code"].to_list() == [code for _, code in rows]
    (tile,) = store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS).to_dicts()
    assert tile["error_code.n"] == 2, "no error is left is no error"
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "error_code": "E2"}]))
    assert store.latest(Kind.ROBOT, "R1")["error_code"] == LatestValue("E2", T0 + 5)
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "error_code": ""}]))
    assert store.latest(Kind.ROBOT, "R1")["error_code"] == LatestValue(None, T0 + 5)


def test_intervals_summarise_and_leave_empty_ones_out(store: TelemetryStore) -> None:
    at = (0, 1, 2 * MINUTE_MS)
    store.write(
        batch_of([{"device_id": "R1", "ts": T0 + a, "battery_pct": 10.0 + i} for i, a in enumerate(at)])
    )
    found = store.intervals(Kind.ROBOT, "R1", ["battery_pct"], T0, T0 + HOUR_MS, MINUTE_MS, 10).to_dicts()
    assert found == [
        {
            "ts": T0,
            "battery_pct.mean": 10.5,
            "battery_pct.min": 10.0,
            "battery_pct.max": 11.0,
            "battery_pct.count": 2,
        },
        {
            "ts": T0 + 2 * MINUTE_MS,
            "battery_pct.mean": 12.0,
            "battery_pct.min": 12.0,
            "battery_pct.max": 12.0,
            "battery_pct.count": 1,
        },
    ]


def test_tiles_hold_the_statistics_of_each_hour(store: TelemetryStore) -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(500, 3, 40)
    offsets = rng.permutation(40)
    rows = [
        {
            "device_id": "R1",
            "ts": T0 + int(o) * 3 * MINUTE_MS,
            "fan_rpm": v,
            "state": "cleaning" if o < 5 else "idle",
        }
        for o, v in zip(offsets, values, strict=True)
    ]
    store.write(batch_of(rows))
    tiles = store.tiles(Kind.ROBOT, T0, T0 + 2 * HOUR_MS)
    assert tuple(tiles.columns) == tile_columns(STANDARD_SIGNALS, Kind.ROBOT)
    assert tiles["hour"].to_list() == [T0, T0 + HOUR_MS]
    by_time = values[np.argsort(offsets)]
    for tile, hour in zip(tiles.to_dicts(), (by_time[:20], by_time[20:]), strict=True):
        assert tile["readings"] == tile["fan_rpm.n"] == 20
        assert tile["fan_rpm.mean"] == pytest.approx(hour.mean())
        assert tile["fan_rpm.m2"] == pytest.approx(((hour - hour.mean()) ** 2).sum())
        assert (tile["fan_rpm.min"], tile["fan_rpm.max"]) == (hour.min(), hour.max())
        assert (tile["fan_rpm.first"], tile["fan_rpm.last"]) == (hour[0], hour[-1])
        assert tile["battery_pct.n"] == 0
        assert tile["battery_pct.mean"] is None
    assert tiles["state.cleaning.n"].to_list() == [5, 0]
    assert tiles["state.idle.n"].to_list() == [15, 20]


def test_first_and_last_of_a_tile_pass_over_readings_without_the_signal(store: TelemetryStore) -> None:
    rows = [
        {"device_id": "R1", "ts": T0, "state": "idle"},
        {"device_id": "R1", "ts": T0 + 1, "run_s": 5.0},
        {"device_id": "R1", "ts": T0 + 2, "run_s": 9.0},
        {"device_id": "R1", "ts": T0 + 3, "state": "idle"},
    ]
    store.write(batch_of(rows))
    tile = store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS).to_dicts()[0]
    assert (tile["run_s.first"], tile["run_s.last"], tile["run_s.n"]) == (5.0, 9.0, 2)


def counted(wrong: dict[int, float]) -> list[float]:
    """Return the run time that a robot tells every five minutes of three hours, wrong at some readings."""
    return [wrong.get(step, 40_000.0 + 240 * step) for step in range(36)]


COURSES: dict[str, list[float]] = {
    "clean": counted({}),
    "first": counted({12: 0.0}),
    "middle": counted({17: 0.0, 18: 1.0}),
    "last": counted({23: 0.0}),
    "edge": counted({23: 0.0, 24: 0.0}),
    "little": counted({12: 42_500.0}),
    "up": counted({17: 99_000.0}),
    "reset": [value if step < 18 else value - 44_320 for step, value in enumerate(counted({}))],
    "wrap": [(value + 21_200) % 2**16 for value in counted({})],
}
STEPS = {"reset": [11, 11, 12]}
"""The steps of five minutes that are seen in each hour; a reset hides one."""


def test_the_rise_of_a_counter_is_what_use_made_it_rise(store: TelemetryStore) -> None:
    rows = [
        {"device_id": name, "ts": T0 + step * 5 * MINUTE_MS, "run_s": value, "fan_rpm": 9.0}
        for name, values in COURSES.items()
        for step, value in enumerate(values)
    ]
    store.write(batch_of(rows))
    expected = {name: [240.0 * steps for steps in STEPS.get(name, [11, 12, 12])] for name in COURSES}

    def rises(start: int = T0, devices: list[str] | None = None) -> dict[str, list[float]]:
        found = store.tiles(Kind.ROBOT, start, T0 + 3 * HOUR_MS, devices, {"run_s.rise"})
        return {name: part["run_s.rise"].to_list() for (name,), part in found.group_by("device_id")}

    assert rises() == expected
    assert rises(T0 + HOUR_MS) == {name: each[1:] for name, each in expected.items()}
    assert rises(T0 + HOUR_MS, ["first", "edge"]) == {name: [2_880.0, 2_880.0] for name in ("first", "edge")}
    for hours in (1, 2, 3):
        store.expire(Retention(DAY_MS, DAY_MS), T0 + hours * HOUR_MS + DAY_MS)
        assert rises() == expected


@pytest.mark.parametrize("late", [0, 1, 2])
def test_rises_around_what_came_late_are_those_of_what_came_in_time(store: TelemetryStore, late: int) -> None:
    """Other hours' tiles were kept, where a store keeps them, before that hour came."""
    values = counted(dict.fromkeys(range(12, 24), 0.0))
    rows = [{"ts": T0 + step * 5 * MINUTE_MS, "run_s": value} for step, value in enumerate(values)]
    came_late = [row for row in rows if (row["ts"] - T0) // HOUR_MS == late]
    store.write(batch_of([{"device_id": "straight", **row} for row in rows]))
    store.write(batch_of([{"device_id": "late", **row} for row in rows if row not in came_late]))
    store.tiles(Kind.ROBOT, T0, T0 + 3 * HOUR_MS)
    store.write(batch_of([{"device_id": "late", **row} for row in came_late]))
    found = store.tiles(Kind.ROBOT, T0, T0 + 3 * HOUR_MS)
    told = {name: part["run_s.rise"].to_list() for (name,), part in found.group_by("device_id")}
    assert told["late"] == pytest.approx(told["straight"])
    assert sum(told["straight"]) == pytest.approx(240.0 * 35)


def test_tiles_of_some_devices_are_those_of_all_without_the_others(store: TelemetryStore) -> None:
    rows = [{"device_id": f"R{n}", "ts": T0 + n * HOUR_MS, "run_s": float(n)} for n in range(4)]
    store.write(batch_of(rows))
    store.expire(Retention(HOUR_MS, HOUR_MS), T0 + 3 * HOUR_MS)
    every = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS)
    some = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS, ["R1", "R3", "none"])
    assert some["device_id"].to_list() == ["R1", "R3"]
    assert some.equals(every.filter(pl.col("device_id").is_in(["R1", "R3"])))
    assert store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS, []).is_empty()


@pytest.mark.parametrize("asked", [{"run_s.last", "state.idle.n", "fan_rpm.mean", "no_such.n"}, set()])
def test_tiles_have_the_columns_that_are_asked_for(store: TelemetryStore, asked: set[str]) -> None:
    row = {"run_s": 3.0, "state": "idle", "fan_rpm": 900.0, "error_code": "E1"}
    store.write(batch_of([{"device_id": "R1", "ts": T0 + n * HOUR_MS, **row} for n in range(4)]))
    store.expire(Retention(HOUR_MS, HOUR_MS), T0 + 3 * HOUR_MS)
    every = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS)
    some = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS, columns=asked)
    assert set(some.columns) == {*KEYS, *asked} - {"no_such.n"}
    assert some.height == 4
    assert some.equals(every.select(some.columns))


@pytest.mark.parametrize("name", [name for name in OPENERS if name != "duckdb"])
def test_what_another_process_stores_is_among_the_newest(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A scorer that has looked once sees what the ingester stores after that, of known robots and others."""
    opener = OPENERS[name](request)
    ingester, scorer = opener(tmp_path), opener(tmp_path)
    try:
        assert scorer.newest(Kind.ROBOT) == {}
        ingester.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "battery_pct": 50.0}]))
        assert scorer.newest(Kind.ROBOT) == {"R1": T0 + 5}
        ingester.write(batch_of([{"device_id": d, "ts": T0 + 9, "battery_pct": 50.0} for d in ("R1", "R2")]))
        assert scorer.newest(Kind.ROBOT) == ingester.newest(Kind.ROBOT) == {"R1": T0 + 9, "R2": T0 + 9}
    finally:
        ingester.close()
        scorer.close()


def test_newest_is_rebuilt_from_what_is_stored(opener: Opener, tmp_path: Path) -> None:
    before = opener(tmp_path)
    before.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 1.0}]))
    before.close()
    after = opener(tmp_path)
    try:
        assert after.newest(Kind.ROBOT) == {"R1": T0}
        again = batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 2.0}])
        assert after.write(again) == Receipt(0, 1, 0)
    finally:
        after.close()


def risks(*rows: tuple[str, int, str, float]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["device_id", "ts", "fault", "risk"], orient="row")
    return risk_frame(frame.with_columns(drivers=pl.lit("[]"), model=pl.lit("m1")))


def test_confidence_and_remaining_life_come_back_and_are_null_where_nobody_judged_them(
    store: TelemetryStore,
) -> None:
    life = {name: [float(number), None] for number, name in enumerate(LIFE_COLUMNS, start=1)}
    told = risks(("R1", T0, "brush_wear", 0.1), ("R1", T0, "brush_jam", 0.05))
    judged = told.with_columns(pl.DataFrame(life | {"confidence": ["low", None]}))
    store.write_risks(judged)
    by_fault = judged.sort("fault")
    polars.testing.assert_frame_equal(store.risk_history("R1", T0, T0 + 1), by_fault)
    polars.testing.assert_frame_equal(store.risk_history("R1", T0, T0 + 1, HOUR_MS), by_fault)
    polars.testing.assert_frame_equal(store.latest_risks("R1"), judged)


def test_of_an_interval_the_last_risk_is_told_whole_with_what_it_does_not_say(store: TelemetryStore) -> None:
    store.write_risks(risks(("R1", T0, "brush_wear", 0.1)).with_columns(life_p50_d=pl.lit(9.0)))
    store.write_risks(risks(("R1", T0 + 1, "brush_wear", 0.2)))
    assert store.risk_history("R1", T0, T0 + HOUR_MS, HOUR_MS)["life_p50_d"].to_list() == [None]


def test_risks_are_kept_as_history_and_the_same_time_again_replaces(store: TelemetryStore) -> None:
    store.write_risks(risks(("R1", T0, "brush_jam", 0.1), ("R1", T0, "filter_clog", 0.5)))
    store.write_risks(risks(("R1", T0, "brush_jam", 0.2), ("R1", T0 + 1, "brush_jam", 0.7)))
    found = store.risk_history("R1", T0, T0 + 10)
    assert found.schema == pl.Schema(RISK_COLUMNS)
    assert found.select("ts", "fault", "risk").rows() == [
        (T0, "brush_jam", 0.2),
        (T0, "filter_clog", 0.5),
        (T0 + 1, "brush_jam", 0.7),
    ]
    assert store.latest_risks("R1").select("fault", "risk").rows() == [
        ("brush_jam", 0.7),
        ("filter_clog", 0.5),
    ]
    assert store.latest_risks("nobody").is_empty()


def test_of_each_interval_the_last_risk_of_each_fault_is_told(store: TelemetryStore) -> None:
    hour = T0 - T0 % HOUR_MS
    store.write_risks(
        risks(
            ("R1", hour + 1, "brush_jam", 0.1),
            ("R1", hour + 9, "brush_jam", 0.3),
            ("R1", hour + 5, "brush_jam", 0.9),
            ("R1", hour + 5, "filter_clog", 0.4),
            ("R1", hour + HOUR_MS, "brush_jam", 0.5),
            ("R1", hour + 3 * HOUR_MS + 7, "brush_jam", 0.6),
            ("R2", hour + 8, "brush_jam", 0.8),
        )
    )
    found = store.risk_history("R1", hour + 1, hour + 3 * HOUR_MS + 8, HOUR_MS)
    assert found.schema == pl.Schema(RISK_COLUMNS)
    assert found.select("ts", "fault", "risk").rows() == [
        (hour, "brush_jam", 0.3),
        (hour, "filter_clog", 0.4),
        (hour + HOUR_MS, "brush_jam", 0.5),
        (hour + 3 * HOUR_MS, "brush_jam", 0.6),
    ]
    assert found["drivers"].to_list() == ["[]"] * 4
    assert store.risk_history("R1", hour + 1, hour + 9, HOUR_MS)["risk"].to_list() == [0.9, 0.4]
    assert store.risk_history("nobody", 0, 2**45, HOUR_MS).is_empty()


def test_a_fleets_risks_are_the_last_of_each_device_and_fault_or_of_each_interval(
    store: TelemetryStore,
) -> None:
    hour = T0 - T0 % HOUR_MS
    store.write_risks(
        risks(
            ("R1", hour + 1, "brush_jam", 0.1),
            ("R1", hour + 9, "brush_jam", 0.3),
            ("R1", hour + 5, "filter_clog", 0.4),
            ("R1", hour + HOUR_MS, "brush_jam", 0.5),
            ("R2", hour + 8, "brush_jam", 0.8),
        )
    )
    last = store.fleet_risks(hour, hour + 2 * HOUR_MS)
    assert last.schema == pl.Schema(FLEET_RISK_COLUMNS)
    assert last.rows() == [
        ("R1", hour + 5, "filter_clog", 0.4, "m1"),
        ("R1", hour + HOUR_MS, "brush_jam", 0.5, "m1"),
        ("R2", hour + 8, "brush_jam", 0.8, "m1"),
    ]
    assert store.fleet_risks(hour, hour + 2 * HOUR_MS, HOUR_MS, "brush_jam").rows() == [
        ("R1", hour, "brush_jam", 0.3, "m1"),
        ("R1", hour + HOUR_MS, "brush_jam", 0.5, "m1"),
        ("R2", hour, "brush_jam", 0.8, "m1"),
    ]
    assert store.fleet_risks(hour + 2 * HOUR_MS, hour + 3 * HOUR_MS).is_empty()


def test_a_fleets_risks_come_with_what_is_left_of_lives_where_that_is_asked_for(
    store: TelemetryStore,
) -> None:
    worn = risks(("R1", T0, "brush_wear", 0.2), ("R1", T0 + 9, "brush_wear", 0.3)).with_columns(
        life_p10_d=pl.Series([9.0, 8.0]), life_p90_d=pl.Series([40.0, None], dtype=pl.Float64)
    )
    store.write_risks(worn)
    told = store.fleet_risks(T0, T0 + 10, lives=True)
    assert told.columns == [*FLEET_RISK_COLUMNS, "life_p10_d", "life_p50_d", "life_p90_d"]
    assert told.rows() == [("R1", T0 + 9, "brush_wear", 0.3, "m1", 8.0, None, None)]


def test_a_challengers_risks_stand_beside_those_that_count(store: TelemetryStore) -> None:
    store.write_risks(risks(("R1", T0, "brush_jam", 0.1)))
    store.write_risks(risks(("R1", T0, "brush_jam", 0.7)), shadow=True)
    store.write_risks(risks(("R1", T0, "brush_jam", 0.9)), shadow=True)
    assert store.latest_risks("R1")["risk"].to_list() == [0.1]
    assert store.risk_history("R1", T0, T0 + 1)["risk"].to_list() == [0.1]
    assert store.fleet_risks(T0, T0 + 1)["risk"].to_list() == [0.1]
    assert store.fleet_risks(T0, T0 + 1, shadow=True)["risk"].to_list() == [0.9]
    store.expire(Retention(DAY_MS, DAY_MS), T0 + 2 * DAY_MS)
    assert store.fleet_risks(T0, T0 + 1, shadow=True).is_empty()


def test_expire_takes_only_what_is_older(store: TelemetryStore) -> None:
    store.write(
        batch_of([{"device_id": "R1", "ts": T0 + day * DAY_MS, "battery_pct": 1.0} for day in range(5)])
    )
    store.write_risks(risks(("R1", T0, "brush_jam", 0.1), ("R1", T0 + 4 * DAY_MS, "brush_jam", 0.2)))
    assert store.expire(Retention(2 * DAY_MS, 2 * DAY_MS), T0 + 4 * DAY_MS) == 2
    assert [row["ts"] for row in everything(store, "R1")] == [T0 + day * DAY_MS for day in (2, 3, 4)]
    assert store.risk_history("R1", 0, 2**45)["risk"].to_list() == [0.2]


def tiles_of(store: TelemetryStore, start: int, end: int) -> pl.DataFrame:
    return store.tiles(Kind.ROBOT, T0 + start * HOUR_MS, T0 + end * HOUR_MS)


def assert_same_tiles(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Compare tiles up to rounding: several threads may add up in another order."""
    polars.testing.assert_frame_equal(found, expected, rel_tol=1e-9, abs_tol=1e-9)


TILED_ROW = st.fixed_dictionaries(
    {
        "device_id": st.sampled_from(["R1", "R-2", "r_3"]),
        "site": st.sampled_from(["s1", "s2"]),
        "ts": st.integers(T0, T0 + 5 * HOUR_MS - 1),
        "battery_pct": st.none() | st.floats(0, 100),
        "run_s": st.none() | st.floats(0, 2.0**53),
        "state": st.sampled_from([None, "idle", "error"]),
        "error_code": st.sampled_from([None, "E1"]),
    }
)
TILED_ROWS = st.lists(TILED_ROW, min_size=1, max_size=15, unique_by=lambda row: (row["device_id"], row["ts"]))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=TILED_ROWS,
    cuts=st.lists(st.integers(0, 6 * HOUR_MS), min_size=1, max_size=3),
    bounds=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_tiles_are_the_same_before_and_after_their_readings_expire(
    opener: Opener,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    cuts: list[int],
    bounds: tuple[int, int],
) -> None:
    """Whether a range comes from readings, from kept tiles, or from both; and after the store is reopened."""
    folder = tmp_path_factory.mktemp("tiles")
    store = opener(folder)
    try:
        store.write(batch_of(rows))
        before, part = tiles_of(store, 0, 5), tiles_of(store, *bounds)
        for cut in cuts:
            store.expire(Retention(DAY_MS, DAY_MS), T0 + DAY_MS + cut)
        whole_hours = T0 + max(cuts) // HOUR_MS * HOUR_MS
        expected = sorted(row["ts"] for row in rows if row["ts"] >= whole_hours)
        devices = ("R1", "R-2", "r_3")
        assert sorted(row["ts"] for name in devices for row in everything(store, name)) == expected
        assert_same_tiles(tiles_of(store, 0, 5), before)
        store.close()
        store = opener(folder)
        assert_same_tiles(tiles_of(store, 0, 5), before)
        assert_same_tiles(tiles_of(store, *bounds), part)
    finally:
        store.close()


def hourly(device: str, hours: int, signal: str = "battery_pct") -> list[dict[str, Any]]:
    return [{"device_id": device, "ts": T0 + n * HOUR_MS // 2, signal: float(n)} for n in range(2 * hours)]


def test_kept_tiles_are_not_touched_by_what_comes_later_and_go_when_their_own_time_is_over(
    store: TelemetryStore,
) -> None:
    store.write(batch_of(hourly("R1", 6)))
    before = tiles_of(store, 0, 6)
    assert store.kept_hours(Kind.ROBOT) == (0, 0)
    assert store.first_hour(Kind.ROBOT) == T0
    assert store.first_hour(Kind.TOOL) is None
    keep = Retention(2 * HOUR_MS, DAY_MS, 6 * HOUR_MS)
    assert store.expire(keep, T0 + 5 * HOUR_MS) == 6
    assert store.kept_hours(Kind.ROBOT) == (T0, T0 + 3 * HOUR_MS)
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 1, "battery_pct": 99.0}]))
    assert store.expire(keep, T0 + 6 * HOUR_MS) == 3
    assert_same_tiles(tiles_of(store, 0, 6), before)
    store.expire(keep, T0 + 8 * HOUR_MS)
    assert_same_tiles(tiles_of(store, 0, 6), before[2:])
    assert store.kept_hours(Kind.ROBOT) == (T0 + 2 * HOUR_MS, T0 + 6 * HOUR_MS)
    assert store.first_hour(Kind.ROBOT) == T0 + 2 * HOUR_MS


def test_no_tiles_are_kept_where_tiles_expire_with_their_readings(store: TelemetryStore) -> None:
    store.write(batch_of(hourly("R1", 4)))
    before = tiles_of(store, 0, 4)
    store.expire(Retention(2 * HOUR_MS, DAY_MS, 2 * HOUR_MS), T0 + 4 * HOUR_MS)
    assert store.kept_hours(Kind.ROBOT) == (0, 0)
    assert_same_tiles(tiles_of(store, 0, 4), before[2:])


def test_tiles_made_elsewhere_are_kept_and_replace_their_like(store: TelemetryStore) -> None:
    store.write(batch_of(hourly("R1", 4)))
    tiles = tiles_of(store, 0, 3)
    store.write(batch_of(hourly("R2", 4)))
    own = tiles_of(store, 0, 4).filter(pl.col("device_id") == "R2")
    other = tiles.with_columns(readings=pl.lit(7, pl.Int64), site=pl.lit("elsewhere"))
    store.keep_tiles(Kind.ROBOT, tiles, T0 + 2 * HOUR_MS)
    store.keep_tiles(Kind.ROBOT, other[:2], T0 + 2 * HOUR_MS)
    assert store.kept_hours(Kind.ROBOT)[1] == T0 + 2 * HOUR_MS
    expected = pl.concat([other[:2], tiles[2:], own[:3]])
    assert_same_tiles(tiles_of(store, 0, 3), expected)
    store.expire(Retention(HOUR_MS, DAY_MS), T0 + 4 * HOUR_MS)
    assert_same_tiles(tiles_of(store, 0, 3), expected)


def test_threads_read_and_write_side_by_side(store: TelemetryStore) -> None:
    store.write(batch_of([{"device_id": "R0", "ts": T0, "battery_pct": 0.0}]))

    def work(number: int) -> int:
        device = f"R{number}"
        for step in range(40):
            store.write(batch_of([{"device_id": device, "ts": T0 + step, "battery_pct": 1.0}]))
            store.latest(Kind.ROBOT, "R0")
            store.check()
        return store.history(Kind.ROBOT, device, ["battery_pct"], T0, T0 + 100, 100).height

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(1, 7))) == [40] * 6


def test_closing_waits_for_what_is_under_way_and_refuses_what_comes_later(
    opener: Callable[[Path], TelemetryStore], tmp_path: Path
) -> None:
    """A reader beside a closing store gets an answer or StoreUnavailable, and closing never fails."""
    store = opener(tmp_path)
    store.write(batch_of([{"device_id": "R1", "ts": T0 + i, "battery_pct": 1.0} for i in range(2000)]))

    def read() -> bool:
        try:
            while True:
                store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS)
        except StoreUnavailable:
            return True

    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(read) for _ in range(3)]
        store.check()
        store.close()
        assert all(each.result(timeout=30) for each in reading)


def test_check_is_content_while_the_store_is_open_and_refuses_once_it_is_closed(
    opener: Opener, tmp_path: Path
) -> None:
    store = opener(tmp_path)
    store.check()
    store.close()
    with pytest.raises(StoreUnavailable):
        store.check()


def test_days_counts_the_readings_of_each_device_and_day(store: TelemetryStore) -> None:
    day = T0 // DAY_MS * DAY_MS
    at = (("R1", 0), ("R1", DAY_MS - 1), ("R1", DAY_MS), ("R2", 5))
    store.write(batch_of([{"device_id": d, "ts": day + a, "battery_pct": 1.0} for d, a in at]))
    assert store.days(Kind.ROBOT).rows() == [("R1", day, 2), ("R2", day, 1), ("R1", day + DAY_MS, 1)]
    assert store.days(Kind.TOOL).is_empty()


def test_readings_come_back_whole_as_a_batch(store: TelemetryStore) -> None:
    rows = [
        {"device_id": "R2", "ts": T0, "site": "s2", "received": T0 + 9, "seq": 4, "state": "idle"},
        {"device_id": "R1", "ts": T0 + 1, "battery_pct": 2.5, "error_code": "E1"},
        {"device_id": "R1", "ts": T0, "battery_pct": 1.5},
        {"device_id": "R3", "ts": T0, "battery_pct": 1.5},
        {"device_id": "R1", "ts": T0 + 5, "battery_pct": 3.5},
    ]
    batch = batch_of(rows)
    store.write(batch)
    found = store.readings(Kind.ROBOT, ["R1", "R2"], T0, T0 + 5)
    assert found.frame.schema == batch.frame.schema
    assert found.frame.equals(batch.frame[[2, 1, 0]])
    assert len(store.readings(Kind.ROBOT, [], T0, T0 + 5)) == 0


def test_few_columns_of_all_devices_or_some_are_read_in_any_order(store: TelemetryStore) -> None:
    rows = [
        {"device_id": "R2", "ts": T0, "state": "idle", "battery_pct": 9.0},
        {"device_id": "R1", "ts": T0 + 1, "error_code": "E1"},
        {"device_id": "R1", "ts": T0 + 5, "battery_pct": 3.5},
    ]
    store.write(batch_of(rows))
    found = store.scan(Kind.ROBOT, ["battery_pct", "state"], T0, T0 + 5).sort("device_id")
    assert found.rows() == [("R1", T0 + 1, None, None), ("R2", T0, 9.0, "idle")]
    assert found.schema["state"] == batch_schema(STANDARD_SIGNALS, Kind.ROBOT)["state"]
    assert store.scan(Kind.ROBOT, ["battery_pct"], T0, T0 + 9, ["R1"])["ts"].sort().to_list() == [
        T0 + 1,
        T0 + 5,
    ]
    assert store.scan(Kind.ROBOT, ["battery_pct"], T0, T0 + 9, []).is_empty()


def test_devices_with_a_value_are_found(store: TelemetryStore) -> None:
    """Bounds are included; words are whole; what was never sent is not found."""
    rows = [
        {"device_id": "R1", "ts": T0, "battery_pct": 20.0, "state": "error"},
        {"device_id": "R2", "ts": T0, "battery_pct": 21.0, "state": "idle"},
        {"device_id": "R3", "ts": T0 + 9, "battery_pct": 1.0},
    ]
    store.write(batch_of(rows))

    def found(*sought: Sought) -> set[str]:
        return set(store.devices_with(Kind.ROBOT, sought, T0, T0 + 9))

    assert found(Sought("battery_pct", high=20.0)) == {"R1"}
    assert found(Sought("battery_pct", low=20.0, high=20.5)) == {"R1"}
    assert found(Sought("battery_pct", low=20.0)) == {"R1", "R2"}
    assert found(Sought("state", words=("error", "paused"))) == {"R1"}
    assert found(Sought("battery_pct", high=0.0), Sought("state", words=("error",))) == {"R1"}
    assert found(Sought("fan_rpm", low=0.0)) == set()
    assert found() == set()


def test_devices_with_a_boolean_are_found_by_0_or_1(store: TelemetryStore) -> None:
    bands = [{"device_id": f"W{n}", "ts": T0, "worn": bool(n), "heart_rate_bpm": 90.0 + n} for n in (0, 1)]
    store.write(batch_of(bands, Kind.WRISTBAND))
    for number in (0, 1):
        sought = [Sought("worn", low=float(number), high=float(number))]
        assert store.devices_with(Kind.WRISTBAND, sought, T0, T0 + 9) == {f"W{number}"}
    assert store.devices_with(Kind.WRISTBAND, [Sought("heart_rate_bpm", low=91)], T0, T0 + 9) == {"W1"}


def test_a_device_that_moved_keeps_one_reading_for_each_time(store: TelemetryStore) -> None:
    """The site is no part of a reading's identity: the same time from another site is a duplicate."""
    store.write(batch_of([{"device_id": "R1", "ts": T0, "site": "s1", "run_s": 1.0}]))
    later = {"device_id": "R1", "ts": T0 + 1, "site": "s2", "run_s": 3.0}
    again = {"device_id": "R1", "ts": T0, "site": "s2", "battery_pct": 5.0}
    assert store.write(batch_of([later, again])) == Receipt(1, 1, 0)
    assert everything(store, "R1", "run_s", "battery_pct") == [
        {"ts": T0, "run_s": 1.0, "battery_pct": 5.0},
        {"ts": T0 + 1, "run_s": 3.0, "battery_pct": None},
    ]
    tile = store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS).to_dicts()[0]
    assert (tile["site"], tile["readings"]) == ("s2", 2)
    assert (tile["run_s.first"], tile["run_s.last"], tile["run_s.mean"]) == (1.0, 3.0, 2.0)
    assert tile["run_s.m2"] == pytest.approx(2.0)


def test_booleans_are_summarised_as_0_and_1(store: TelemetryStore) -> None:
    worn = (True, True, False, None, True)
    rows = [{"device_id": "W1", "ts": T0 + i, "worn": value, "steps": 1.0} for i, value in enumerate(worn)]
    store.write(batch_of(rows, Kind.WRISTBAND))
    tile = store.tiles(Kind.WRISTBAND, T0, T0 + HOUR_MS).to_dicts()[0]
    assert [tile[f"worn.{stat}"] for stat in ("n", "mean", "min", "max", "first", "last")] == [
        4,
        0.75,
        0,
        1,
        1,
        1,
    ]
    assert tile["worn.m2"] == pytest.approx(0.75)
    assert (tile["sos.n"], tile["sos.mean"]) == (0, None)
    found = store.intervals(Kind.WRISTBAND, "W1", ["worn", "sos"], T0, T0 + HOUR_MS, HOUR_MS, 10).to_dicts()
    assert found == [
        {
            "ts": T0,
            "worn.mean": 0.75,
            "worn.min": 0.0,
            "worn.max": 1.0,
            "worn.count": 4,
            "sos.mean": None,
            "sos.min": None,
            "sos.max": None,
            "sos.count": 0,
        }
    ]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    [
        "a b",
        "a,b=c",
        "a\\",
        'a"b',
        "a'b",
        "a\nb",
        "a\\nb",
        "a\r\nb",
        "数据",
        "a\n\nname,tags,time,x",
        ";",
        "/.*/",
        " a",
    ]
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(device=TEXTS.filter(lambda name: name != "R1"), code=TEXTS)
def test_hostile_ids_and_texts_come_back_as_they_are_or_are_rejected(
    store: TelemetryStore, device: str, code: str
) -> None:
    """Ingest lets none of these pass; the store must not break on them all the same."""
    neighbour = {"device_id": "R1", "ts": T0, "error_code": "E1"}
    store.write(batch_of([neighbour]))
    try:
        store.write(batch_of([{"device_id": device, "ts": T0, "error_code": code}]))
    except StoreRejected:
        pass
    else:
        assert everything(store, device, "error_code") == [{"ts": T0, "error_code": code}]
        assert store.latest(Kind.ROBOT, device)["error_code"].value == code
        assert store.newest(Kind.ROBOT)[device] == T0
        assert device in store.days(Kind.ROBOT)["device_id"]
    assert everything(store, "R1", "error_code") == [{"ts": T0, "error_code": "E1"}]


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False, width=64))
ROW = st.fixed_dictionaries(
    {
        "device_id": st.sampled_from(["R1", "R-2", "r_3"]),
        "ts": st.integers(T0, T0 + 6),
        "battery_pct": NUMBERS,
        "x_m": NUMBERS,
        "state": st.sampled_from([None, "idle", "error"]),
        "error_code": st.sampled_from([None, "E1", "a:b.c"]),
    }
)


def fold(model: dict[tuple[str, int], dict[str, Any]], row: dict[str, Any]) -> bool:
    """Lay a row over the model; tell whether it was there already."""
    key = (row["device_id"], row["ts"])
    known = key in model
    kept = model.setdefault(key, {})
    for name in ("battery_pct", "x_m", "state", "error_code"):
        value = row[name]
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            kept[name] = value
    return known


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ROW, max_size=8), max_size=6))
def test_any_sequence_of_batches_ends_as_a_plain_dictionary_would(
    opener: Opener,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[dict[str, Any]]],
) -> None:
    store = opener(tmp_path_factory.mktemp("any"))
    model: dict[tuple[str, int], dict[str, Any]] = {}
    try:
        for rows in batches:
            known = sum([fold(model, row) for row in rows])
            receipt = store.write(batch_of(rows))
            assert (receipt.written, receipt.duplicate) == (len(rows) - known, known)
        names = ("battery_pct", "x_m", "state", "error_code")
        for device in ("R1", "R-2", "r_3"):
            expected = [
                {"ts": ts, **{name: kept.get(name) for name in names}}
                for (owner, ts), kept in sorted(model.items())
                if owner == device
            ]
            assert everything(store, device, *names) == expected
    finally:
        store.close()


@pytest.mark.parametrize("kind", list(Kind))
def test_every_signal_of_every_kind_survives_a_round_trip(store: TelemetryStore, kind: Kind) -> None:
    samples = {pl.Float64: 1.5, pl.Boolean: True, pl.Enum: "idle", pl.String: "E1", pl.Int64: 3}
    schema = batch_schema(STANDARD_SIGNALS, kind)
    row = {name: samples[type(dtype)] for name, dtype in schema.items()}
    row |= {"device_id": "D1", "site": "s1", "ts": T0, "received": T0, "seq": 3}
    frame = pl.DataFrame([row], schema=schema)
    store.write(ReadingBatch(kind, frame))
    names = [signal.name for signal in STANDARD_SIGNALS.for_kind(kind)]
    found = store.history(kind, "D1", names, T0, T0 + 1, 1).to_dicts()
    assert found == [{"ts": T0, **{name: row[name] for name in names}}]


PERSONAL = ("heart_rate_bpm", "skin_temp_c", "lat", "lon", "x_m", "y_m", "floor")
LONG = (0, 2**45)


def worn(device: str, ts: int, **values: float) -> dict[str, Any]:
    person = {"heart_rate_bpm": 87.5, "lat": 31.25, "lon": 121.5} | values
    return {"device_id": device, "ts": ts, "battery_pct": 64.0, "worn": True, **person}


def told_of(store: TelemetryStore, device: str) -> set[str]:
    """Return which personal signals any question to the store still answers for a device."""
    kind, found = Kind.WRISTBAND, set(store.latest(Kind.WRISTBAND, device)) & set(PERSONAL)
    frames = [
        store.history(kind, device, PERSONAL, *LONG, 10_000),
        store.intervals(kind, device, PERSONAL, *LONG, HOUR_MS, 10_000),
        store.readings(kind, [device], *LONG).frame,
        store.tiles(kind, T0 - DAY_MS, T0 + DAY_MS).filter(pl.col("device_id") == device),
        store.tiles(kind, T0 - DAY_MS, T0 + DAY_MS, [device]),
    ]
    for frame in frames:
        for column in frame:
            name = column.name.partition(".")[0]
            empty = column.fill_null(0) == 0 if column.name.endswith((".n", ".count")) else column.is_null()
            if name in PERSONAL and not bool(empty.all()):
                found.add(name)
    return found


def test_what_is_personal_comes_back_with_the_rest_of_its_reading(store: TelemetryStore) -> None:
    plain = {"device_id": "W1", "ts": T0 + 1, "battery_pct": 63.0}
    again = {"device_id": "W1", "ts": T0, "heart_rate_bpm": 90.0}
    store.write(batch_of([worn("W1", T0), plain], Kind.WRISTBAND))
    assert store.write(batch_of([again], Kind.WRISTBAND)) == Receipt(0, 1, 0)
    found = store.history(
        Kind.WRISTBAND, "W1", ["lat", "battery_pct", "heart_rate_bpm"], *LONG, 10
    ).to_dicts()
    assert found == [
        {"ts": T0, "lat": 31.25, "battery_pct": 64.0, "heart_rate_bpm": 90.0},
        {"ts": T0 + 1, "lat": None, "battery_pct": 63.0, "heart_rate_bpm": None},
    ]
    assert store.history(Kind.WRISTBAND, "W1", ["lat"], *LONG, 1).to_dicts() == [{"ts": T0, "lat": 31.25}]
    assert store.readings(Kind.WRISTBAND, ["W1"], *LONG).frame["heart_rate_bpm"].to_list() == [90.0, None]
    (tile,) = store.tiles(Kind.WRISTBAND, T0, T0 + HOUR_MS).to_dicts()
    assert (tile["readings"], tile["heart_rate_bpm.n"], tile["heart_rate_bpm.mean"]) == (2, 1, 90.0)
    asked = (["heart_rate_bpm", "battery_pct"], *LONG, HOUR_MS, 5)
    (one,) = store.intervals(Kind.WRISTBAND, "W1", *asked).to_dicts()
    assert (one["heart_rate_bpm.mean"], one["heart_rate_bpm.count"], one["battery_pct.count"]) == (90.0, 1, 2)
    assert store.latest(Kind.WRISTBAND, "W1")["heart_rate_bpm"] == LatestValue(90.0, T0)


def test_forgetting_takes_what_is_personal_and_nothing_else(store: TelemetryStore) -> None:
    rows = [worn("W1", T0 - DAY_MS), worn("W1", T0), worn("W2", T0 - DAY_MS)]
    store.write(batch_of(rows, Kind.WRISTBAND))
    robot = {"device_id": "R1", "ts": T0 - DAY_MS, "x_m": 4.0}
    store.write(batch_of([robot]))
    kept = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0)  # on a server they are kept from now on
    assert kept["heart_rate_bpm.mean"].to_list() == [87.5, 87.5]
    assert store.forget_personal(0, T0) == 2
    assert store.forget_personal(0, T0) == 0
    assert told_of(store, "W2") == set()
    old, new = store.history(Kind.WRISTBAND, "W1", ["battery_pct", "lat"], *LONG, 10).to_dicts()
    assert (old, new["lat"]) == ({"ts": T0 - DAY_MS, "battery_pct": 64.0, "lat": None}, 31.25)
    tiles = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0)
    assert (
        tiles.select("battery_pct.mean", "heart_rate_bpm.n", "heart_rate_bpm.mean").rows()
        == [(64.0, 0, None)] * 2
    )
    assert everything(store, "R1", "x_m") == [{"ts": T0 - DAY_MS, "x_m": 4.0}]


def test_forgetting_one_device_leaves_the_others(store: TelemetryStore) -> None:
    half = HOUR_MS // 2
    rows = [worn(name, T0 + at) for name in ("W1", "W2") for at in (0, half, HOUR_MS)]
    store.write(batch_of(rows, Kind.WRISTBAND))
    store.tiles(Kind.WRISTBAND, T0, T0 + 2 * HOUR_MS)
    assert store.forget_personal(T0, T0 + half, ["W1", "nobody's"]) == 1
    rates = store.history(Kind.WRISTBAND, "W1", ["heart_rate_bpm"], *LONG, 10)["heart_rate_bpm"].to_list()
    assert rates == [None, 87.5, 87.5]
    first = store.tiles(Kind.WRISTBAND, T0, T0 + HOUR_MS)["heart_rate_bpm.n"].to_list()
    assert first == [1, 2]
    assert store.forget_personal(*LONG, ["W1"]) == 2
    assert told_of(store, "W1") == set()
    assert told_of(store, "W2") == {"heart_rate_bpm", "lat", "lon"}


def test_forgotten_is_forgotten_in_tiles_that_outlive_their_readings(store: TelemetryStore) -> None:
    store.write(batch_of([worn("W1", T0 - DAY_MS), worn("W1", T0 + DAY_MS)], Kind.WRISTBAND))
    assert store.expire(Retention(DAY_MS, DAY_MS), T0 + DAY_MS) == 1
    (tile,) = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0).to_dicts()
    assert tile["heart_rate_bpm.mean"] == 87.5
    store.forget_personal(0, T0)
    (tile,) = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0).to_dicts()
    assert (tile["readings"], tile["battery_pct.mean"]) == (1, 64.0)
    assert (tile["heart_rate_bpm.n"], tile["heart_rate_bpm.mean"], tile["lat.max"]) == (0, None, None)


def test_a_store_that_is_opened_again_has_forgotten_too(opener: Opener, tmp_path: Path) -> None:
    store = opener(tmp_path)
    store.write(batch_of([worn("W1", T0)], Kind.WRISTBAND))
    assert told_of(store, "W1") == {"heart_rate_bpm", "lat", "lon"}
    store.forget_personal(*LONG)
    store.close()
    again = opener(tmp_path)
    assert (told_of(again, "W1"), again.newest(Kind.WRISTBAND)) == (set(), {"W1": T0})
    again.close()
