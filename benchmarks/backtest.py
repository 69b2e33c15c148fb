"""CPU cost of a backtest of one rule: `python -m benchmarks.backtest [--json FILE]`.

A DuckDB store of so many devices and days is made first, which does not count: each device sends every
`--every` seconds, and on one day in twenty it is hot for twenty minutes. One rule is replayed over all of it,
before and after a change of its threshold: each is a backtest of one rule. A third, of a rule that is raised
on every device every day, only tells. Exits with 1 when either of the first two takes more CPU than MUST_S.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import duckdb

from alerts.backtest.backtest import Asked, run_backtest
from alerts.backtest.replay import Replayed
from alerts.judging.conditions import parse_condition
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from fleet.clock import DAY_MS
from fleet.codes import load_codes
from fleet.device_doors import NewDevice
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.records.database import open_desk
from storage.records.registering import add_devices
from storage.series.duckdb.store import DuckDbStore

MUST_S = 20.0
START = 1_800_000_000_000 // DAY_MS * DAY_MS
_SENT = ("battery_temp_c", "battery_pct", "dustbin_pct", "fan_rpm", "motor_current_a", "run_s")


def fill(path: Path, devices: int, days: int, every_s: int) -> int:
    """Make the readings in the store's own file, in the order in which they would have come; count them."""
    with closing(DuckDbStore.open(path, STANDARD_SIGNALS)) as store:
        columns: dict[str, object] = {
            "device_id": ["R0"],
            "site": ["hall"],
            "ts": [START],
            "received": [START],
        }
        sent = [name for name in _SENT if name in STANDARD_SIGNALS]
        first = columns | {name: [1.0] for name in sent}  # so that the columns are there
        store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, first, 1))
    rows_a_day = devices * (DAY_MS // (every_s * 1000))
    values = {name: f"round(50 + 20 * sin(i * {n + 1}), 1)" for n, name in enumerate(sent)}
    hot = "hash(d * 1000 + day) % 20 = 0 AND second BETWEEN hash(d) % 80000 AND hash(d) % 80000 + 1200"
    values["battery_temp_c"] = (
        f"round(35 + 5 * sin(second / 7000.0 + d) + CASE WHEN {hot} THEN 35 ELSE 0 END, 1)"
    )
    values["dustbin_pct"] = "round(((second + d * 997) % 86400) / 864.0, 1)"
    with closing(duckdb.connect(str(path))) as connection:
        for day in range(days):
            connection.execute(
                f"""INSERT INTO robot (device_id, site, ts, received, {", ".join(values)})
                SELECT 'R' || d, 'hall', {START} + {day * DAY_MS} + second * 1000,
                {START} + {day * DAY_MS} + second * 1000, {", ".join(values.values())} FROM (
                SELECT i, i % {devices} AS d, (i // {devices}) * {every_s} AS second, {day} AS day
                FROM range({day == 0:d}, {rows_a_day}) r(i))"""
            )
    return rows_a_day * days


def a_rule(when: str, clear: str) -> Rule:
    """Return the rule of the battery's heat that ships, with other thresholds."""
    (hot,) = [rule for rule in load_rules() if rule.name == "battery_hot"]
    return hot.model_copy(update={"when": parse_condition(when), "clear": parse_condition(clear)})


def measure(past: Replayed, rules: Sequence[Rule], days: int) -> dict[str, Any]:
    """Return what a backtest of one rule costs, and how many alerts it found."""
    cpu, begun = process_time(), monotonic()
    (told,) = run_backtest(past, (), rules, Asked(days, rules[0].name)).rules
    assert told.after is not None
    return {
        "cpu_s": round(process_time() - cpu, 2),
        "seconds": round(monotonic() - begun, 2),
        "alerts": told.after.alerts,
        "devices_with_alerts": len(told.after.devices),
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--every", type=int, default=60, help="seconds between a device's readings (60)")
    options = parser.parse_args()
    cases = {
        "before": a_rule("battery_temp_c >= 60", "battery_temp_c < 52"),
        "after": a_rule("battery_temp_c >= 72", "battery_temp_c < 60"),
        "every_day": a_rule("dustbin_pct >= 90", "dustbin_pct < 80"),
    }
    with tempfile.TemporaryDirectory(prefix="sweepwatch-backtest-") as folder:
        path = Path(folder) / "t.duckdb"
        readings = fill(path, options.devices, options.days, options.every)
        with (
            closing(DuckDbStore.open(path, STANDARD_SIGNALS)) as store,
            closing(open_desk(f"sqlite:///{Path(folder) / 'desk.db'}")) as desk,
        ):
            with desk.transaction() as session:
                robots = [NewDevice(f"R{n}", "hall", Kind.ROBOT) for n in range(options.devices)]
                add_devices(session, robots, START)
            past = Replayed(store, desk, STANDARD_SIGNALS, load_codes())
            found = {name: measure(past, [rule], options.days) for name, rule in cases.items()}
    for name, each in found.items():
        print(f"{name:10} {each['cpu_s']:6.2f} s CPU, {each['alerts']} alerts")
    result = {
        "devices": options.devices,
        "days": options.days,
        "every_s": options.every,
        "readings": readings,
        "must_cpu_s": MUST_S,
        "rules": found,
        "cpu_s": max(found[name]["cpu_s"] for name in ("before", "after")),
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if result["cpu_s"] <= MUST_S else 1


if __name__ == "__main__":
    sys.exit(main())
