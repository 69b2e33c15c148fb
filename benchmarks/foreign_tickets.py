"""Counts the tickets of fleets of unknown make without any label, and how many of them are right.

    python -m benchmarks.foreign_tickets --seeds 0,1,2

300 robots of each make (benchmarks/harness/foreign_fleet.py) live through 75 days, in which some 100 of them
fail; they are used hard at times, their sensors sway, some report otherwise (foreign_habits.py
there). A whole house scores them, raises alerts and opens tickets; nobody answers, no repair is told.
Seeds from 100 on are for trying things; 0, 1 and 2 are for judging.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.harness.foreign_fleet import ForeignFleet, Make, foreign_fleet
from benchmarks.harness.foreign_tickets import SOON_DAYS, Lived, judge, live
from benchmarks.harness.foreign_wear import SUDDEN

MOST_TICKETS, LEAST_RIGHT, LEAST_FORESEEN, LEAST_PART = 120, 0.40, 0.45, 0.60
_WEEK, _TOP = 7, 0.05
_USUAL = 300


def measure(seed: int, make: Make, passes: int) -> dict[str, float]:
    """Return what came of one fleet: its tickets by count, its ranking as figures."""
    fleet = foreign_fleet(seed, make)
    with tempfile.TemporaryDirectory() as folder:
        lived = live(Path(folder) / "data", fleet, make, passes)
    found = asdict(judge(lived.tickets, fleet.worn, make.days))
    failures = sum(SOON_DAYS < each.fails <= make.days for each in fleet.worn)
    return {"seed": seed, "failures": failures, **found, **_ranked(fleet, lived)}


def _ranked(fleet: ForeignFleet, lived: Lived) -> dict[str, float]:
    """Return how well risks tell who fails in 7 days, and how many of a day later are in the top 5 %."""
    place = {each: row for row, each in enumerate(fleet.devices)}
    scores, truth, caught, asked = [], [], 0, 0
    for day, risk in zip(lived.days, lived.risks, strict=True):
        if day < SOON_DAYS:
            continue
        fails = np.zeros(len(risk), dtype=bool)
        for each in fleet.worn:
            fails[place[each.device]] |= day <= each.fails < day + _WEEK
        known = np.isfinite(risk)
        scores.append(risk[known])
        truth.append(fails[known])
        top = set(np.argsort(-np.nan_to_num(risk))[: max(1, int(_TOP * len(risk)))].tolist())
        next_day = [
            place[each.device]
            for each in fleet.worn
            if each.shape != SUDDEN and day + 1 <= each.fails < day + 2 and each.begins < day - 1
        ]
        asked += len(next_day)
        caught += sum(each in top for each in next_day)
    all_scores, all_truth = np.concatenate(scores), np.concatenate(truth)
    return {
        "roc_auc": round(float(roc_auc_score(all_truth, all_scores)), 4),
        "average_precision": round(float(average_precision_score(all_truth, all_scores)), 4),
        "top_a_day_ahead": round(caught / max(asked, 1), 4),
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--seeds", default="0,1,2", help="seeds of the fleets (0,1,2)")
    parser.add_argument("--devices", type=int, default=_USUAL, help="robots a fleet (300)")
    parser.add_argument("--days", type=int, default=75, help="days that it lives (75)")
    parser.add_argument("--passes", type=int, default=4, help="scorings a day (4)")
    parser.add_argument("--plain", action="store_true", help="without hard use, sway and other reporting")
    options = parser.parse_args()
    make = Make(options.devices, options.days, failures=0.2, habits=not options.plain)
    runs = []
    for seed in (int(each) for each in options.seeds.split(",")):
        runs.append(measure(seed, make, options.passes))
        print(" ".join(f"{name} {value}" for name, value in runs[-1].items()), flush=True)
    total = {
        name: sum(run[name] for run in runs) for name in ("tickets", "right", "part", "warnable", "foreseen")
    }
    result: dict[str, object] = {
        "fleets": runs,
        "tickets_of_300": round(total["tickets"] / len(runs) * _USUAL / options.devices, 1),
        "right": round(total["right"] / max(total["tickets"], 1), 3),
        "foreseen": round(total["foreseen"] / max(total["warnable"], 1), 3),
        "part": round(total["part"] / max(total["right"], 1), 3),
    }
    for name in ("roc_auc", "average_precision", "top_a_day_ahead"):
        result[name] = round(float(np.mean([run[name] for run in runs])), 4)
    print(" ".join(f"{name} {value}" for name, value in result.items() if name != "fleets"))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    met = (
        result["tickets_of_300"] <= MOST_TICKETS  # type: ignore[operator] # a number
        and result["right"] >= LEAST_RIGHT  # type: ignore[operator]
        and result["foreseen"] >= LEAST_FORESEEN  # type: ignore[operator]
        and result["part"] >= LEAST_PART  # type: ignore[operator]
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
