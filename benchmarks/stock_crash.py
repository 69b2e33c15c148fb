"""Stock through deaths: `python -m benchmarks.stock_crash [--kills 100] [--postgres] [--json FILE]`.

Two processes receive, move, count, release, and assign cases together with the parts that they need. They are
ended by SIGKILL at random moments and started anew on the same data. At the end each assignment has its
reservations and each reservation its assignment, and the ledger adds up to what is there and what is held.
Exits with 1 when it was not so.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.followers import Killed
from benchmarks.harness.postgres import postgres_server
from benchmarks.harness.report import hand_over
from benchmarks.harness.stock_scene import account, live, prepare

_LIVES_S = 1.0


def measure(kills: int, seed: int, url: str) -> dict[str, Any]:
    """Kill so often, then look at all that is there."""
    moments = random.Random(seed)
    prepare(url)
    for life in range(kills):
        processes = [Killed(live, url, seed + 2 * life + each) for each in range(2)]
        try:
            for process in processes:
                process.wait_until_ready()
            time.sleep(moments.uniform(0.0, _LIVES_S))
        finally:
            for process in processes:
                process.kill()
    found = account(url)
    return {
        "kills": 2 * kills,
        "assigned": found.assigned,
        "reservations": found.reserved,
        "movements": found.movements,
        "wrong": {name: count for name, count in sorted(found.wrong.items()) if count},
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    if options.postgres:
        with postgres_server() as url:
            figures = measure(options.kills, options.seed, url)
    else:
        with tempfile.TemporaryDirectory() as folder:
            figures = measure(options.kills, options.seed, f"sqlite:///{folder}/desk.db")
    missed = [f"wrong: {name}" for name in figures["wrong"]]
    missed += [] if figures["assigned"] and figures["movements"] else ["nothing happened"]
    return hand_over(figures, missed, options.json)


if __name__ == "__main__":
    sys.exit(main())
