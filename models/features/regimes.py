"""Regimes: what signals usually show at the set-points at which a unit is run.

A tree that tells the signals from the set-points parts these into regimes: as few as explain nearly what
sixteen do, so that a wandering set-point that explains nothing makes none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.features.windows import Floats, Ints

MOST_REGIMES = 16
_NEARLY = 1.1
"""What so few regimes leave unexplained may be so many times of what most of them do."""
_STILL = 1e-9
"""A signal that wanders by less than this share of itself stands still."""


@dataclass(frozen=True)
class Regimes:
    """How set-points are parted, and the mean and sd of each signal there. `parts` are plain and storable.

    `tree` (or None for one regime), `mean` and `sd`, shape (regimes, signals), sd 0 for a signal that stands
    still there.
    """

    parts: Mapping[str, Any]

    def standard(self, setpoints: Floats, signals: Floats) -> Floats:
        """Return signals in sd from what is usual at their set-points, 0 for one that stands still.

        Shapes: (rows, set-points), (rows, signals) and the same again; NaN stays NaN.
        """
        regime = _regime(self.parts["tree"], setpoints)
        mean, sd = (np.asarray(self.parts[name])[regime] for name in ("mean", "sd"))
        return np.where(sd > 0, (signals - mean) / np.where(sd > 0, sd, 1.0), 0.0)

    @property
    def moving(self) -> NDArray[np.bool_]:
        """Which signals move at all. Shape: (signals,)."""
        return np.asarray((np.asarray(self.parts["sd"]) > 0).any(axis=0))


def learn_regimes(setpoints: Floats, signals: Floats, seed: int = 0) -> Regimes:
    """Learn from rows of units that are well. Shapes: (rows, set-points), (rows, signals)."""
    tree = _tree(setpoints, signals, seed) if setpoints.shape[1] else None
    regime = _regime(tree, setpoints)
    count = int(regime.max(initial=0)) + 1
    mean, sd = np.full((2, count, signals.shape[1]), 0.0)
    everywhere = np.nanmean(signals, axis=0) if len(signals) else np.zeros(signals.shape[1])
    for each in range(count):
        own = signals[regime == each]
        known = np.isfinite(own).any(axis=0)
        mean[each, known] = np.nanmean(own[:, known], axis=0)
        sd[each, known] = np.nanstd(own[:, known], axis=0)
        mean[each, ~known] = everywhere[~known]
    sd = np.where(sd > _STILL * np.abs(mean), sd, 0.0)
    return Regimes({"tree": tree, "mean": mean, "sd": sd})


def _tree(setpoints: Floats, signals: Floats, seed: int) -> Any | None:
    from sklearn.tree import DecisionTreeRegressor

    told = np.isfinite(signals).all(axis=1)
    x, y = np.nan_to_num(setpoints[told]), signals[told]
    sd = y.std(axis=0)
    y = (y / np.where(sd > 0, sd, 1.0))[:, sd > 0]
    if len(y) < MOST_REGIMES or not y.shape[1]:
        return None
    least = max(5, len(y) // 100)
    trees: dict[int, Any] = {}
    left = {1: float(y.var(axis=0).mean())}
    for leaves in range(2, MOST_REGIMES + 1):
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=least, random_state=seed)
        trees[leaves] = tree.fit(x, y)
        left[leaves] = float(((tree.predict(x).reshape(y.shape) - y) ** 2).mean())
    fewest = min(leaves for leaves, rest in left.items() if rest <= _NEARLY * left[MOST_REGIMES])
    return trees.get(fewest)


def _regime(tree: Any | None, setpoints: Floats) -> Ints:
    """Return the number of each row's regime, counted from 0."""
    if tree is None:
        return np.zeros(len(setpoints), dtype=np.int64)
    leaves = np.flatnonzero(tree.tree_.children_left < 0)
    at = tree.apply(np.nan_to_num(setpoints))
    return np.asarray(np.searchsorted(leaves, at))
