"""What training costs: `python -m benchmarks.training [--devices 2000] [--days 180] [--json FILE]`.

From tiles to trained, calibrated and judged models of all robot faults, as `sweepwatch train` does it. Tiles
come from memory, and the seconds that it takes to hand them over are told apart: reading them is a store's
cost. They are those of a simulated fleet of world A whose lives are lent to as many devices as asked for.
Wall clock of the training, and peak memory of the process with everything that it kept.
Exits with 1 when a must figure is missed.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.harness.many_tiles import END, lent
from fleet.clock import HOUR_MS
from fleet.faults import predicted_faults
from fleet.signals import Kind
from models.features.history import assembled, rows_every, rows_of
from models.features.windows import FleetFacts
from models.learning.pipeline import examples_of, fit_fault
from models.learning.settings import TrainingSettings

MUST_S, MUST_RSS_MB = 300.0, 6144.0


def run(devices: int, days: int, seed: int, lives: int) -> dict[str, Any]:
    """Train once and return the figures."""
    fleet = lent(devices, days, seed, lives)
    settings = TrainingSettings(history_days=days)
    handed_over = 0.0

    def read(start: int, until: int) -> pl.DataFrame:
        nonlocal handed_over
        begun = time.perf_counter()
        tiles = fleet.read(start, until)
        handed_over += time.perf_counter() - begun
        return tiles

    begun, cpu = time.perf_counter(), time.process_time()
    first, end = END // HOUR_MS - days * 24, END // HOUR_MS
    source = fleet.source
    facts = FleetFacts(fleet.of(source.models), fleet.spread(source.renewals), fleet.of(source.sites))
    rows = rows_of(read, first, end, devices, facts, rows_every(settings, devices, end - first))
    gathered = time.perf_counter() - begun - handed_over
    repairs, waiting = fleet.spread(source.confirmed()), fleet.spread(source.waiting)
    history = assembled(rows, facts, repairs, waiting, END)
    fits = [
        fit_fault(fault.code, examples_of(fault, history), history.device_models, settings, seed)
        for fault in predicted_faults(Kind.ROBOT)
    ]
    seconds = time.perf_counter() - begun - handed_over
    return {
        "devices": devices,
        "days": days,
        "tiles": fleet.count,
        "rows": len(rows.until),
        "models": sum(fit.classifier is not None for fit in fits),
        "seconds": round(seconds, 1),
        "seconds_features": round(gathered, 1),
        "seconds_models": round(seconds - gathered, 1),
        "seconds_tiles_handed_over": round(handed_over, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "seed": seed,
        "load_average": round(os.getloadavg()[0], 2),
        "must": {"seconds": MUST_S, "rss_mb": MUST_RSS_MB},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--devices", type=int, default=2_000, help="robots (2000)")
    parser.add_argument("--days", type=int, default=180, help="days of tiles (180)")
    parser.add_argument("--lives", type=int, default=50, help="different lives among them (50)")
    parser.add_argument("--seed", type=int, default=0, help="of the lives and of the training (0)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    figures = run(asked.devices, asked.days, asked.seed, asked.lives)
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if figures["seconds"] <= MUST_S and figures["rss_mb"] <= MUST_RSS_MB else 1


if __name__ == "__main__":
    sys.exit(main())
