"""Remaining life: how long a wearing part still has, as p10, p50 and p90 that keep their promise.

The middle is a blend of up to three kinds of regression, weighted by how well each did on units not seen;
those fitted without some units may join the one fitted to all as a committee. The band around it is
conformalised quantile regression (Romano, Patterson, Candès, "Conformalized quantile regression", NeurIPS
2019): quantile trees, widened or narrowed by what units left out of fitting showed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fleet.errors import NotEnoughHistory
from models.features.windows import Floats, Ints
from models.learning.training import heard

LOW, HIGH = 0.1, 0.9
LEAST_UNITS = 6
"""Fewer lives than this say too little about how lives differ."""


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """How a life model is fitted. `folds` of whole units give what was not seen in fitting.

    In a `committee` the models of all folds are asked too: steadier, though each saw fewer units.
    A life above `most` counts as `most`. Boosting or a forest of no trees, or a kernel regression of no rows,
    is left out; the kernel's cost grows with the square of its rows, so it sees `kernel_rows` of them.
    `kernel_width` is the inverse of its squared width, for standardised features, times their number.
    """

    folds: int = 4
    committee: bool = True
    most: float = np.inf
    forest_trees: int = 0
    forest_leaf: int = 5
    boosted_trees: int = 100
    boosted_leaves: int = 15
    boosted_leaf_rows: int = 40
    boosted_rate: float = 0.07
    boosted_features: float = 0.2
    band_trees: int = 60
    kernel_rows: int = 2_000
    kernel_c: float = 300.0
    kernel_width: float = 0.5


@dataclass(frozen=True, slots=True)
class LifeEstimate:
    """Remaining life in the unit it was taught in, never negative. Shapes: (rows,).

    `p10 <= p50 <= p90`; `expected` is the estimate of least squared error.
    """

    p10: Floats
    p50: Floats
    p90: Floats
    expected: Floats

    def coverage(self, life: Floats) -> float:
        """Return which share of true lives lies between p10 and p90."""
        return float(((self.p10 <= life) & (life <= self.p90)).mean())


@dataclass
class LifeModel:
    """Regressions of remaining life with what makes a blend and a band of them."""

    settings: LifeSettings = field(default_factory=LifeSettings)
    members: list[list[Any]] = field(default_factory=list)
    weights: Floats = field(default_factory=lambda: np.empty(0))
    band: list[list[Any]] = field(default_factory=list)
    shift: float = 0.0
    widening: float = 0.0

    def fit(self, features: Floats, life: Floats, units: Ints, seed: int) -> "LifeModel":
        """Learn from rows (rows, features), their remaining `life` and the unit each is of; return itself.

        Every unit counts the same, however long it lived. Raises NotEnoughHistory for too few units.
        """
        count = len(np.unique(units))
        if count < LEAST_UNITS:
            raise NotEnoughHistory(f"{count} lives to learn from; {LEAST_UNITS} are needed")
        life = np.minimum(life, self.settings.most)
        weight = even_weights(units)
        left_out, edges = self._left_out(features, life, units, weight, seed)
        self.weights = _blend_weights(left_out, life, weight)
        self.shift = weighted_quantile(life - self._middle(left_out), weight, 0.5)
        missed = np.maximum(edges[:, 0] - life, life - edges[:, 1])
        self.widening = weighted_quantile(missed, weight, HIGH - LOW)
        self._keep(*self._fitted(features, life, weight, seed))
        return self

    def predict(self, features: Floats) -> LifeEstimate:
        """Return the estimate for each row."""
        filled = _filled(features)
        expected = self._middle(np.mean([_predicted(each, filled) for each in self.members], axis=0))
        edges = np.mean([_predicted(each, filled) for each in self.band], axis=0)
        p50 = self._possible(expected + self.shift)
        low = np.minimum(self._possible(edges[:, 0] - self.widening), p50)
        high = np.maximum(self._possible(edges[:, 1] + self.widening), p50)
        return LifeEstimate(low, p50, high, expected)

    def _keep(self, members: list[Any], band: list[Any]) -> None:
        self.members.append(members)
        self.band.append(band)

    def _middle(self, said: Floats) -> Floats:
        """Return the blend of what members say, shape (rows, members)."""
        return self._possible(said @ self.weights)

    def _possible(self, life: Floats) -> Floats:
        return np.clip(life, 0.0, self.settings.most)

    def _left_out(
        self, features: Floats, life: Floats, units: Ints, weight: Floats, seed: int
    ) -> tuple[Floats, Floats]:
        """Return what members and band say of units that they were not fitted on."""
        from sklearn.model_selection import GroupKFold

        said: list[tuple[Ints, Floats, Floats]] = []
        folds = GroupKFold(min(self.settings.folds, len(np.unique(units))), shuffle=True, random_state=seed)
        for seen, unseen in folds.split(features, life, units):
            members, band = self._fitted(features[seen], life[seen], weight[seen], seed)
            if self.settings.committee:
                self._keep(members, band)
            filled = _filled(features[unseen])
            said.append((unseen, _predicted(members, filled), _predicted(band, filled)))
        order = np.argsort(np.concatenate([rows for rows, _, _ in said]))
        middle, edges = (np.concatenate([each[part] for each in said])[order] for part in (1, 2))
        return middle, edges

    def _fitted(
        self, features: Floats, life: Floats, weight: Floats, seed: int
    ) -> tuple[list[Any], list[Any]]:
        """Return members and band, fitted anew to some rows."""
        filled, chosen = _filled(heard(features)), self.settings
        drawn = drawn_evenly(weight)
        members = []
        if chosen.boosted_trees:
            members.append(_boosted(chosen, seed, "squared_error").fit(filled[drawn], life[drawn]))
        if chosen.forest_trees:
            members.append(_forest(chosen, seed).fit(filled, life, weight))
        if chosen.kernel_rows:
            some = _evenly(len(filled), chosen.kernel_rows)
            kernel = _kernel(chosen, filled.shape[1])
            members.append(kernel.fit(filled[some], life[some], svr__sample_weight=weight[some]))
        band = [
            _boosted(chosen, seed, "quantile", quantile).fit(filled[drawn], life[drawn])
            for quantile in (LOW, HIGH)
        ]
        return members, band


def _forest(chosen: LifeSettings, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(
        chosen.forest_trees, min_samples_leaf=chosen.forest_leaf, max_features=0.5, random_state=seed
    )


def _kernel(chosen: LifeSettings, features: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    machine = SVR(C=chosen.kernel_c, epsilon=1.0, gamma=chosen.kernel_width / features, cache_size=500)
    return make_pipeline(StandardScaler(), machine)


def _boosted(chosen: LifeSettings, seed: int, loss: str, quantile: float | None = None) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss=loss,
        quantile=quantile,
        max_iter=chosen.boosted_trees if quantile is None else chosen.band_trees,
        learning_rate=chosen.boosted_rate,
        max_leaf_nodes=chosen.boosted_leaves,
        min_samples_leaf=chosen.boosted_leaf_rows,
        l2_regularization=5.0,
        max_features=chosen.boosted_features,
        early_stopping=False,
        random_state=seed,
    )


def _evenly(rows: int, most: int) -> Ints:
    """Return the places of at most `most` of `rows` rows, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


