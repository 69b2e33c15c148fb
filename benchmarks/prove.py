"""What a proof on somebody's past costs: `python -m benchmarks.prove [--sizes 1000x365]`.

Simulated robots live through a past that is written to an installation of its own (not measured: nobody waits
for a simulator); then `sweepwatch prove` replays it in a process of its own. Measured are that process' time
of CPU, what each robot and day cost, and its largest memory. Of several sizes the exponent says how the cost
grows with robots. Exits with 1 when MUST is missed at 1,000 robots and 365 days, or would be: smaller sizes
are put in proportion to robots times days, which is on the safe side, for much of a night costs the same
whatever the fleet.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import write_history
from simulators.roster import mix
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import DESK, TELEMETRY

MUST_CPU_S, MUST_MB = 20 * 60 * 2, 6 * 1024
ROBOTS, DAYS = 1_000, 365
_END = 1_760_000_400_000 // DAY_MS * DAY_MS


def make_history(folder: Path, robots: int, days: int, world: str, step_min: int, seed: int) -> int:
    """Write the past of so many robots; return how many readings it has."""
    devices = next(count for count in range(robots, 2 * robots + 3) if mix(count)[Kind.ROBOT] >= robots)
    with (
        closing(open_desk(f"sqlite:///{folder / DESK}")) as desk,
        closing(DuckDbStore.open(folder / TELEMETRY, STANDARD_SIGNALS, 1, 1024)) as store,
    ):
        start = _END - days * DAY_MS
        simulator = FleetSimulator(FleetConfig(devices, seed, start, world=world), STANDARD_SIGNALS)
        written = write_history(simulator, store, desk, days, end_ms=_END, step_ms=step_min * MINUTE_MS)
    return written.readings


def measure(robots: int, days: int, world: str, step_min: int, jobs: int, seed: int) -> dict[str, Any]:
    """Return what a proof on such a past took."""
    with tempfile.TemporaryDirectory(prefix="prove-benchmark-") as name:
        folder = Path(name)
        readings = make_history(folder, robots, days, world, step_min, seed)
        command = [str(Path(sys.executable).with_name("sweepwatch")), "prove", "--data", name, "--json"]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
        done = subprocess.run([*command, "--jobs", str(jobs)], capture_output=True, check=True)
        wall, after = monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "robots": report["about"]["robots"],
        "days": days,
        "readings": readings,
        "breakdowns": report["whole"]["breakdowns"],
        "foreseen": report["whole"]["foreseen"]["count"],
        "visits": report["whole"]["visits"]["made"],
        "cpu_s": round(cpu, 1),
        "wall_s": round(wall, 1),
        "cpu_ms_per_robot_day": round(1000 * cpu / (robots * days), 3),
        "peak_rss_mb": round(after.ru_maxrss / 1024),
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--sizes", default=f"{ROBOTS}x{DAYS}", help=f"robots x days ({ROBOTS}x{DAYS})")
    parser.add_argument("--world", default="a", help="which simulated world (a)")
    parser.add_argument("--step", type=int, default=10, help="minutes between two readings (10)")
    parser.add_argument("--jobs", type=int, default=2, help="processes that train (2)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sizes = sorted(tuple(int(part) for part in each.split("x")) for each in options.sizes.split(","))
    runs = []
    for robots, days in sizes:
        runs.append(measure(robots, days, options.world, options.step, options.jobs, options.seed))
        print(json.dumps(runs[-1]))
    largest = runs[-1]
    cpu = largest["cpu_ms_per_robot_day"] * ROBOTS * DAYS / 1000
    found = {
        "runs": runs,
        "exponent": _exponent(runs),
        "cpu_s_1000x365": round(cpu),
        "measured_at_full_size": largest["robots"] >= ROBOTS and largest["days"] >= DAYS,
        "must": {"cpu_s": MUST_CPU_S, "peak_rss_mb": MUST_MB},
    }
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if cpu <= MUST_CPU_S and largest["peak_rss_mb"] <= MUST_MB else 1


def _exponent(runs: list[dict[str, Any]]) -> float | None:
    """Return how the cost of a day grows with robots; None of one size."""
    if len({run["robots"] for run in runs}) < 2:
        return None
    robots = np.log([run["robots"] for run in runs])
    cost = np.log([run["cpu_s"] / run["days"] for run in runs])
    return round(float(np.polyfit(robots, cost, 1)[0]), 2)


if __name__ == "__main__":
    sys.exit(main())
