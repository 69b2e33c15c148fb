"""`sweepwatch store copy`: own signals and kept tiles go over too, and a copy that was killed goes on."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import polars.testing
import pytest
from helpers.influx import Influxd
from helpers.running import PATIENCE_S, PROGRAM, environment, sweepwatch

from fleet.clock import DAY_MS, HOUR_MS
from fleet.readings import ReadingBatch, batch_schema
from fleet.signals import STANDARD_SIGNALS, Kind, SignalTable
from storage.ports import Retention, TelemetryStore
from storage.series.copying import copy_history
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.store import InfluxStore
from sweepwatch.settings.settings import load_settings
from sweepwatch.settings.signals import signal_table

T0 = int(time.time() * 1000) // DAY_MS * DAY_MS - 20 * DAY_MS
OWN = """
[signals.uv_lamp_h]
unit = "h"
range = [0, 20000]
kind = "robot"
"""


def fill(store: TelemetryStore, signals: SignalTable, devices: int, days: int, a_day: int) -> None:
    """Write readings of every device at equal steps; each value is another."""
    for day in range(days):
        count = devices * a_day
        number = np.arange(count)
        columns = {
            "device_id": [f"R{device:03d}" for device in np.repeat(np.arange(devices), a_day)],
            "site": ["s1"] * count,
            "ts": T0 + day * DAY_MS + np.tile(np.arange(a_day), devices) * (DAY_MS // a_day),
            "received": np.full(count, T0),
            "seq": number,
            "battery_pct": (number % 997) / 13,
            "state": ["idle", "error"] * (count // 2),
        }
        if "uv_lamp_h" in signals:
            columns["uv_lamp_h"] = number / 7
        store.write(ReadingBatch.from_columns(signals, Kind.ROBOT, columns, count))


def sums(store: TelemetryStore, signals: SignalTable) -> pl.DataFrame:
    """Return the number of readings and a checksum of each device and day."""
    days = store.days(Kind.ROBOT)
    devices = days["device_id"].unique().to_list()
    names = list(batch_schema(signals, Kind.ROBOT))
    frames = [
        store.readings(Kind.ROBOT, devices, day, day + DAY_MS).frame.select(names)
        for day in days["day"].unique().sort()
    ]
    rows = pl.concat(frames)
    hashed = rows.select("device_id", day=pl.col("ts") // DAY_MS, hash=rows.hash_rows())
    return hashed.group_by("device_id", "day").agg(pl.len(), pl.col("hash").sum()).sort("device_id", "day")


@contextmanager
def both(file: Path, influxd: Influxd, folder: Path) -> Iterator[tuple[DuckDbStore, InfluxStore]]:
    address = influxd.bucket_for(folder)
    with (
        closing(DuckDbStore.open(file, STANDARD_SIGNALS)) as duck,
        closing(InfluxStore(address, STANDARD_SIGNALS)) as influx,
    ):
        yield duck, influx


def test_a_copy_that_was_killed_goes_on_where_it_ended(influxd: Influxd, tmp_path: Path) -> None:
    """And signals of one's own go over: both stores agree for every device and day."""
    config, file = tmp_path / "own.toml", tmp_path / "t.duckdb"
    config.write_text(OWN, encoding="utf-8")
    signals = signal_table(load_settings(config, {}, {}))
    with closing(DuckDbStore.open(file, signals)) as source:
        fill(source, signals, devices=20, days=12, a_day=100)
        expected = sums(source, signals)
    address = influxd.bucket_for(tmp_path)
    arguments = [
        "store",
        "copy",
        "--config",
        str(config),
        "--from",
        f"duckdb://{file}",
        "--to",
        influxd.url(address.bucket),
    ]
    with closing(InfluxStore(address, signals)) as target:
        process = subprocess.Popen([*PROGRAM, *arguments], env=environment(), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while target.days(Kind.ROBOT).is_empty():
            assert process.poll() is None, "it ended before anything was there"
            assert time.monotonic() < deadline
        process.kill()
        process.wait()
        there = int(target.days(Kind.ROBOT)["readings"].sum())
        assert 0 < there < 24_000, "it was killed too late: nothing is left to go on with"

        done = sweepwatch(*arguments)
        assert done.returncode == 0, done.stderr
        assert "Both stores hold the same" in done.stdout
        equal_before = int(done.stdout.split(" were equal before")[0].rpartition(", ")[2])
        assert equal_before >= there // 100 - 20, "what was there is copied once more"
        polars.testing.assert_frame_equal(sums(target, signals), expected)

    again = sweepwatch(*arguments)
    assert again.returncode == 0, again.stderr
    assert "0 rows copied" in again.stdout


@pytest.mark.parametrize("towards", ["influxdb", "duckdb"])
def test_kept_tiles_go_over_though_their_readings_are_gone(
    influxd: Influxd, tmp_path: Path, towards: str
) -> None:
    with both(tmp_path / "t.duckdb", influxd, tmp_path) as (duck, influx):
        source, target = (duck, influx) if towards == "influxdb" else (influx, duck)
        fill(source, STANDARD_SIGNALS, devices=3, days=3, a_day=48)
        expected = source.tiles(Kind.ROBOT, T0, T0 + 3 * DAY_MS)
        source.expire(Retention(DAY_MS, DAY_MS), T0 + 2 * DAY_MS + 7 * HOUR_MS)
        for copied in (2 * 3 + 2 * 3, 0):  # two days of readings, two of tiles
            done = copy_history(source, target, lambda _share: None)
            assert done.differences == ()
            assert done.copied == copied
        assert target.kept_hours(Kind.ROBOT) == (T0, T0 + DAY_MS + 7 * HOUR_MS)
        tiles = target.tiles(Kind.ROBOT, T0, T0 + 3 * DAY_MS)
        polars.testing.assert_frame_equal(tiles, expected, rel_tol=1e-9)


def test_a_target_that_has_expired_more_still_learns_the_tiles(influxd: Influxd, tmp_path: Path) -> None:
    """Readings older than what the target keeps come from the source alone, and end as tiles all the same."""
    with both(tmp_path / "t.duckdb", influxd, tmp_path) as (source, target):
        fill(source, STANDARD_SIGNALS, devices=3, days=3, a_day=48)
        expected = source.tiles(Kind.ROBOT, T0, T0 + 3 * DAY_MS)
        fill(target, STANDARD_SIGNALS, devices=1, days=1, a_day=48)
        keep = Retention(DAY_MS, DAY_MS)
        target.expire(keep, T0 + 2 * DAY_MS)
        copy_history(source, target, lambda _share: None)
        target.expire(keep, T0 + 3 * DAY_MS)
        tiles = target.tiles(Kind.ROBOT, T0, T0 + 3 * DAY_MS)
        polars.testing.assert_frame_equal(tiles, expected, rel_tol=1e-9)
