"""CPU cost of judging a batch by 50 rules: `python -m benchmarks.alerts [--json FILE]`.

Of the 50 rules 12 are of the language's further forms: means and rates over windows, a counter's rise, what
lasts, a stuck sensor, a place, levels, a scope by model and region, hours of the day and months.

Three fleets: nobody in trouble, one device in a hundred over some threshold, and three in ten with an open
alert that goes on. Exits with 1 when the median of a calm or an ordinary fleet is over MUST_US a reading.
With --growth it also opens 1,000, 10,000 and 100,000 alerts, one a device, lets all these devices report once
more and the clock tick, and says how the CPU of that grows (exponent at most MUST_GROWTH) and how much memory
the process came to (at most MUST_MB).
"""

import argparse
import json
import math
import resource
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
MUST_GROWTH = 1.05
MUST_MB = 500
RULES = 50
OPEN = (1_000, 10_000, 100_000)
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
    {
        "when": "mean of drive_current_a while cleaning over 10m >= 55",
        "clear": "mean of drive_current_a while cleaning over 10m < 40",
    },
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


def cost_of_open_alerts(count: int) -> float:
    """Return CPU seconds in which so many devices with an open alert report once, and a tick passes."""
    with tempfile.TemporaryDirectory() as folder:
        desk = open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")
        engine = wire_desk(desk, fifty_rules(), load_policy(), ManualClock(START)).alerts
        # Batches of one size: the fixed cost of each, shared out over ever larger ones, would hide growth.
        first, again = make_batches(Size(min(OPEN), 2, 1), 1.0)
        parts = count // len(first)
        for part in range(parts):
            engine.observe(_of_others(first, part))
        batches = [_of_others(again, part) for part in range(parts)]
        begun = process_time_ns()
        for batch in batches:
            engine.observe(batch)
        engine.tick(START + 10_000)
        cost = (process_time_ns() - begun) / 1e9
        desk.close()
    return cost


def _of_others(batch: ReadingBatch, part: int) -> ReadingBatch:
    return ReadingBatch(batch.kind, batch.frame.with_columns(pl.col("device_id") + f"-{part}"))


def growth() -> dict[str, float]:
    """Return how the cost of open alerts grows from the fewest to the most of them, and the memory in MB."""
    # The fewer cost little: what else the machine does would decide about one run of them.
    costs = [
        statistics.median(cost_of_open_alerts(count) for _ in range(1 if count == max(OPEN) else 3))
        for count in OPEN
    ]
    found = {f"cpu_s_{count}": round(cost, 3) for count, cost in zip(OPEN, costs, strict=True)}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    exponents = {
        "growth_exponent": _exponent(costs, 0, 2),
        "growth_exponent_larger_two": _exponent(costs, 1, 2),
    }
    return found | exponents | {"peak_rss_mb": round(memory)}


def _exponent(costs: list[float], fewer: int, more: int) -> float:
    return round(math.log(costs[more] / costs[fewer]) / math.log(OPEN[more] / OPEN[fewer]), 3)


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--readings", type=int, default=5000, help="readings a batch (5000)")
    parser.add_argument("--batches", type=int, default=10, help="batches a run (10)")
    parser.add_argument("--runs", type=int, default=7, help="runs, of which the median counts (7)")
    parser.add_argument("--growth", action="store_true", help="open up to 100,000 alerts, too (minutes)")
    options = parser.parse_args()
    size = Size(options.readings, options.batches, options.runs)
    result: dict[str, object] = {"rules": RULES, "readings_per_batch": size.readings, "must_us": MUST_US}
    medians = {}
    for name, share in SHARES.items():
        costs = measure(size, share)
        medians[name] = statistics.median(costs)
        result[name] = {"cpu_us_per_reading": round(medians[name], 3), "runs": [round(c, 3) for c in costs]}
        print(f"{name:9} {share:4.0%} in alert: {medians[name]:.2f} µs a reading (median of {size.runs})")
    fits = max(medians["calm"], medians["ordinary"]) <= MUST_US
    if options.growth:
        grown = growth()
        result["open_alerts"] = grown
        print(", ".join(f"{name} {value}" for name, value in grown.items()))
        fits &= grown["growth_exponent"] <= MUST_GROWTH and grown["peak_rss_mb"] <= MUST_MB
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
