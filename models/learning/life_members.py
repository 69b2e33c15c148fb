"""The members of a life model: regressions that are told how long rows had left, and what they draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.features.windows import Floats, Ints
from models.learning.training import heard

LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9
_TO_EVEN = 0.1
"""How strongly weights are drawn to even ones, in rows that say so a row that was left out."""


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """How a life model is fitted. `folds` of whole devices give what was not seen in fitting.

    Rows beyond `most_rows`, of lives that ended or of others, and beyond `rows_a_life` are thinned out:
    neighbours say nearly the same.
    Boosting or a forest of no trees, or a kernel regression of no rows, is left out. A kernel's cost grows
    with the cube of its rows, so it sees `kernel_rows` of them; `kernel_width` is the inverse of its squared
    width, for standardised features, times their number. A member that earns less than `least_weight` is not
    kept.
    """

    folds: int = 8
    most_rows: int = 3_000
    rows_a_life: int = 30
    forest_trees: int = 40
    forest_leaf: int = 5
    boosted_trees: int = 100
    boosted_leaves: int = 15
    boosted_leaf_rows: int = 40
    boosted_rate: float = 0.07
    boosted_features: float = 0.2
    kernel_rows: int = 1_500
    kernel_ridge: float = 0.06
    kernel_width: float = 0.35
    band_trees: int = 40
    least_weight: float = 0.1


def fitted_members(
    features: Floats, life: Floats, weight: Floats, chosen: LifeSettings, seed: int
) -> list[Any]:
    """Return the regressions of least squares, fitted to `life` at rows of `features` (filled)."""
    members = []
    drawn = drawn_evenly(weight)
    if chosen.forest_trees:
        members.append(_forest(chosen, seed).fit(features, life, weight))
    if chosen.boosted_trees:
        members.append(_boosted(chosen, seed).fit(features[drawn], life[drawn]))
    if chosen.kernel_rows:
        some = evenly(len(features), chosen.kernel_rows)
        kernel = _kernel(chosen, features.shape[1])
        members.append(kernel.fit(features[some], life[some], kernelridge__sample_weight=weight[some]))
    return members


def fitted_gate(features: Floats, life: Floats, weight: Floats, seed: int) -> Any:
    """Return small quantile trees of the p50: they are asked of every device of a fleet."""
    drawn = drawn_evenly(weight)
    # What one model of a fleet alone measures may be known of none of these rows.
    return _quantile_trees(MIDDLE, 30, 6, 0.12, 20, 0.3, seed).fit(heard(features[drawn]), life[drawn])


def fitted_band(features: Floats, life: Floats, weight: Floats, chosen: LifeSettings, seed: int) -> list[Any]:
    """Return quantile trees of p10 and p90 of a row's `life` (or how far it is off) from a few `features`."""
    drawn = drawn_evenly(weight)
    shape = chosen.band_trees, 6, 0.1, max(20, len(life) // 60), 1.0, seed
    return [_quantile_trees(quantile, *shape).fit(features[drawn], life[drawn]) for quantile in (LOW, HIGH)]


def _quantile_trees(
    quantile: float, trees: int, leaves: int, rate: float, leaf_rows: int, share: float, seed: int
) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="quantile",
        quantile=quantile,
        max_iter=trees,
        learning_rate=rate,
        max_leaf_nodes=leaves,
        min_samples_leaf=leaf_rows,
        l2_regularization=5.0,
        max_features=share,
        max_bins=64,
        early_stopping=False,
        random_state=seed,
    )


def _forest(chosen: LifeSettings, seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(
        chosen.forest_trees, min_samples_leaf=chosen.forest_leaf, max_features=0.5, random_state=seed
    )


def _kernel(chosen: LifeSettings, features: int) -> Any:
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    width = chosen.kernel_width / features
    return make_pipeline(StandardScaler(), KernelRidge(kernel="rbf", gamma=width, alpha=chosen.kernel_ridge))


def _boosted(chosen: LifeSettings, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=chosen.boosted_trees,
        learning_rate=chosen.boosted_rate,
        max_leaf_nodes=chosen.boosted_leaves,
        min_samples_leaf=chosen.boosted_leaf_rows,
        l2_regularization=5.0,
        max_features=chosen.boosted_features,
        early_stopping=False,
        random_state=seed,
    )


def said_by(members: Sequence[Any], features: Floats) -> Floats:
    """Return what each of `members` says of rows. Shape: (rows, members)."""
    return np.stack([np.asarray(model.predict(features)) for model in members], axis=1)


def evenly(rows: int, most: int) -> Ints:
    """Return the places of at most `most` of `rows` rows, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


def filled(features: Floats) -> Floats:
    """Return features with 0 for what is not known: forest and kernel want numbers, and most are changes."""
    return np.nan_to_num(np.asarray(features, dtype=np.float64), posinf=0.0, neginf=0.0)


def drawn_evenly(weight: Floats) -> Ints:
    """Return places of as many rows, each drawn in proportion to its weight, at even steps.

    With weights, leaves of quantile trees take 50 times longer than with rows that stand there twice, and so
    do the bins of any boosted trees.
    """
    total = np.cumsum(weight)
    steps = (np.arange(len(weight)) + 0.5) / len(weight) * total[-1]
    return np.asarray(np.minimum(np.searchsorted(total, steps), len(weight) - 1), dtype=np.int64)


def weighted_quantile(values: Floats, weight: Floats, share: float) -> float:
    """Return the smallest value at or below which `share` of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) >= share * weight.sum()
    return float(values[order][int(reached.argmax())])


def blend_weights(said: Floats, life: Floats, weight: Floats, least: float) -> Floats:
    """Return the weights, none negative, that sum to 1 and miss least over rows left out, drawn to even ones.

    A member that earns less than `least` gets none.
    """
    from sklearn.linear_model import LinearRegression

    members = said.shape[1]
    if members == 1:
        return np.ones(1)
    apart = float(said.var(axis=1).mean())
    drawn = np.sqrt(_TO_EVEN * apart * len(said)) * np.eye(members)
    fitted = LinearRegression(fit_intercept=False, positive=True).fit(
        np.vstack([said, drawn]),
        np.append(life, drawn.sum(axis=1) / members),
        sample_weight=np.append(weight / weight.mean(), np.ones(members)),
    )
    found = np.asarray(fitted.coef_) / max(float(fitted.coef_.sum()), 1e-12)
    found = np.where(found < min(least, float(found.max())), 0.0, found)
    return np.asarray(found / found.sum())
