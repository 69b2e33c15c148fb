"""What it costs to write to each store and to read from it: `python -m benchmarks.store [--json FILE]`.

Readings of 13 signals from 200 devices over one day, written in commits of 5,000 rows: in order; with a
tenth that comes late; with a tenth that is there already. Then the reads of the product: a day's tiles of all
devices, a device's history and its latest values. CPU is user + system of this process, µs a row written, ms
a read; wall time beside it, and for InfluxDB (Debian's 1.6.7) the CPU of influxd itself, which is no part of
ours. Medians. Exits with 1 when what was stored is not what was written, or a row costs over its limit.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.influx import InfluxServer
from benchmarks.harness.packet_table import STANDARD
from benchmarks.harness.process_usage import cpu_s
from fleet.clock import DAY_MS
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.ports import Receipt, TelemetryStore
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.store import InfluxStore

COMMIT = 5_000
DEVICES = 200
READS = 3
MUST_US = {"duckdb": 4.0, "influxdb": 8.0}
"""CPU a row in order; half as much again as what the design measured (2.0 and 5), for slower machines."""
_SHARE = 0.1


class Writer:
    """Makes the batches of one store: times count up over a day, a turn of all devices at a time."""

    def __init__(self, rows: int) -> None:
        self._chance = np.random.default_rng(7)
        self._start = int(time.time() * 1000) // DAY_MS * DAY_MS - 2 * DAY_MS
        # Three series over the one day.
        self._step = DAY_MS // (3 * rows // DEVICES + 1)
        self._row = self._shift = 0

    def range(self) -> tuple[int, int]:
        """Return the day in which all readings fall."""
        return self._start, self._start + DAY_MS

    def fresh(self, rows: int) -> ReadingBatch:
        """Return readings newer than all before."""
        numbers = np.arange(self._row, self._row + rows)
        self._row += rows
        return self._batch(numbers, 0)

    def late(self, rows: int) -> ReadingBatch:
        """Return fresh readings, a tenth of which fall between earlier ones of their devices."""
        self._shift += 1  # no two late readings are the same
        tenth = int(rows * _SHARE)
        fresh, old = self.fresh(rows - tenth), self._chance.choice(self._row - rows, tenth, replace=False)
        return _joined(fresh, self._batch(old, self._shift))

    def repeated(self, rows: int) -> ReadingBatch:
        """Return fresh readings, a tenth of which are stored already."""
        tenth = int(rows * _SHARE)
        fresh, old = self.fresh(rows - tenth), self._chance.choice(self._row - rows, tenth, replace=False)
        return _joined(fresh, self._batch(old, 0))

    def _batch(self, numbers: np.ndarray[Any, Any], shift_ms: int) -> ReadingBatch:
        turns, devices = np.divmod(numbers, DEVICES)
        ts = self._start + turns * self._step + shift_ms
        columns: dict[str, object] = {
            "device_id": [f"B{device:05d}" for device in devices.tolist()],
            "site": ["hall"] * numbers.size,
            "ts": ts,
            "received": ts,
            "seq": turns,
            "state": ["cleaning"] * numbers.size,
        }
        for name, (low, high) in STANDARD.items():
            columns[name] = np.round(self._chance.uniform(low, high, numbers.size), 2)
        return ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, numbers.size)


def _joined(one: ReadingBatch, other: ReadingBatch) -> ReadingBatch:
    return ReadingBatch(one.kind, one.frame.vstack(other.frame))


class Stopwatch:
    """CPU of this process and of a server, and wall time, of one step after the other."""

    def __init__(self, server: int | None) -> None:
        self._server = server

    @contextmanager
    def over(self, taken: list[tuple[float, float, float]]) -> Iterator[None]:
        """Add the seconds of the block: ours, the server's, the wall's."""
        ours, server, wall = time.process_time(), self._server_s(), time.perf_counter()
        yield
        taken.append((time.process_time() - ours, self._server_s() - server, time.perf_counter() - wall))

    def _server_s(self) -> float:
        return cpu_s(self._server) if self._server else 0.0


def _medians(taken: Sequence[tuple[float, float, float]], unit: float) -> dict[str, float]:
    ours, server, wall = (statistics.median(column) * unit for column in zip(*taken, strict=True))
    # The server's clock ticks a hundred times a second: only the mean of many says anything.
    server = statistics.mean(each[1] for each in taken) * unit
    return {"cpu": round(ours, 3), "server_cpu": round(server, 3), "wall": round(wall, 3)}


def measure(store: TelemetryStore, rows: int, server: int | None) -> dict[str, Any]:
    """Return what one store costs; `rows` for each of the three series of writes."""
    writer, watch = Writer(rows), Stopwatch(server)
    found: dict[str, Any] = {"write_us_a_row": {}, "read_ms": {}}
    expected = written = 0
    series: dict[str, tuple[Callable[[int], ReadingBatch], float]] = {
        "in_order": (writer.fresh, 0.0),
        "late": (writer.late, 0.0),
        "repeated": (writer.repeated, _SHARE),
    }
    store.write(writer.fresh(COMMIT))
    expected = written = COMMIT
    for name, (make, repeats) in series.items():
        taken: list[tuple[float, float, float]] = []
        for _ in range(rows // COMMIT):
            batch = make(COMMIT)
            with watch.over(taken):
                receipt: Receipt = store.write(batch)
            written += receipt.written
            expected += COMMIT - int(COMMIT * repeats)
        found["write_us_a_row"][name] = _medians(taken, 1e6 / COMMIT)
    start, end = writer.range()
    reads: dict[str, Callable[[str], object]] = {
        "tiles_of_a_day": lambda _: store.tiles(Kind.ROBOT, start, end),
        "history_of_a_device": lambda name: store.history(
            Kind.ROBOT, name, list(STANDARD), start, end, 10**6
        ),
        "latest_of_a_device": lambda name: store.latest(Kind.ROBOT, name),
    }
    for name, read in reads.items():
        taken = []
        for number in range(READS):
            with watch.over(taken):
                read(f"B{number * 19:05d}")
        found["read_ms"][name] = _medians(taken, 1e3)
    stored = int(store.days(Kind.ROBOT)["readings"].sum())
    return found | {"rows": stored, "lost": max(0, written - stored), "miscounted": abs(expected - written)}


def run_all(rows: int, folder: Path) -> dict[str, Any]:
    """Return the figures of both stores."""
    found: dict[str, Any] = {}
    duckdb = DuckDbStore.open(folder / "bench.duckdb", STANDARD_SIGNALS)
    try:
        found["duckdb"] = measure(duckdb, rows, None)
    finally:
        duckdb.close()
    with InfluxServer(folder) as server:
        influxdb = InfluxStore(server.bucket("bench"), STANDARD_SIGNALS)
        try:
            found["influxdb"] = measure(influxdb, rows, server.pid)
        finally:
            influxdb.close()
    return found | {"commit": COMMIT, "load_average": round(os.getloadavg()[0], 2), "must_us": MUST_US}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=200_000, help="in each series of writes (200000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-store-") as folder:
        figures = run_all(asked.rows, Path(folder))
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    wrong = any(figures[name]["lost"] or figures[name]["miscounted"] for name in MUST_US)
    slow = any(figures[name]["write_us_a_row"]["in_order"]["cpu"] > limit for name, limit in MUST_US.items())
    return 1 if wrong or slow else 0


if __name__ == "__main__":
    sys.exit(main())
