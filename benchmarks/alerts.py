"""CPU cost of judging a batch by 50 rules: `python -m benchmarks.alerts [--json FILE]`.

Of the 50 rules 12 are of the language's further forms: means and rates over windows, a counter's rise, what
lasts, a stuck sensor, a place, levels, a scope by model and region, hours of the day and months.

Three fleets: nobody in trouble, one device in a hundred over some threshold, and three in ten with an open
alert that goes on. Exits with 1 when the median of a calm or an ordinary fleet is over MUST_US a reading.
"""

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time_ns

import numpy as np
import polars as pl

from alerts.judging.conditions import parse_condition
from alerts.judging.rules import Rule, RuleText
from fleet.clock import ManualClock
from fleet.faults import FAULTS, Level
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.sla import load_policy
from storage.records.database import open_desk
from sweepwatch.wiring import wire_desk

MUST_US = 2.0
RULES = 50
START = 1_800_000_000_000
GROUNDS = ((52.0, 13.0), (52.0, 13.5), (52.0, 14.0), (52.5, 14.2), (53.0, 14.0), (53.2, 13.5), (53.0, 13.0))
SHARES = {"calm": 0.0, "ordinary": 0.01, "troubled": 0.3}


@dataclass(frozen=True)
class Size:
    """How much is measured: readings a batch (one from each device), batches a run, runs."""

    readings: int
    batches: int
    runs: int


FORMS: tuple[dict[str, object], ...] = (
    {"when": "mean of battery_temp_c over 5m >= 85", "clear": "mean of battery_temp_c over 5m < 70"},
    {"when": "mean of drive_current_a over 10m >= 55", "clear": "mean of drive_current_a over 10m < 40"},
    {"when": "rate of fan_rpm over 10m < -2000000", "clear": "rate of fan_rpm over 10m > -1000000"},
    {"when": "rate of brush_rpm over 20m < -900000", "clear": "rate of brush_rpm over 20m > 0"},
    {"when": "rise of run_s over 12h >= 11h"},
    {"when": "state is error for >= 10m"},
    {"when": "fan_rpm unchanged for >= 30m"},
    {"when": "drive_temp_c >= 145", "stuck": "10m"},
    {"when": "outside grounds", "places": [{"name": "grounds", "site": "hall", "corners": GROUNDS}]},
    {"when": "wheel_slip_pct >= 95", "levels": {"L2": "wheel_slip_pct >= 97", "L1": "wheel_slip_pct >= 99"}},
    {"when": "suction_pa < 500", "only": {"model": "CR-*", "region": ["north", "south"]}},
    {"when": "localization_pct < 5", "hours": "06:00-22:00", "months": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]},
)
"""A rule of each further form, and of windows two; nothing of what is measured holds."""


def fifty_rules() -> list[Rule]:
    """Return 50 rules over the robot's signals and faults: plain ones with hysteresis, and FORMS."""
    signals = [s for s in STANDARD_SIGNALS.numeric(Kind.ROBOT) if s.high < 2**50]
    faults = [fault.code for fault in FAULTS.values() if fault.kind is Kind.ROBOT]
    rules = []
    for number, form in enumerate(FORMS):
        common = {
            "name": f"form_{number}",
            "kind": Kind.ROBOT,
            "fault": faults[number % len(faults)],
            "level": Level.L3,
            "opens_ticket": False,
            "text": RuleText(en="high", zh="高"),
        }
        rules.append(Rule.model_validate(common | form))
    for number in range(RULES - len(FORMS)):
        signal = signals[number % len(signals)]
        span = signal.high - signal.low
        rules.append(
            Rule.model_validate(
                {
                    "name": f"rule_{number}",
                    "kind": Kind.ROBOT,
                    "fault": faults[number % len(faults)],
                    "level": Level.L3,
                    "when": parse_condition(f"{signal.name} >= {signal.low + 0.95 * span:.3f}"),
                    "clear": parse_condition(f"{signal.name} < {signal.low + 0.8 * span:.3f}"),
                    "opens_ticket": False,
                    "text": RuleText(en="high", zh="高"),
                }
            )
        )
    return rules


def make_batches(size: Size, share: float) -> list[ReadingBatch]:
    """Return batches in which `share` of the devices hold one signal over its threshold all the time."""
    random = np.random.default_rng(7)
    troubled = int(share * size.readings)
    batches = []
    for step in range(size.batches):
        columns: dict[str, object] = {
            "device_id": [f"R{n}" for n in range(size.readings)],
            "site": ["hall"] * size.readings,
            "ts": np.full(size.readings, START + 10_000 * step),
            "received": np.full(size.readings, START + 10_000 * step),
        }
        for signal in STANDARD_SIGNALS.numeric(Kind.ROBOT):
            span = signal.high - signal.low
            columns[signal.name] = signal.low + span * random.uniform(0.2, 0.7, size.readings)
        columns["run_s"] = np.full(size.readings, 10.0 * step)
        columns["state"] = ["cleaning"] * size.readings
        columns["lat"] = 52 + random.uniform(0.1, 0.9, size.readings)
        columns["lon"] = 13 + random.uniform(0.1, 0.9, size.readings)
        columns["dustbin_pct"] = np.where(np.arange(size.readings) < troubled, 98.0, 50.0)
        batches.append(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, size.readings))
    return batches


def _later(batch: ReadingBatch, by_ms: int) -> ReadingBatch:
    """Return a batch as it comes later: windows take nothing twice."""
    moved = batch.frame.with_columns(pl.col("ts") + by_ms, pl.col("received") + by_ms)
    return ReadingBatch(batch.kind, moved.with_columns(pl.col("run_s") + by_ms / 1000))


def measure(size: Size, share: float) -> list[float]:
    """Return CPU µs a reading of each run, all threads, after one batch that raises what is due."""
    first, *rest = make_batches(Size(size.readings, size.batches + 1, 1), share)
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        engine = wire_desk(desk, fifty_rules(), load_policy(), ManualClock(START)).alerts
        engine.observe(first)
        costs = []
        for run in range(size.runs):
            later = [_later(batch, run * size.batches * 10_000) for batch in rest]
            begun = process_time_ns()
            for batch in later:
                engine.observe(batch)
            costs.append((process_time_ns() - begun) / 1000 / (size.batches * size.readings))
        desk.close()
    return costs


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--readings", type=int, default=5000, help="readings a batch (5000)")
    parser.add_argument("--batches", type=int, default=10, help="batches a run (10)")
    parser.add_argument("--runs", type=int, default=7, help="runs, of which the median counts (7)")
    options = parser.parse_args()
    size = Size(options.readings, options.batches, options.runs)
    result: dict[str, object] = {"rules": RULES, "readings_per_batch": size.readings, "must_us": MUST_US}
    medians = {}
    for name, share in SHARES.items():
        costs = measure(size, share)
        medians[name] = statistics.median(costs)
        result[name] = {"cpu_us_per_reading": round(medians[name], 3), "runs": [round(c, 3) for c in costs]}
        print(f"{name:9} {share:4.0%} in alert: {medians[name]:.2f} µs a reading (median of {size.runs})")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if max(medians["calm"], medians["ordinary"]) <= MUST_US else 1


if __name__ == "__main__":
    sys.exit(main())
