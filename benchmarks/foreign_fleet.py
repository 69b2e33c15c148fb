"""Ranks robots of fleets of unknown make by who fails within 7 days, without a model, a label or a ticket.

    python -m benchmarks.foreign_fleet --seeds 101,102,103,104 --days 9,30,60

Each fleet (benchmarks/harness/foreign_fleet.py) has another physics, duty, sensors and missing signals; its
seeds are none of those that design decisions were made on (0 to 11). What is judged is the risk that the
product's scorer leaves with each device. Beside it stands what a robust z-score against the device's own
first week reaches. The fleets are hard: who knew the true wear of every part would reach .85.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.harness.foreign_fleet import Make, foreign_fleet
from benchmarks.harness.foreign_judge import first_week_z
from benchmarks.harness.foreign_room import ForeignRoom

MUST_MARGIN = 0.08
"""So much better than the z-score on average."""


def measure(seed: int, days: int, devices: int) -> dict[str, float]:
    """Return the ROC-AUC of the risks and of the z-score on one fleet."""
    fleet = foreign_fleet(seed, Make(devices=devices, days=days))
    with tempfile.TemporaryDirectory() as folder:
        room = ForeignRoom(Path(folder), fleet)
        try:
            room.feed()
            risks = room.risks()
        finally:
            room.close()
    ours = [risks.get(device, 0.0) for device in fleet.devices]
    theirs = first_week_z(fleet.batch.frame, fleet.devices)
    return {
        "seed": seed,
        "days": days,
        "failing": int(fleet.fails_within.sum()),
        "roc_auc": round(float(roc_auc_score(fleet.fails_within, ours)), 4),
        "roc_auc_z_score": round(float(roc_auc_score(fleet.fails_within, theirs)), 4),
    }


def main() -> int:
    """Measure, print, write JSON when asked to; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--seeds", default="101,102,103,104", help="seeds of the fleets")
    parser.add_argument("--days", default="9,30,60", help="lengths of their histories")
    parser.add_argument("--devices", type=int, default=100, help="robots a fleet (100)")
    options = parser.parse_args()
    seeds, lengths = ([int(each) for each in text.split(",")] for text in (options.seeds, options.days))
    runs = []
    for days in lengths:
        for seed in seeds:
            runs.append(measure(seed, days, options.devices))
            ours, theirs = runs[-1]["roc_auc"], runs[-1]["roc_auc_z_score"]
            print(f"{days:3} days, seed {seed}: {ours:.3f} (z-score {theirs:.3f})", flush=True)
    result: dict[str, object] = {"devices": options.devices, "fleets": runs, "must_margin": MUST_MARGIN}
    for name in ("roc_auc", "roc_auc_z_score"):
        values = [run[name] for run in runs]
        mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
        result[name] = {"mean": round(mean, 4), "sd": round(sd, 4)}
        print(f"{name}: {mean:.3f} ± {sd:.3f} over {len(values)} fleets")
    margin = float(np.mean([run["roc_auc"] - run["roc_auc_z_score"] for run in runs]))
    result["margin"] = round(margin, 4)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0 if margin >= MUST_MARGIN else 1


if __name__ == "__main__":
    sys.exit(main())
