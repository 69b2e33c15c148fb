"""Remaining life: how long a wearing part still has, as p10, p50 and p90 that keep their promise.

The middle is a blend of three kinds of regression, weighted by how well each did on units not seen. The
band around it is conformalised quantile regression (Romano, Patterson, Candès, "Conformalized quantile
regression", NeurIPS 2019): quantile trees, widened or narrowed by what units left out of fitting showed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fleet.errors import NotEnoughHistory
from models.training import heard
from models.windows import Floats, Ints

LOW, HIGH = 0.1, 0.9
LEAST_UNITS = 6
"""Fewer lives than this say too little about how lives differ."""
TRUSTED_TYPES = (
    "sklearn._loss.link.IdentityLink",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfSquaredError",
    "sklearn._loss.loss.PinballLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyPinballLoss",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""What a file of such a model may hold beyond what skops itself trusts."""


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """How a life model is fitted. `folds` of whole units give what was not seen in fitting.

    The kernel regression costs with the square of its rows: above `kernel_rows` it is left out.
    """

    folds: int = 5
    forest_trees: int = 120
    forest_rows: int = 4_000
    forest_leaf: int = 3
    boosted_trees: int = 150
    boosted_leaves: int = 15
    boosted_leaf_rows: int = 40
    kernel_rows: int = 4_000
    kernel_c: float = 100.0


@dataclass(frozen=True, slots=True)
class LifeEstimate:
    """Remaining life in the unit it was taught in, never negative. Shapes: (rows,).

    `p10 <= p50 <= p90`; `expected` is the estimate of least squared error.
    """

    p10: Floats
    p50: Floats
    p90: Floats
    expected: Floats


@dataclass
class LifeModel:
    """Regressions of remaining life with what makes a blend and a band of them."""

    settings: LifeSettings = field(default_factory=LifeSettings)
    members: list[Any] = field(default_factory=list)
    weights: Floats = field(default_factory=lambda: np.empty(0))
    band: list[Any] = field(default_factory=list)
    shift: float = 0.0
    widening: float = 0.0

    def fit(self, features: Floats, life: Floats, units: Ints, seed: int) -> "LifeModel":
        """Learn from rows (rows, features), their remaining `life` and the unit each is of; return itself.

        Every unit counts the same, however long it lived. Raises NotEnoughHistory for too few units.
        """
        count = len(np.unique(units))
        if count < LEAST_UNITS:
            raise NotEnoughHistory(f"{count} lives to learn from; {LEAST_UNITS} are needed")
        weight = _even(units)
        left_out, edges = self._left_out(features, life, units, weight, seed)
        self.weights = _blend_weights(left_out, life, weight)
        middle = left_out @ self.weights
        self.shift = _weighted_quantile(life - middle, weight, 0.5)
        missed = np.maximum(edges[:, 0] - life, life - edges[:, 1])
        self.widening = _weighted_quantile(missed, weight, HIGH - LOW)
        self.members = self._fitted(self._members(len(features), seed), features, life, weight, seed)
        self.band = self._fitted(self._band(seed), features, life, weight, seed)
        return self

    def predict(self, features: Floats) -> LifeEstimate:
        """Return the estimate for each row."""
        filled = _filled(features)
        expected = np.maximum(_predicted(self.members, filled) @ self.weights, 0.0)
        edges = _predicted(self.band, filled)
        p50 = np.maximum(expected + self.shift, 0.0)
        low = np.clip(edges[:, 0] - self.widening, 0.0, p50)
        return LifeEstimate(low, p50, np.maximum(edges[:, 1] + self.widening, p50), expected)

    def _left_out(
        self, features: Floats, life: Floats, units: Ints, weight: Floats, seed: int
    ) -> tuple[Floats, Floats]:
        """Return what members and band say of units that they were not fitted on."""
        from sklearn.model_selection import GroupKFold

        middle = np.zeros((len(life), len(self._members(len(life), seed))))
        edges = np.zeros((len(life), 2))
        folds = GroupKFold(min(self.settings.folds, len(np.unique(units))), shuffle=True, random_state=seed)
        for seen, unseen in folds.split(features, life, units):
            rows = features[seen], life[seen], weight[seen]
            filled = _filled(features[unseen])
            middle[unseen] = _predicted(self._fitted(self._members(len(life), seed), *rows, seed), filled)
            edges[unseen] = _predicted(self._fitted(self._band(seed), *rows, seed), filled)
        return middle, edges

    def _fitted(
        self, models: Sequence[Any], features: Floats, life: Floats, weight: Floats, seed: int
    ) -> list[Any]:
        from sklearn.pipeline import Pipeline

        filled = _filled(heard(features))
        for model in models:
            named = {f"{model.steps[-1][0]}__sample_weight": weight} if isinstance(model, Pipeline) else {}
            model.fit(filled, life, **(named or {"sample_weight": weight}))
        return list(models)

    def _members(self, rows: int, seed: int) -> list[Any]:
        from sklearn.ensemble import ExtraTreesRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import SVR

        chosen = self.settings
        forest = ExtraTreesRegressor(
            chosen.forest_trees,
            min_samples_leaf=chosen.forest_leaf,
            max_features=0.5,
            bootstrap=rows > chosen.forest_rows,
            max_samples=min(1.0, chosen.forest_rows / rows) if rows > chosen.forest_rows else None,
            random_state=seed,
        )
        members: list[Any] = [forest, self._boosted("squared_error", seed)]
        if rows <= chosen.kernel_rows:
            members.append(make_pipeline(StandardScaler(), SVR(C=chosen.kernel_c, epsilon=0.05)))
        return members

    def _band(self, seed: int) -> list[Any]:
        return [self._boosted("quantile", seed, quantile) for quantile in (LOW, HIGH)]

    def _boosted(self, loss: str, seed: int, quantile: float | None = None) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        chosen = self.settings
        return HistGradientBoostingRegressor(
            loss=loss,
            quantile=quantile,
            max_iter=chosen.boosted_trees,
            learning_rate=0.05,
            max_leaf_nodes=chosen.boosted_leaves,
            min_samples_leaf=chosen.boosted_leaf_rows,
            l2_regularization=5.0,
            max_features=0.3,
            early_stopping=False,
            random_state=seed,
        )


def _predicted(models: Sequence[Any], filled: Floats) -> Floats:
    return np.stack([np.asarray(model.predict(filled)) for model in models], axis=1)


def _filled(features: Floats) -> Floats:
    """Return features with 0 for what is not known: forest and kernel want numbers, and most are changes."""
    return np.nan_to_num(np.asarray(features, dtype=np.float64), posinf=0.0, neginf=0.0)


def _even(units: Ints) -> Floats:
    """Return weights with which each unit counts the same. Mean 1."""
    _, place, size = np.unique(units, return_inverse=True, return_counts=True)
    return np.asarray(len(units) / len(size) / size[place])


def _blend_weights(left_out: Floats, life: Floats, weight: Floats) -> Floats:
    """Return the weights, none negative, that sum to 1 and miss least over rows left out."""
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression(fit_intercept=False, positive=True).fit(left_out, life, sample_weight=weight)
    total = float(fitted.coef_.sum())
    even = np.full(left_out.shape[1], 1 / left_out.shape[1])
    return np.asarray(fitted.coef_ / total) if total > 0 else even


def _weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """Return the smallest value at or below which `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= share * weight.sum()
    return float(values[order][int(reached.argmax())])
