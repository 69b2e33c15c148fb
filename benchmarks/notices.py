"""Notices through deaths: `python -m benchmarks.notices [--kills 300] [--json FILE]`.

A process tells of alerts, writes their notices and sends them by mail (SMTP), DingTalk and WeCom to receivers
on this machine, which refuse now and then, with the error inside a 200. It is ended by SIGKILL at random
moments and started anew on the same data. At the end each notice was received under its key; twice only where
the provider had taken it and the process died before noting that: at most once a kill and channel, and never
under another key. Exits with 1 when a must figure is missed.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.followers import Killed
from benchmarks.harness.notices_scene import WAYS, Receivers, account, live, prepare, settle
from benchmarks.harness.report import hand_over

_LIVES_S = 0.8


def measure(kills: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kill so often, then let all that waits go out, and add up."""
    receivers = Receivers(seed)
    moments = random.Random(seed)
    with receivers.open() as places:
        prepare(folder, places)
        for _ in range(kills):
            process = Killed(live, folder, places)
            try:
                if moments.random() < 0.9:  # else also while it starts
                    process.wait_until_ready()
                time.sleep(moments.uniform(0.0, _LIVES_S))
            finally:
                process.kill()
        settle(folder, places)
        found = account(folder, receivers.all())
    return {
        "kills": kills,
        "notices": found.notices,
        "lost": found.lost,
        "doubled": found.doubled,
        "under_other_keys": found.under_other_keys,
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Name the figures that were missed."""
    musts = {
        "lost": found["lost"] == 0,
        "under_other_keys": found["under_other_keys"] == 0,
        "doubled": found["doubled"] <= found["kills"] * len(WAYS),
        "notices": found["notices"] > 0,
    }
    return [name for name, reached in musts.items() if not reached]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=300, help="how often the process is killed (300)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="sweepwatch-notices-") as folder:
        found = measure(asked.kills, asked.seed, Path(folder))
    return hand_over(found, missed(found), asked.json)


if __name__ == "__main__":
    sys.exit(main())
