"""CPU and quality of a day's plan: `python -m benchmarks.dispatch [--json FILE]`.

Days are made up (benchmarks/harness/service_day.py): 200 cases and 40 engineers, 1,000 and 200, with skills,
windows, lunch, parts and jobs of two people. CPU is of one core, packages are loaded before. A day of a desk
with 200 cases and 40 engineers is then replayed with 20 % late cases and two engineers who fall sick: once as
the schedule plans it anew by itself, bound by what customers were told, and once freely. Exits with 1 when a
must figure is missed, or the checker finds anything wrong.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.dispatch_day import Replayed, replay
from benchmarks.harness.service_day import service_day
from desk.dispatch.planning.checking import wrong_with
from desk.dispatch.planning.planners import DEFAULT, NAMES, planner

MUST = {
    "first_s": 3.0,
    "final_s": 10.0,
    "large_s": 60.0,
    "ours_share": 0.1,
    "told_anew_share": 0.15,
    "more_travel": 0.08,
}
DAY, LARGE = (200, 40), (1000, 200)
LATE_SHARE = 0.2
_MEANS = ("told_anew_share", "told_anew_share_freely", "more_travel")


def measure(size: tuple[int, int], seeds: Sequence[int], cpu_s: float, name: str = DEFAULT) -> dict[str, Any]:
    """Plan a day for each seed; return the most CPU, the mean travel, what is undone and wrong."""
    plans, wrong = [], 0
    for seed in seeds:
        problem = service_day(*size, seed)
        plans.append(planner(name).plan(problem, cpu_s, seed))
        wrong += len(wrong_with(problem, plans[-1]))
    shares = [(plan.cpu_s - plan.solver_cpu_s) / plan.solver_cpu_s for plan in plans]
    return {
        "cases": size[0],
        "engineers": size[1],
        "solver": name,
        "budget_s": cpu_s,
        "cpu_s": round(max(plan.cpu_s for plan in plans), 2),
        "solver_cpu_s": round(max(plan.solver_cpu_s for plan in plans), 2),
        "ours_share": round(max(shares), 3),
        "travel_s": round(float(np.mean([plan.travel_s for plan in plans]))),
        "late": sum(stop.late_ms > 0 for plan in plans for _, stop in plan.stops()),
        "undone": sum(len(plan.unassigned) for plan in plans),
        "wrong": wrong,
    }


def measure_churn(seeds: Sequence[int]) -> dict[str, Any]:
    """Replay a day for each seed, as told and freely; return means over seeds, and each seed's figures."""
    late = round(LATE_SHARE * DAY[0])
    runs = [
        _churn(replay(*DAY, late, seed, free=False), replay(*DAY, late, seed, free=True)) for seed in seeds
    ]
    return {
        "seeds": len(runs),
        "late_cases": late,
        **{name: round(float(np.mean([run[name] for run in runs])), 3) for name in _MEANS},
        "held_moved": sum(run["held_moved"] for run in runs),
        "runs": runs,
    }


def _churn(kept: Replayed, freely: Replayed) -> dict[str, Any]:
    return {
        "told": len(kept.told),
        "told_anew_share": round(len(kept.anew) / len(kept.told), 3),
        "told_anew_share_freely": round(len(freely.anew) / len(freely.told), 3),
        "travel_s": round(kept.travel_s),
        "travel_s_freely": round(freely.travel_s),
        # A visit that was not made is no travel saved.
        "more_travel": round(kept.travel_s / kept.done / (freely.travel_s / freely.done) - 1, 3),
        "held_moved": kept.held_moved + freely.held_moved,
        "done": kept.done,
        "undone": kept.undone,
        "undone_freely": freely.undone,
        "late": kept.late,
        "late_freely": freely.late,
        "plans": kept.plans,
        "waiting_for_a_manager": kept.waiting,
        "most_cpu_s": round(max(kept.cpu_s), 2),
    }


def missed(found: dict[str, Any]) -> list[str]:
    """Return the must figures that are missed."""
    day, large, churn = found["day"], found["large"], found["churn"]
    reached = {
        "first_s": day["first"]["cpu_s"],
        "final_s": day["final"]["cpu_s"],
        "large_s": large["cpu_s"],
        "ours_share": found["ours_share"],
        "told_anew_share": churn["told_anew_share"],
        "more_travel": churn["more_travel"],
    }
    broken = [name for name, most in MUST.items() if reached[name] > most]
    wrong = [
        day["first"]["wrong"],
        day["final"]["wrong"],
        large["wrong"],
        churn["held_moved"],
    ]
    return broken + (["wrong or held jobs moved"] if any(wrong) else [])


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--seeds", type=int, default=3, help="days of each kind (3)")
    parser.add_argument("--days", type=int, default=5, help="days that are replayed (5)")
    options = parser.parse_args()
    seeds = range(options.seeds)
    for name in NAMES:
        planner(name).plan(service_day(6, 2, 0), 0.5)  # packages are loaded once, not by every plan
    day = {"first": measure(DAY, seeds, MUST["first_s"]), "final": measure(DAY, seeds, MUST["final_s"])}
    large = measure(LARGE, [0], MUST["large_s"])
    planners = {name: measure(DAY, seeds, MUST["final_s"], name) for name in NAMES if name != DEFAULT}
    result: dict[str, Any] = {
        "must": MUST,
        "day": day,
        "large": large,
        "planners": {DEFAULT: day["final"], **planners},
        "ours_share": max(day["first"]["ours_share"], day["final"]["ours_share"], large["ours_share"]),
        "churn": measure_churn(range(options.days)),
    }
    result["missed"] = missed(result)
    print(json.dumps(result, indent=2))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 1 if result["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
