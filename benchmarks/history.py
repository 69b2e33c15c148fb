"""What own history costs to take in: `python -m benchmarks.history [--readings N]`.

Imports N readings (one row of a device and a time, the 13 signals of a robot) into DuckDB as `sweepwatch
import` does: files are read by a map, checked, written, and noted as done block by block. Folders of five
files of a million readings are made one after another, outside of what is measured, and deleted when they are
in: the whole history need not fit on the disk twice. At the end the last file comes again, and must change
nothing.

CSV is the dearer way in, and is what is measured unless --format says otherwise. Exits with 1 when a reading
took more than MUST_US of CPU, the process more than MUST_MB, or a reading is missing.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic, process_time

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, SystemClock
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.history.ledger import Ledger
from ingest.history.plan import Plan, plan_of
from ingest.history.progress import ProgressNote
from ingest.history.readings_in import PART, Target, TelemetryImport
from ingest.watch.privacy import Privacy
from storage.records.database import open_desk
from storage.records.devices import Devices
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.commands.history import IMPORTING

MUST_US, MUST_MB = 2.0, 2048
_A_FILE, _FILES, _OF_A_DEVICE = 1_000_000, 5, 20_000
"""Readings of a file, files of a folder, readings of a device."""
_START, _EVERY_MS = 1_700_000_000_000, 60_000
_MAP = "telemetry: {device: device, site: {is: plant}, model: {is: CR-200}, time: {from: ts, unit: ms}}"
_RANGES = {
    "battery_pct": (20, 100),
    "battery_voltage_v": (22, 29),
    "battery_current_a": (-8, 8),
    "battery_temp_c": (15, 45),
    "drive_rpm": (0, 3000),
    "drive_current_a": (1, 4),
    "brush_rpm": (800, 1500),
    "brush_current_a": (1, 5),
    "fan_rpm": (8000, 14000),
    "suction_pa": (9000, 16000),
    "filter_dp_pa": (200, 900),
}
_COUNTERS = ("run_s", "area_m2")


def write_file(path: Path, number: int, rows: int) -> Path:
    """Write one file of readings, and return it: its devices one after another, each a reading a minute."""
    rng = np.random.default_rng(number)
    of, step = np.arange(rows) // _OF_A_DEVICE, np.arange(rows) % _OF_A_DEVICE
    names = [f"R{number:05d}-{one:03d}" for one in range(int(of[-1]) + 1)]
    columns: dict[str, pl.Series] = {
        "device": pl.Series(names).gather(of),
        "ts": pl.Series(_START + step * _EVERY_MS),
    }
    for name, (low, high) in _RANGES.items():
        columns[name] = pl.Series((low + (high - low) * rng.random(rows)).round(2))
    columns |= {name: pl.Series(step * 40) for name in _COUNTERS}
    frame = pl.DataFrame(columns)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)
    return path


def measure(readings: int, form: str) -> dict[str, object]:
    """Return what was found."""
    plan, ledger = plan_of(_MAP, STANDARD_SIGNALS, "map"), Ledger()
    costs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with (
            closing(open_desk(f"sqlite:///{root / 'desk.db'}")) as desk,
            closing(
                DuckDbStore.open(root / "t.duckdb", STANDARD_SIGNALS, IMPORTING.threads, IMPORTING.memory_mb)
            ) as store,
        ):
            target, begun = (
                Target(store, Devices(desk), Privacy(desk, SystemClock(), 30 * DAY_MS)),
                monotonic(),
            )
            for first in range(0, readings, _FILES * _A_FILE):
                ends = min(readings, first + _FILES * _A_FILE)
                files = [
                    write_file(
                        root / f"part-{begin:012d}.{form}", begin // _A_FILE, min(_A_FILE, ends - begin)
                    )
                    for begin in range(first, ends, _A_FILE)
                ]
                note = ProgressNote(root / "notes", "x")
                costs.append(_taken(plan, target, files, ledger, note) / (ends - first))
                for file in files[: None if ends < readings else -1]:
                    file.unlink()
            counts = ledger.of(PART)
            took, new = monotonic() - begun, counts.new
            last = readings - (readings - 1) // _A_FILE * _A_FILE
            again = _taken(plan, target, files[-1:], ledger, ProgressNote(None, "")) / last
            stored = int(store.days(Kind.ROBOT)["readings"].sum())
        size = (root / "t.duckdb").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    quarter = max(1, len(costs) // 4)
    return {
        "readings": readings,
        "format": form,
        "cpu_us_per_reading": round(float(np.mean(costs)) * 1e6, 3),
        "first_quarter_us": round(float(np.mean(costs[:quarter])) * 1e6, 3),
        "last_quarter_us": round(float(np.mean(costs[-quarter:])) * 1e6, 3),
        "again_us": round(again * 1e6, 3),
        "peak_rss_mb": round(peak),
        "store_bytes_per_reading": round(size / readings, 1),
        "wall_s": round(took, 1),
        "missing": readings - new,
        "doubled": stored - readings,
        "must": {"cpu_us_per_reading": MUST_US, "peak_rss_mb": MUST_MB},
    }


def _taken(plan: Plan, target: Target, files: Sequence[Path], ledger: Ledger, note: ProgressNote) -> float:
    """Import files; return the seconds of CPU that it took."""
    known = target.devices.placements()
    note.end()  # these files are an import of their own here, but for its counts
    work = TelemetryImport(plan, STANDARD_SIGNALS, known, SystemClock(), {}, target)
    cpu = process_time()
    work.run(files, ledger, note, lambda _share: None)
    return process_time() - cpu


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--readings", type=int, default=5_000_000, help="how many (5,000,000)")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv", help="of the files (csv)")
    options = parser.parse_args()
    found = measure(options.readings, options.format)
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    cheap = float(str(found["cpu_us_per_reading"])) <= MUST_US
    small = int(str(found["peak_rss_mb"])) <= MUST_MB
    return 0 if cheap and small and not found["missing"] and not found["doubled"] else 1


if __name__ == "__main__":
    sys.exit(main())
