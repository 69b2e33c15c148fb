"""Runs the benchmarks: `python -m benchmarks [NAME ...]`, or `make bench`; no name: all, in half an hour.

Each writes benchmarks/results/NAME.json and says by its exit code whether its must figures were reached; the
table in docs/benchmarks.md is then made from those files. `--table` makes it alone, `--list` names all.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness.results_table import update_page

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"
_MINUTE_S = 60

RUNS: dict[str, tuple[list[str], int]] = {
    "ingest-qos1": (["ingest", "--qos", "1", "--runs", "5"], 5),
    "ingest-qos0": (["ingest", "--qos", "0", "--runs", "5"], 5),
    "ingest-influxdb-qos1": (["ingest", "--qos", "1", "--store", "influxdb", "--runs", "5", "--no-paho"], 8),
    "ingest-influxdb-qos0": (["ingest", "--qos", "0", "--store", "influxdb", "--runs", "5", "--no-paho"], 8),
    "latency": (["latency"], 4),
    "in_flight": (["in_flight"], 6),
    "growth": (["growth"], 8),
    "store": (["store", "--rows", "50000"], 8),
    "rubbish": (["rubbish"], 6),
    "fuzz": (["fuzz"], 15),
    "alerts": (["alerts", "--growth"], 10),
    "backtest": (["backtest"], 10),
    "dispatch": (["dispatch"], 10),
    "service": (["service", "--robots", "100", "--days", "120", "--seeds", "2"], 60),
    "foreign_fleet": (["foreign_fleet"], 10),
    "foreign_tickets": (["foreign_tickets", "--passes", "2"], 40),
    "training": (["training"], 10),
    "rollout": (["rollout"], 15),
    "scoring": (["scoring"], 15),
    "endurance": (["endurance", "--qos", "1"], 10),
    "access": (["access"], 5),
    "followers": (["followers"], 20),
    "notices": (["notices"], 20),
    "alert_latency": (["alert_latency"], 8),
    "storm": (["storm"], 30),
    "clocks": (["clocks"], 20),
    "lists": (["lists"], 5),
    "history": (["history", "--readings", "20000000"], 10),
    "indicators": (["indicators"], 30),
    "reports": (["reports"], 5),
    "desk_crash": (["desk_crash"], 10),
    "stock_crash": (["stock_crash"], 10),
    "stock_crash-postgres": (["stock_crash", "--postgres"], 10),
    "crash": (["crash", "--kills", "30"], 15),
    "crash-influxdb": (["crash", "--kills", "3", "--store", "influxdb", "--outage", "30"], 8),
    "crash-disk-full": (["crash", "--kills", "2", "--disk-full", "10"], 6),
}
"""What is run: its module and arguments, and the minutes after which it is ended."""


def run(name: str) -> bool:
    """Run one; tell whether it reached what it must."""
    (module, *arguments), minutes = RUNS[name]
    RESULTS.mkdir(exist_ok=True)
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    print(f"== {name}: python -m benchmarks.{module} {' '.join(arguments)}", flush=True)
    begun = time.monotonic()
    process = subprocess.Popen([*command, "--json", str(RESULTS / f"{name}.json")], cwd=ROOT)
    try:
        code = process.wait(minutes * _MINUTE_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # upon which it ends what it started
        code = process.wait()
        print(f"ended after {minutes} minutes", file=sys.stderr)
    print(f"== {name}: {'reached' if code == 0 else 'MISSED'}, {time.monotonic() - begun:.0f} s", flush=True)
    return code == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; none: all")
    parser.add_argument("--table", action="store_true", help="run nothing, make the table anew")
    parser.add_argument("--list", action="store_true", help="run nothing, name all")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in RUNS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such benchmark; allowed: {', '.join(RUNS)}")
    if asked.list:
        print("\n".join(RUNS))
        return 0
    reached = [] if asked.table else [run(name) for name in asked.names or RUNS]
    update_page(PAGE, RESULTS)
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
