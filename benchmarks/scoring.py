"""What one scoring pass costs: `python -m benchmarks.scoring --devices 1000,10000,100000 [--json FILE]`.

A fleet has reported for a day and more, the scorer has seen it, and another hour of readings is stored: one
pass takes the new tiles from the store to stored risks of all robot faults, with reasons for what stands out.
CPU of the process over the pass (median of the passes, and the most: one of them begins a day and computes
what holds for a day), its peak memory with everything that was kept, and how the cost grows with the fleet.
Each size runs in a process of its own. Also a pass in which only a hundredth of the fleet reported: it must
cost accordingly less. Exits with 1 when a figure is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.growth import exponent
from benchmarks.harness.scored_fleet import ScoredFleet

MUST_CPU_S, MUST_RSS_MB, MUST_EXPONENT = 30.0, 4096.0, 1.05
_LARGE = 100_000


def measure(devices: int, passes: int, seed: int) -> dict[str, Any]:
    """Return the figures of one size; in this process."""
    with (
        tempfile.TemporaryDirectory(prefix="sweepwatch-scoring-") as folder,
        ScoredFleet(Path(folder), devices, seed) as fleet,
    ):
        return fleet.measure(passes)


def _in_own_process(devices: int, passes: int, seed: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scoring", "--one", str(devices)]
    command += ["--passes", str(passes), "--seed", str(seed)]
    # One core: every library is told so, that no thread works beside the one that is measured.
    one = dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(command, env=os.environ | one, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def run(sizes: Sequence[int], passes: int, seed: int) -> dict[str, Any]:
    """Return the figures of all sizes."""
    found = []
    for devices in sizes:
        found.append(_in_own_process(devices, passes, seed))
        print(f"{devices} devices: {found[-1]['cpu_s']} s, {found[-1]['rss_mb']} MB", file=sys.stderr)
    grown = exponent([(each["devices"], each["cpu_s"]) for each in found]) if len(found) > 1 else None
    return {
        "sizes": found,
        "growth_exponent": None if grown is None else round(grown, 3),
        "seed": seed,
        "load_average": round(os.getloadavg()[0], 2),
        "must": {"cpu_s_at_100000": MUST_CPU_S, "rss_mb": MUST_RSS_MB, "growth_exponent": MUST_EXPONENT},
    }


def held(figures: dict[str, Any]) -> bool:
    """Tell whether every must figure was reached."""
    sizes = figures["sizes"]
    return (
        all(each["rss_mb"] <= MUST_RSS_MB for each in sizes)
        and all(each["cpu_s"] <= MUST_CPU_S for each in sizes if each["devices"] <= _LARGE)
        and (figures["growth_exponent"] or 0.0) <= MUST_EXPONENT
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--devices", default="1000,10000,100000", help="sizes (1000,10000,100000)")
    parser.add_argument("--passes", type=int, default=3, help="passes at each size (3)")
    parser.add_argument("--seed", type=int, default=0, help="of the readings (0)")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    if asked.one:
        print(json.dumps(measure(asked.one, asked.passes, asked.seed)))
        return 0
    figures = run([int(each) for each in asked.devices.split(",")], asked.passes, asked.seed)
    print(json.dumps(figures, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if held(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
