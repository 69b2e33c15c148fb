"""The hse-filter yardstick: how many seconds a filter has until it is clogged, on runs never seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleet.errors import InvalidInput
from models.features.windows import Floats, Ints
from models.learning.remaining_life import LEAST_UNITS, LifeEstimate, LifeModel, LifeSettings
from models.learning.training import single_threaded
from yardsticks.filter_features import Reference, Seen, look_at
from yardsticks.filter_files import read_runs
from yardsticks.report import Report, over_seeds

PROTOCOL = (
    "Leave one run out: each run is judged at every second of its life (rmse_s, over all points) and at "
    "every 10 % of it (details) by models of all other runs. What a run is held against (levels by dust, "
    "ways of feeding) comes from those others too, for a training run without itself. The band of p10 to p90 "
    "comes from training runs left out in turn (4 folds). Settings were not searched for. Dropouts of the "
    "pressure to 0 are readings that noise took below 0. Seeds are those of models and folds."
)
_EVERY_S = 6
"""Training runs are learned from at such steps: neighbouring seconds say nearly the same."""
SETTINGS = LifeSettings(
    folds=4,
    committee=False,
    forest_trees=60,
    boosted_trees=0,
    boosted_leaf_rows=20,
    boosted_leaves=8,
    band_trees=40,
    kernel_rows=0,
)
"""A forest of randomised trees alone: it is known to do better here than boosting."""


@dataclass(frozen=True)
class Fold:
    """One run left out: rows of the others to learn from with the run each is of, and all its seconds."""

    features: Floats
    life: Floats
    units: Ints
    asked: Floats
    truth: Floats


def evaluate(folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    Raises InvalidInput when a file is missing or wrong, or holds too few runs.
    """
    folds = prepared(folder)
    told: dict[int, list[LifeEstimate]] = {}

    def run(seed: int) -> dict[str, float]:
        told[seed] = [predict(fold, seed) for fold in folds]
        return judge(folds, told[seed])

    metrics, _ = over_seeds(seeds, run)
    steps = [at_steps(folds, each) for each in told.values()]
    details = {
        "runs": len(folds),
        "rmse_s_at_10_percent_steps": float(np.mean([each["all"] for each in steps])),
        "rmse_s_by_share_of_life": {
            share: float(np.mean([each[share] for each in steps])) for share in steps[0] if share != "all"
        },
    }
    return Report("hse-filter", seeds, metrics, baselines(folds), PROTOCOL, details).as_json()


def prepared(folder: Path) -> list[Fold]:
    """Read a folder; look at each run, and at the others as that run may know them. Raises InvalidInput."""
    runs = read_runs(folder)
    if len(runs) <= LEAST_UNITS:
        raise InvalidInput(f"{folder} holds {len(runs)} runs; {LEAST_UNITS + 1} are needed")
    seen = look_at(runs)
    return [_fold(seen, left_out) for left_out in range(len(seen))]


def _fold(seen: Sequence[Seen], left_out: int) -> Fold:
    train = [each for place, each in enumerate(seen) if place != left_out]
    reference = Reference(train)
    everyone = range(len(train))
    rows = [np.arange(place % _EVERY_S, len(each.run.dp), _EVERY_S) for place, each in enumerate(train)]
    tables = [
        _joined(each, reference, rows[place], [other for other in everyone if other != place])
        for place, each in enumerate(train)
    ]
    asked = seen[left_out]
    return Fold(
        np.vstack(tables),
        np.concatenate([each.run.left[some] for each, some in zip(train, rows, strict=True)]),
        np.repeat(np.arange(len(train)), [len(some) for some in rows]),
        _joined(asked, reference, np.arange(len(asked.run.dp)), everyone),
        asked.run.left,
    )


def _joined(seen: Seen, reference: Reference, rows: Ints, others: Sequence[int]) -> Floats:
    return np.hstack([seen.features[rows], reference.against(seen, rows, others)])


def predict(fold: Fold, seed: int) -> LifeEstimate:
    """Learn from the other runs and say what the run left out has left at each second."""
    with single_threaded():
        return LifeModel(SETTINGS).fit(fold.features, fold.life, fold.units, seed).predict(fold.asked)


def judge(folds: Sequence[Fold], told: Sequence[LifeEstimate]) -> dict[str, float]:
    """Return the RMSE (s) over all points, and the coverage of p10 to p90."""
    pairs = list(zip(told, folds, strict=True))
    off = np.concatenate([each.expected - fold.truth for each, fold in pairs])
    inside = np.concatenate([(each.p10 <= fold.truth) & (fold.truth <= each.p90) for each, fold in pairs])
    return {"rmse_s": _rms(off), "coverage_p10_p90": float(inside.mean())}


def at_steps(folds: Sequence[Fold], told: Sequence[LifeEstimate]) -> Mapping[str, float]:
    """Return the RMSE (s) at 10, 20, ... 90 % of life, and over all of these."""
    off = []
    for each, fold in zip(told, folds, strict=True):
        life = fold.truth[0] + 1
        rows = [int(np.abs(fold.truth - life * (1 - step / 10)).argmin()) for step in range(1, 10)]
        off.append((each.expected - fold.truth)[rows])
    table = np.stack(off)
    return {f"{step}0_percent": _rms(table[:, step - 1]) for step in range(1, 10)} | {"all": _rms(table)}


def baselines(folds: Sequence[Fold]) -> dict[str, float]:
    """Return what the mean life of the other runs, less the time that has passed, reaches."""
    off = []
    for fold in folds:
        mean = float(np.mean([fold.life[fold.units == unit].max() for unit in np.unique(fold.units)]))
        passed = fold.truth[0] - fold.truth
        off.append(np.maximum(mean - passed, 0.0) - fold.truth)
    return {"rmse_s_mean_life": _rms(np.concatenate(off))}


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))
