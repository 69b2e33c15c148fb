"""A store that orders up to a quantile: what it holds for how much of the demand it can meet."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from desk.parts.forecast.counts import Floats
from desk.parts.forecast.simple import smallest

Targets = Callable[[float], Floats]
"""Up to which count a policy orders, to be exceeded with a chance of 10 ** -x. Shape: (series, reviews)."""
_FARTHEST = 1e4
"""So strict a policy is made at most, to reach its fill."""
_HALVINGS = 40
_TINY = 1e-290


@dataclass(frozen=True, slots=True)
class Weights:
    """How series count: multiplied with what was asked of each and met, and with its stock: (series,)."""

    demand: Floats
    stock: Floats


@dataclass(frozen=True, slots=True)
class Held:
    """What a policy came to when exceeded with a chance of `10 ** -strictness`.

    `fill` is the share of demand that was met at once, `stock` the mean of what lay on the shelf at a month's
    end, over series and months.
    """

    strictness: float
    fill: float
    stock: float


def held_at_fill(demand: Floats, targets: Targets, lead: int, fill: float, weights: Weights) -> Held:
    """Return what a policy holds at the smallest q for which its fill over the test months reaches `fill`.

    One q for all series, found by halving an interval of -log10(1 - q). `demand`, of shape (series,
    lead - 1 + months), begins at the first review. Where no q is enough, the strictest is told.
    """

    def at(strictness: float) -> Held:
        met, stock = run_store(demand, targets(strictness), lead)
        asked = demand[:, lead - 1 :].sum(axis=1)
        share = float(met.sum(axis=1) @ weights.demand / max(asked @ weights.demand, 1e-300))
        return Held(strictness, share, float((stock.mean(axis=1) * weights.stock).mean()))

    low, high = 0.0, _FARTHEST
    best = at(high)
    for _ in range(_HALVINGS if best.fill >= fill else 0):
        middle = (low + high) / 2
        told = at(middle)
        if told.fill >= fill:
            high, best = middle, told
        else:
            low = middle
    return best


def run_store(demand: Floats, targets: Floats, lead: int) -> tuple[Floats, Floats]:
    """Return what was met at once, and what was left at the month's end. Shapes: (series, months).

    At the start of each month the store orders what its position (on the shelf and on order, less what is
    owed) lacks of the target. An order is there for the demand of the last of `lead` months, its own month
    the first: what was ordered has to last for exactly these. What is not met is owed and delivered later.
    The store begins at its first target, `lead - 1` months before the first that counts.
    """
    position = targets[:, 0].copy()
    met, left = np.empty(targets.shape), np.empty(targets.shape)
    for review in range(targets.shape[1]):
        if review:
            position = np.maximum(position - demand[:, review - 1], targets[:, review])
        month = review + lead - 1
        there = position - demand[:, review:month].sum(axis=1)
        met[:, review] = np.clip(there, 0, demand[:, month])
        left[:, review] = np.maximum(there - demand[:, month], 0)
    return met, left


def poisson_target(mean: Floats, strictness: float) -> Floats:
    """Return the smallest count that a Poisson variable exceeds with a chance of at most 10 ** -strictness.

    In logarithms: a Poisson base stock reaches the fill on lumpy demand at chances no float can hold.
    """
    limit = -strictness * np.log(10)
    return smallest(lambda count: _log_above(count, mean) <= limit, mean.shape)


def _log_above(count: Floats, mean: Floats) -> Floats:
    """Return ln P(X > count) = ln of the regularised lower incomplete gamma P(count + 1, mean).

    Where that is too small for a float: a ln x - x - ln(a!) + ln 1F1(1; a + 1; x), with a = count + 1 and
    x = mean (Abramowitz and Stegun 6.5.12).
    """
    from scipy.special import gammainc, gammaln, hyp1f1, xlogy

    chance = gammainc(count + 1, mean)
    plain = chance > _TINY
    above = np.where(plain, count + 1, np.maximum(count + 1, 1.0))
    far = (
        xlogy(above, mean)
        - mean
        - gammaln(above + 1)
        + np.log(hyp1f1(1.0, above + 1, np.where(plain, 0, mean)))
    )
    return np.asarray(np.where(plain, np.log(np.where(plain, chance, 1.0)), far))