def _predicted(models: Sequence[Any], filled: Floats) -> Floats:
    return np.stack([np.asarray(model.predict(filled)) for model in models], axis=1)


def _filled(features: Floats) -> Floats:
    """Return features with 0 for what is not known: forest and kernel want numbers, and most are changes."""
    return np.nan_to_num(np.asarray(features, dtype=np.float64), posinf=0.0, neginf=0.0)


def even_weights(units: Ints) -> Floats:
    """Return weights with which each unit counts the same. Mean 1."""
    _, place, size = np.unique(units, return_inverse=True, return_counts=True)
    return np.asarray(len(units) / len(size) / size[place])


def drawn_evenly(weight: Floats) -> Ints:
    """Return places of as many rows, each drawn in proportion to its weight, at even steps.

    With weights, leaves of quantile trees take 50 times longer than with rows that stand there twice, and so
    do the bins of any boosted trees.
    """
    total = np.cumsum(weight)
    steps = (np.arange(len(weight)) + 0.5) / len(weight) * total[-1]
    return np.asarray(np.minimum(np.searchsorted(total, steps), len(weight) - 1), dtype=np.int64)


def _blend_weights(left_out: Floats, life: Floats, weight: Floats) -> Floats:
    """Return the weights, none negative, that sum to 1 and miss least over rows left out."""
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression(fit_intercept=False, positive=True).fit(left_out, life, sample_weight=weight)
    total = float(fitted.coef_.sum())
    even = np.full(left_out.shape[1], 1 / left_out.shape[1])
    return np.asarray(fitted.coef_ / total) if total > 0 else even


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """Return the smallest value at or below which `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= share * weight.sum()
    return float(values[order][int(reached.argmax())])
