"""The desk through deaths: `python -m benchmarks.desk_crash [--kills 200] [--json FILE]`.

A process reports, complains, moves cases on, merges them and sweeps their clocks, on a clock that runs 2,400
times as fast and jumps an hour to either side at some of its starts. It is ended by SIGKILL at random moments
and started anew on the same data. At the end there is no half case, what was answered is there, each case is
as the log tells, and each warning, breach and escalation was told once. Exits with 1 when it was not so.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.followers import Killed
from benchmarks.harness.desk_scene import BEGINS, FASTER, account, live, prepare
from benchmarks.harness.report import hand_over
from fleet.clock import DAY_MS, HOUR_MS

_LIVES_S = 0.5
_JUMPS = 0.2


def measure(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kill so often, then look at all that is there."""
    moments, begun, jumps = random.Random(seed), time.monotonic(), 0
    prepare(folder)
    for life in range(kills):
        now = BEGINS + int((time.monotonic() - begun) * 1000 * FASTER)
        if moments.random() < _JUMPS:
            jumps += 1
            now += moments.choice((-HOUR_MS, HOUR_MS))
        process = Killed(live, folder, now, seed + life)
        try:
            if moments.random() < 0.9:  # else also while it starts
                process.wait_until_ready()
            time.sleep(moments.uniform(0.0, _LIVES_S))
        finally:
            process.kill()
    end = BEGINS + int((time.monotonic() - begun) * 1000 * FASTER) + 2 * DAY_MS
    found = account(folder, end)
    return {
        "kills": kills,
        "clock_jumps": jumps,
        "answered": found.answered,
        "tickets": found.tickets,
        "clock_steps_told": found.steps,
        "wrong": {name: count for name, count in sorted(found.wrong.items()) if count},
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.kills, options.seed, Path(folder))
    missed = [f"wrong: {name}" for name in figures["wrong"]]
    missed += [] if figures["clock_steps_told"] and figures["answered"] else ["nothing happened"]
    return hand_over(figures, missed, options.json)


if __name__ == "__main__":
    sys.exit(main())
