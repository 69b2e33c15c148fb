"""Remaining life of wearing parts: p10, p50 and p90 of days and run hours until a repair is opened.

Boosted quantile trees, conformalised (Romano, Patterson, Candès, "Conformalized quantile regression", NeurIPS
2019) on devices that they were not fitted on: two halves of the devices, each judged by trees of the other.
Whoever asks gets the mean of both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features.windows import Floats, Ints
from models.learning.lives import Lives
from models.learning.remaining_life import HIGH, LOW, drawn_evenly, weighted_quantile
from models.learning.training import heard

UNITS = ("days", "hours")
LEAST_LIVES = 6
"""Fewer ends of lives than this in either half say too little about how lives differ."""
LEAST_JUDGED = 20
_MIDDLE = 1
"""The place of the p50 among a half's estimators."""
_BEYOND = 2.0
"""A life that did not end within the cap stands so many times above it: of two halves of the devices of which
one sees an end and the other none, the mean is then none, and not an end just below the cap."""
MOST_ROWS = 3_000
"""Rows that end at the cap beyond this number are thinned out; those that remain count for them."""
TRUSTED_TYPES = (
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.PinballLoss",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""What a file of such a model may hold beyond what skops itself trusts."""


@dataclass(frozen=True, slots=True)
class WearEstimate:
    """Remaining life in days and in run hours, never negative. Each: (rows, 3), p10 <= p50 <= p90.

    `cap` (days): a p50 there says no more than that the part lasts longer; all else is then NaN.
    """

    days: Floats
    hours: Floats
    cap: float

    @property
    def told(self) -> NDArray[np.bool_]:
        """Of which rows an end is in sight: their p50 is below the cap. Shape: (rows,)."""
        return np.asarray(self.days[:, 1] < self.cap)


@dataclass(frozen=True)
class WearLife:
    """A model of one fault. `parts` are plain containers, numbers and estimators, as its file holds them.

    By unit: `trees`, of each half three estimators (p10, p50, p90); `widening` of the band.
    """

    parts: Mapping[str, Any]

    @property
    def features(self) -> set[int]:
        """How many features its estimators take: one number, if the file is sound."""
        return {
            int(each.n_features_in_) for unit in UNITS for half in self.parts[unit]["trees"] for each in half
        }

    def estimate(self, features: Floats) -> WearEstimate:
        """Return the estimate for each row. Shape of `features`: (rows, features).

        Most parts of a fleet have no end in sight: of those nothing is asked but the middle of their days.
        """
        cap = float(self.parts["cap"])
        days, hours = np.full((2, len(features), 3), np.nan)
        if not len(features):
            return WearEstimate(days, hours, cap)
        days[:, 1] = cap
        middle = np.mean([half[_MIDDLE].predict(features) for half in self.parts["days"]["trees"]], axis=0)
        seen = np.flatnonzero(middle < cap)
        if len(seen):
            days[seen] = np.minimum(self._unit("days", features[seen]), cap)
            hours[seen] = self._unit("hours", features[seen])
        return WearEstimate(days, hours, cap)

    def _unit(self, unit: str, features: Floats) -> Floats:
        part = self.parts[unit]
        raw = np.mean([_quantiles(half, features) for half in part["trees"]], axis=0)
        return _widened(raw, float(part["widening"]))


def fit_wear_life(features: Floats, lives: Lives, seed: int) -> WearLife | str:
    """Learn from rows (rows, features) what became of them; return a sentence where there is too little.

    The same rows and seed give the same model.
    """
    rows, weight = _chosen(lives)
    half = _halves(lives.devices[rows], seed)
    for side in (half, ~half):
        seen = lives.ends(rows[side])
        if seen < LEAST_LIVES:
            return f"only {seen} ends of lives in a half of the devices; {LEAST_LIVES} are needed"
    own = heard(features[rows])
    parts: dict[str, Any] = {"cap": lives.cap}
    judged: NDArray[np.bool_] | None = None
    for unit, life in zip(UNITS, (lives.days[rows], lives.hours[rows]), strict=True):
        beyond = np.where(lives.ended[rows], life, _BEYOND * life)
        trees = [_fitted(own[side], beyond[side], weight[side], seed) for side in (half, ~half)]
        raw = np.empty((len(rows), 3))
        raw[~half], raw[half] = _quantiles(trees[0], own[~half]), _quantiles(trees[1], own[half])
        if unit == "days":
            raw = np.minimum(raw, lives.cap)
        if judged is None:
            judged = raw[:, 1] < lives.cap
            if judged.sum() < LEAST_JUDGED:
                return f"only {int(judged.sum())} rows with an end in sight; {LEAST_JUDGED} are needed"
        missed = np.maximum(raw[:, 0] - life, life - raw[:, 2])[judged]
        parts[unit] = {
            "trees": trees,
            "widening": weighted_quantile(missed, weight[judged], HIGH - LOW),
        }
    return WearLife(parts)


def coverage(told: WearEstimate, lives: Lives) -> dict[str, float]:
    """Return which share of true lives lies between p10 and p90, by unit, and of how many rows that is.

    Of rows with an end in sight and a known life, weighted for those that history ended before.
    """
    rows = np.flatnonzero(told.told & lives.known)
    found = {"rows": float(len(rows))}
    for unit, band, life in zip(UNITS, (told.days, told.hours), (lives.days, lives.hours), strict=True):
        inside = (band[rows, 0] <= life[rows]) & (life[rows] <= band[rows, 2])
        weight = lives.weight[rows]
        found[f"coverage_{unit}"] = float((inside * weight).sum() / weight.sum()) if len(rows) else np.nan
    return found


def _chosen(lives: Lives) -> tuple[Ints, Floats]:
    """Return the rows to learn from and their weights: all that ended, of the others an even choice."""
    ended = np.flatnonzero(lives.known & lives.ended)
    others = np.flatnonzero(lives.known & ~lives.ended)
    step = max(1, -(-len(others) // MOST_ROWS))
    rows = np.concatenate([ended, others[::step]])
    weight = lives.weight[rows]
    weight[len(ended) :] *= step
    return rows, weight


def _halves(devices: Ints, seed: int) -> NDArray[np.bool_]:
    """Part the devices in two at random. Shape: (rows,)."""
    kinds, place = np.unique(devices, return_inverse=True)
    side = np.random.default_rng(seed).permutation(len(kinds)) % 2 == 0
    return np.asarray(side[place])


def _fitted(features: Floats, life: Floats, weight: Floats, seed: int) -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor

    drawn = drawn_evenly(weight)
    return [
        HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=30,
            learning_rate=0.12,
            max_leaf_nodes=6,
            min_samples_leaf=20,
            l2_regularization=5.0,
            max_features=0.3,
            max_bins=64,
            early_stopping=False,
            random_state=seed,
        ).fit(features[drawn], life[drawn])
        for quantile in (LOW, 0.5, HIGH)
    ]


def _quantiles(trees: list[Any], features: Floats) -> Floats:
    return np.sort(np.stack([each.predict(features) for each in trees], axis=1), axis=1)


def _widened(raw: Floats, widening: float) -> Floats:
    middle = np.maximum(raw[:, 1], 0.0)
    low = np.clip(raw[:, 0] - widening, 0.0, middle)
    return np.stack([low, middle, np.maximum(raw[:, 2] + widening, middle)], axis=1)
