"""A year of service, four ways: `python -m benchmarks.service [--seeds N] [--robots 1000] [--json FILE]`.

A city with its robots, engineers, depots, seasons and holidays lives through the same year of faults under
four policies: (a) reactive, by hand, calibrated to what the industry publishes; (b) with our dispatch; (c)
with our parts; (d) proactive, with our models and alerts (docs/service-year.md says what is production code,
and what is assumed). Each policy and seed is kept in --runs FOLDER, so that a run that was broken off goes
on. Exits with 1 when a must figure is missed.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from benchmarks.harness.report import hand_over
from benchmarks.year.figures import NAMES
from benchmarks.year.life import BEGINS, Policy, Size, live
from benchmarks.year.summary import missed, summary

Run = tuple[Policy, int]


def lived(runs: Sequence[Run], size: Size, folder: Path, jobs: int) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Yield what became of each policy and seed: from the folder, or lived through now."""
    wanted = []
    for run in runs:
        kept = _file(folder, run, size)
        if kept.exists():
            yield run, json.loads(kept.read_text(encoding="utf-8"))
        else:
            wanted.append(run)
    with ProcessPoolExecutor(max_workers=jobs, max_tasks_per_child=1) as pool:
        asked = {pool.submit(live, policy, seed, size): (policy, seed) for policy, seed in wanted}
        for done in as_completed(asked):
            run, found = asked[done], done.result()
            kept = _file(folder, run, size)
            fresh = kept.with_suffix(".new")
            fresh.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            fresh.replace(kept)
            print(f"{run[0]} seed {run[1]}: {found['cpu_s']} s of CPU", file=sys.stderr, flush=True)
            yield run, found


def _file(folder: Path, run: Run, size: Size) -> Path:
    policy, seed = run
    asked = f"{size.robots}-{size.crew}-{size.begins}-{size.days}-{size.run_in}"
    return folder / f"{asked}-{policy}-{seed}.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Live through what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=10, help="how many (10)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--robots", type=int, default=1000)
    parser.add_argument("--engineers", type=int, default=0, help="0: one for 50 robots")
    parser.add_argument("--days", type=int, default=365, help="days that count (365)")
    parser.add_argument("--begins", default=BEGINS, metavar="DATE", help=f"the first of them ({BEGINS})")
    parser.add_argument("--run-in", type=int, default=60, help="days lived before these (60)")
    parser.add_argument("--policies", default="abcd", help="which (abcd)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once (2)")
    parser.add_argument("--runs", type=Path, metavar="FOLDER", help="where single runs are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = parser.parse_args(arguments)
    size = Size(asked.robots, asked.engineers, asked.days, asked.run_in, asked.begins)
    folder = asked.runs or Path(gettempdir()) / "sweepwatch-service-year"
    folder.mkdir(parents=True, exist_ok=True)
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    # What takes longest first, so that no process waits for one at the end.
    runs = [(Policy(each), seed) for each in sorted(asked.policies, reverse=True) for seed in seeds]
    found: dict[Policy, dict[int, dict[str, Any]]] = {}
    for (policy, seed), result in lived(runs, size, folder, asked.jobs):
        found.setdefault(policy, {})[seed] = result
    told = summary(found, NAMES) | {"size": asdict(size) | {"engineers": size.crew}}
    return hand_over(told, missed(told), asked.json)


if __name__ == "__main__":
    sys.exit(main())
