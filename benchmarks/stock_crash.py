"""Stock through deaths: `python -m benchmarks.stock_crash [--kills 100] [--postgres] [--json FILE]`.

Two processes receive, move, count, release, and send engineers to cases together with the parts that these
need, as production does (desk.dispatch.assigning). They are ended by SIGKILL and started anew on the same
data: of three lives one ends between an assignment and its reservations, one after both and before the
commit, one at a random moment. At the end each assignment has its reservations and each reservation its
assignment, and the ledger adds up to what is there and what is held.
Exits with 1 when it was not so.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.followers import Killed
from benchmarks.harness.postgres import postgres_server
from benchmarks.harness.report import hand_over
from benchmarks.harness.stock_scene import End, account, live, prepare

_LIVES_S = 1.0


def measure(kills: int, seed: int, url: str) -> dict[str, Any]:
    """Kill so often, then look at all that is there."""
    moments = random.Random(seed)
    prepare(url)
    ended: Counter[str] = Counter()
    ends = tuple(End)
    for life in range(kills):
        both = [ends[(life + each) % len(ends)] for each in range(2)]
        processes = [Killed(live, url, seed + 2 * life + each, end) for each, end in enumerate(both)]
        try:
            for process in processes:
                process.wait_until_ready()
            time.sleep(moments.uniform(0.0, _LIVES_S))
            for process, end in zip(processes, both, strict=True):
                if end is not End.ANYWHERE:
                    process.wait_until_ended()
        finally:
            for process in processes:
                ended[process.kill() or End.ANYWHERE] += 1
    found = account(url)
    return {
        "kills": 2 * kills,
        "ended": {str(each): ended[each] for each in ends},
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
    missed += [f"nobody was ended at: {each}" for each, count in figures["ended"].items() if not count]
    return hand_over(figures, missed, options.json)


if __name__ == "__main__":
    sys.exit(main())
