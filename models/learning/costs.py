"""What decisions cost: the cost of every threshold, and how much cheaper one model decides than another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features.windows import Floats, Ints

Bools = NDArray[np.bool_]

_POINTS = 80
_ROUNDS = 2_000
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class CostCurve:
    """For each threshold, rising, the share of rows acted on and the share of rows that are missed positives.

    Costs are no part of it: it answers for any. Shapes: (points,).
    """

    threshold: Floats
    acted: Floats
    missed: Floats

    def cost(self, act: float, wait: float) -> Floats:
        """Return what a row costs on average at each threshold."""
        return act * self.acted + wait * self.missed

    def relative(self, act: float, wait: float, founded: float = 0.0) -> Floats:
        """Return the cost at each threshold as a share of that of never acting; NaN without a positive.

        `founded` is what `act` and `wait` both hold of an unfounded action (models.settings.Costs): no row of
        the fault pays it.
        """
        positive = float(self.missed[-1])
        never = (wait - founded) * positive
        if never <= 0:
            return np.full(len(self.threshold), np.nan)
        return (self.cost(act, wait) - founded * positive) / never

    def best(self, act: float, wait: float) -> float:
        """Return the threshold that costs least; of those within 2 % of it the nearest to act / wait.

        As `models.evaluation.best_threshold`, over the curve's points.
        """
        cost = self.cost(act, wait)
        good = self.threshold[cost <= cost.min() * 1.02]
        return float(good[np.argmin(np.abs(good - act / wait))])

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        rounded = {
            name: [round(float(each), 6) for each in getattr(self, name)] for name in ("acted", "missed")
        }
        return {"threshold": self.threshold.tolist(), **rounded}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "CostCurve":
        """Return what `to_dict` gave."""
        return cls(*(np.asarray(stored[name], dtype=np.float64) for name in ("threshold", "acted", "missed")))


def cost_curve(truth: Bools, risk: Floats, chosen: float) -> CostCurve:
    """Return the curve over thresholds from 0 (always act) to above every risk (never), with `chosen`."""
    ranks = np.unique(np.quantile(risk, np.linspace(0.0, 1.0, _POINTS)))
    above = np.nextafter(float(risk.max()), 2.0)
    thresholds = np.unique(np.concatenate([[0.0], ranks, [chosen], [above]]))
    acted = (risk[None, :] >= thresholds[:, None]).mean(axis=1)
    missed = (truth[None, :] & (risk[None, :] < thresholds[:, None])).mean(axis=1)
    return CostCurve(thresholds, acted, missed)


def decision_costs(
    truth: Bools, risk: Floats, threshold: float, act: float, wait: float, founded: float = 0.0
) -> Floats:
    """Return what each row costs when risks at or above `threshold` are acted on. Shape: (rows,).

    `founded` as in `CostCurve.relative`.
    """
    acted = risk >= threshold
    paid: Floats = np.where(acted, act, np.where(truth, wait, 0.0)) - founded * truth
    return paid


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much less a challenger costs than a champion on the same rows.

    `saving` is the share of the champion's cost that it saves; `low` and `high` bound it with 95 % of the
    bootstrap; costs are those of a row on average. `devices` and `failures` say how much stands behind it.
    """

    rows: int
    devices: int
    failures: int
    champion_cost: float
    challenger_cost: float
    saving: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


def compare(champion: Floats, challenger: Floats, devices: Ints, failures: int, seed: int = 0) -> Comparison:
    """Compare costs of the same rows, resampling whole devices with both models' costs together.

    Rows of one device resemble each other, so the device is what is drawn (Efron, Tibshirani, "An
    introduction to the bootstrap", 1993, ch. 8); drawn in pairs, what is hard for both cancels out.
    """
    _, place = np.unique(devices, return_inverse=True)
    count = int(place.max()) + 1
    ours, theirs = (np.bincount(place, weights=each, minlength=count) for each in (champion, challenger))
    drawn = np.random.default_rng(seed).integers(0, count, size=(_ROUNDS, count))
    before, after = ours[drawn].sum(axis=1), theirs[drawn].sum(axis=1)
    savings = np.where(before > 0, (before - after) / np.where(before > 0, before, 1.0), 0.0)
    savings = np.where((before == 0) & (after > 0), -1.0, savings)
    low, high = np.quantile(savings, [(1 - _SURE) / 2, (1 + _SURE) / 2])
    total = float(ours.sum())
    saving = (total - float(theirs.sum())) / total if total > 0 else (-1.0 if theirs.sum() > 0 else 0.0)
    return Comparison(
        len(champion),
        count,
        failures,
        float(champion.mean()),
        float(challenger.mean()),
        saving,
        float(low),
        float(high),
    )
