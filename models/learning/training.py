"""Trains one fault's model: trees on the earlier part of history, calibrated and judged on the later."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.clock import DAY_MS
from fleet.faults import Fault
from models.features.definitions import features_of
from models.features.windows import Floats, Ints
from models.learning.evaluation import best_threshold, metrics
from models.learning.labels import POSITIVE, UNKNOWN, Labels
from models.learning.physics import directions
from models.learning.settings import TrainingSettings
from models.learning.shaken import shaken

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Examples:
    """The rows of one fault, all in one order.

    `features` (rows, features); `until` (epoch ms) what a row knows; `devices` a number for each device;
    `end` where history ends.
    """

    features: Floats
    labels: Labels
    until: Ints
    devices: Ints
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """Which rows fit the trees and which, later ones, calibrate and judge; `cut` parts them (epoch ms)."""

    fit: Bools
    later: Bools
    cut: int


@dataclass(frozen=True, slots=True)
class Trained:
    """A calibrated classifier with its threshold, and how it did on rows that it had not seen.

    `held_out` is the risk of each later row of the split, calibrated by other devices than its own.
    """

    classifier: Any
    threshold: float
    metrics: dict[str, float]
    split: Split
    held_out: Floats


def split_by_time(examples: Examples, horizon_ms: int, share: float) -> Split | None:
    """Part the rows in time with one horizon between; None when history is too short for that.

    Fit: what was known at `cut`, that is rows whose horizon was over by then, or that a repair opened by then
    had made positive already. Later: rows after `cut` whose horizon is over; here early positives are left
    out, because without their negatives they would make every risk look too low.
    """
    until, labels = examples.until, examples.labels
    start = int(until.min()) + horizon_ms
    usable = examples.end - horizon_ms - start
    if usable <= 0:
        return None
    cut = start + int(share * usable)
    known = labels.value != UNKNOWN
    told = (labels.value == POSITIVE) & (labels.noticed <= cut)
    fit = known & ((until + horizon_ms <= cut) | told)
    return Split(fit, known & (until > cut) & (until + horizon_ms <= examples.end), cut)


def train_fault(fault: Fault, examples: Examples, settings: TrainingSettings, seed: int) -> Trained | str:
    """Train the model of one fault; return a sentence that says why when there is too little to learn from.

    The same examples, settings and seed give the same model. The figures come from later rows than any the
    trees saw, each calibrated by the other half of the devices; the calibration that is kept uses both.
    """
    assert fault.horizon_days is not None
    split = split_by_time(examples, fault.horizon_days * DAY_MS, settings.fit_share)
    if split is None:
        return f"{fault.code}: history is shorter than twice its horizon of {fault.horizon_days} days"
    reason = _too_little(examples, split, settings)
    if reason:
        return f"{fault.code}: {reason}"
    positive = examples.labels.value == POSITIVE
    trees = _fit(fault, examples, split.fit, settings, seed)
    later, truth = examples.features[split.later], positive[split.later]
    held_out = _cross_calibrated(trees, later, truth, examples.devices[split.later])
    decides = deciding(examples, fault)[split.later]
    threshold = best_threshold(
        truth[decides], held_out[decides], settings.costs.act(fault), settings.costs.wait(fault)
    )
    return Trained(calibrate(trees, later, truth), threshold, metrics(truth, held_out), split, held_out)


def deciding(examples: Examples, fault: Fault) -> Bools:
    """Tell which rows of a fault say what acting on it would have been (models/learning/labels.py)."""
    return examples.labels.decides(examples.until, (fault.horizon_days or 0) * DAY_MS)


def _fit(fault: Fault, examples: Examples, rows: Bools, settings: TrainingSettings, seed: int) -> Any:
    """Fit the trees of one fault: to rows as other fleets might have shown them, in keeping with physics."""
    table = features_of(fault.code)
    features = shaken(examples.features[rows], table, examples.until[rows], examples.devices[rows], seed)
    positive = np.resize(examples.labels.value[rows] == POSITIVE, len(features))
    return fit_trees(features, positive, settings, seed, directions(fault.code, table))


def failures(examples: Examples, rows: Bools) -> int:
    """Return how many different failures stand behind the positive rows among `rows`."""
    chosen = rows & (examples.labels.value == POSITIVE)
    pairs = np.stack([examples.devices[chosen], examples.labels.noticed[chosen]])
    return int(np.unique(pairs, axis=1).shape[1])


def _too_little(examples: Examples, split: Split, settings: TrainingSettings) -> str | None:
    positive = examples.labels.value == POSITIVE
    rows = int((positive & (split.fit | split.later)).sum())
    if rows < settings.least_positives:
        return f"only {rows} positive rows to learn from; {settings.least_positives} are needed"
    for name, part in (("to fit", split.fit), ("to calibrate", split.later)):
        seen = failures(examples, part)
        if seen < settings.least_failures:
            return f"only {seen} failures {name} with; {settings.least_failures} are needed"
        if positive[part].all():
            return f"no row without the fault {name} with"
    return None


@contextmanager
def single_threaded() -> Iterator[None]:
    """Let libraries compute with one thread.

    A few thousand rows fit as fast on one core as on two, and the other one stays free for ingest. The sum of
    a node's gradients depends on how many threads add it up: one, wherever it is, gives the same model.
    """
    from sklearn import ensemble  # noqa: F401 - only libraries that are loaded by then can be limited
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

    with threadpool_limits(1):
        yield


def fit_trees(
    features: Floats,
    positive: Bools,
    settings: TrainingSettings,
    seed: int,
    directions: Sequence[int] | None = None,
) -> Any:
    """Fit boosted trees to rows, shape (rows, features); the same rows and seed give the same trees.

    `directions` says of each feature whether more of it can only raise (1) or only lower (-1) the risk.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        max_iter=settings.trees,
        learning_rate=settings.learning_rate,
        max_leaf_nodes=settings.leaves,
        min_samples_leaf=settings.least_leaf_rows,
        l2_regularization=settings.l2,
        max_features=settings.features_per_split,
        max_bins=settings.bins,
        monotonic_cst=directions,
        early_stopping=False,
        random_state=seed,
    )
    return trees.fit(heard(features), positive)


def heard(features: Floats) -> Floats:
    """Return the features with 0 for those that no row knows: trees cannot bin a column without a number."""
    silent = np.isnan(features).all(axis=0)
    return np.where(silent, 0.0, features) if silent.any() else features


def calibrate(trees: Any, features: Floats, positive: Bools) -> Any:
    """Fit Platt's sigmoid over the trees' log-odds: two parameters, which some dozen failures can bear."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    # The trees are fixed, so folds change nothing but the work: two are the fewest that are allowed.
    return CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid", cv=2).fit(features, positive)


def _cross_calibrated(trees: Any, features: Floats, positive: Bools, devices: Ints) -> Floats:
    """Return risks of which none was calibrated by rows of its own device.

    Where one half of the devices hardly has a failure it cannot calibrate the other, and all rows do.
    """
    halves = devices % 2 == 0
    risk = np.empty(len(positive))
    for half in (halves, ~halves):
        others = (
            ~half if 1 < positive[~half].sum() < (~half).sum() - 1 else np.ones(len(positive), dtype=bool)
        )
        if half.any():
            risk[half] = risk_of(calibrate(trees, features[others], positive[others]), features[half])
    return risk


def risk_of(classifier: Any, features: Floats) -> Floats:
    """Return the calibrated probability of the fault for each row."""
    risk: Floats = classifier.predict_proba(features)[:, 1]
    return risk
