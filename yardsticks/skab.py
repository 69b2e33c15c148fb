"""The skab yardstick: faults of a real pump, seen by the anomaly score without a label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.errors import InvalidInput
from models.anomaly.score import follow, limit_for, trailing_means
from yardsticks.mapped import Mapped, read_map, read_readings
from yardsticks.report import Report, over_seeds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEARNED = 400
"""The first rows of each file are unlabelled training."""
FALSE_ALARM_BUDGET = 0.1355
"""The false alarms of the best published detector (Conv-AE); what is missed is told there."""
PROTOCOL = (
    "The first rows of each file (400, or --train) are unlabelled training, the rest is test; a score knows "
    "no later row. mar_at_far_13_55 takes its threshold from test labels: what is missed when 13.55 % of "
    "normal rows do alarm. f1, far and mar: at a threshold from training rows alone, 13.55 % of those held "
    "out (the third quarter after learning from the first two, the last after the first three). All but the "
    "mean ROC-AUC are pooled over files. Nothing is random, so seeds agree. What was looked at when: "
    "docs/yardsticks.md."
)


@dataclass(frozen=True, slots=True)
class Run:
    """One file: its name, its rows (rows, signals), and whether each is anomalous (rows,)."""

    name: str
    rows: Floats
    anomalous: Bools


def evaluate(folder: Path, seeds: Sequence[int], train: str = "", test: str = "") -> dict[str, Any]:
    """Score files of a folder, as `yardsticks.report.Report.as_json` says.

    `train` is how many rows of each file teach, `test` the files that are judged (names and folders, by
    comma). Raises InvalidInput when there is no file, or one cannot be read or judged.
    """
    learned = _learned(train)
    runs = read_runs(folder, learned, test)
    rows, truth = [run.rows for run in runs], [run.anomalous[learned:] for run in runs]
    scores = [follow(each, learned)[learned:] for each in rows]
    largest = [_largest_z(each, learned)[learned:] for each in rows]
    threshold = limit_for(FALSE_ALARM_BUDGET, rows, learned)
    metrics, _ = over_seeds(seeds, lambda _seed: judged(scores, truth, threshold))
    bad = np.concatenate(truth)
    names = ("roc_auc_per_file", "mar_at_far_13_55")
    baselines = {
        "always_alarm_f1": 2 * bad.mean() / (1 + bad.mean()),
        "largest_z_of_10_rows": {name: judged(largest, truth, np.inf)[name] for name in names},
    }
    areas = {run.name: _roc_auc(score, each) for run, score, each in zip(runs, scores, truth, strict=True)}
    details = {"files": len(runs), "threshold": threshold, "roc_auc_by_file": areas}
    return Report("skab", seeds, metrics, baselines, PROTOCOL, details).as_json()


def judged(scores: Sequence[Floats], truth: Sequence[Bools], threshold: float) -> dict[str, float]:
    """Return the mean area of files in which there is both, and what is pooled over all test rows."""
    score, bad = np.concatenate(scores), np.concatenate(truth)
    areas = [_roc_auc(*each) for each in zip(scores, truth, strict=True)]
    alarm, at_budget = score > threshold, np.quantile(score[~bad], 1 - FALSE_ALARM_BUDGET)
    return {
        "roc_auc_per_file": float(np.mean([area for area in areas if area is not None])),
        "mar_at_far_13_55": float((score[bad] <= at_budget).mean()),
        "f1": float(2 * (alarm & bad).sum() / (alarm.sum() + bad.sum())),
        "far": float(alarm[~bad].mean()),
        "mar": float(1 - alarm[bad].mean()),
    }


def _roc_auc(score: Floats, bad: Bools) -> float | None:
    """Return the area under a file's ROC curve; None for a file in which nothing or everything is bad."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(bad, score)) if 0 < bad.sum() < len(bad) else None


def _largest_z(rows: Floats, learned: int) -> Floats:
    """Return the simple rule beside which the score stands: the largest z-score of 10 rows' means."""
    known = rows[:learned]
    scaled = (rows - known.mean(axis=0)) / np.maximum(known.std(axis=0), 1e-9)
    return np.asarray(np.abs(trailing_means(scaled, 10)).max(axis=1))


def read_runs(folder: Path, learned: int = LEARNED, test: str = "") -> list[Run]:
    """Read the files of a folder, of its only folder, or those of `test`. Raises InvalidInput."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds skab's .csv or .csv.gz files")
    inside = sorted(each for each in folder.iterdir() if each.is_dir())
    named = [folder / each.strip() for each in test.split(",")] if test else [folder, *inside]
    files = {path: found for path in named if (found := _files(path))}
    if len(files) > 1 and not test:
        there = ", ".join(str(path.relative_to(folder)) for path in files)
        raise InvalidInput(f"{folder} holds files in several places ({there}); name what is judged by --test")
    for path in named if test or not files else ():
        if path not in files:
            raise InvalidInput(f"{path} is and holds no .csv or .csv.gz file")
    mapped, paths = read_map("skab"), [path for found in files.values() for path in found]
    runs = [_read(mapped, path, learned, path.name if len(files) == 1 else str(path)) for path in paths]
    bad = np.concatenate([run.anomalous[learned:] for run in runs])
    if bad.all() or not bad.any():
        raise InvalidInput(f"{folder}: no normal or no anomalous row after the first {learned} of its files")
    return runs


def _learned(train: str) -> int:
    if train and not (train.isdecimal() and int(train) >= 40):
        raise InvalidInput(f"--train: {train!r} is no number of rows, 40 or more, such as {LEARNED}")
    return int(train or LEARNED)


def _files(path: Path) -> list[Path]:
    inside = path.iterdir() if path.is_dir() else [path] if path.is_file() else []
    files = [each for each in inside if each.is_file() and each.suffix not in (".md", ".txt")]
    for each in files:
        if not each.name.endswith((".csv", ".csv.gz")):
            raise InvalidInput(f"{each} is no .csv or .csv.gz file: what it is among skab's is not known")
    return sorted(files, key=lambda each: (len(each.name), each.name))


def _read(mapped: Mapped, path: Path, learned: int, name: str) -> Run:
    names = [each.name for each in mapped.kind.signals]
    table = read_readings(mapped, path).select(names).to_numpy()
    bad = table[:, names.index("wrong")]
    if not np.isin(bad, (0, 1)).all():
        raise InvalidInput(f"{path}: anomaly holds a value that is neither 0 nor 1")
    if len(table) <= learned:
        raise InvalidInput(
            f"{path} has {len(table)} rows; more than {learned} are needed, the first are training"
        )
    return Run(name, np.delete(table, names.index("wrong"), axis=1).astype(np.float64), bad > 0)
