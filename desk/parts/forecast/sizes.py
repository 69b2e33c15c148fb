"""How many are asked for at once: a series' own sizes, and those of others in proportion."""

from dataclasses import dataclass

import numpy as np

from desk.parts.forecast.counts import Floats, Ints
from desk.parts.forecast.past import Past, fading

_HALF_LIFE = 48.0
_OTHERS = 16.0
"""Sizes of others count as so many orders beside a series' own."""
_EDGES = (1.01, 3.0, 10.0, 50.0)
"""Where a typical size is told from the next: who takes one at a time differs from who takes fifty."""
_PLACES = (np.arange(50) + 0.5) / 50
_LEAST_RATIOS = 60
"""Of so many the largest lies beyond the last quantile: what happened once to one is not for all."""
_YOUNG_SPREAD = 0.5
"""The standard deviation of the log of a size, where no history says it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """What was learned: `typical` size of a fleet, and `ratios` of a size to that series' typical size.

    `ratios` are quantiles, a row for each range of typical sizes. Shape: (5, 50).
    """

    typical: float
    ratios: Floats

    def of(self, past: Past) -> tuple[Ints, Floats]:
        """Return possible sizes and their weights, which sum to 1 a series. Shapes: (series, any).

        A weight of 0 is a place that holds no order. A series' own sizes weigh n / (n + 16) for n orders.
        """
        used = np.nan_to_num(past.used)
        ordered = used > 0
        count = ordered.sum(axis=1)
        typical = np.where(count > 0, _typical(used), self.typical)
        others = np.maximum(np.rint(typical[:, None] * self.ratios[_range(typical)]), 1.0)
        own = ordered * fading(past.periods, _HALF_LIFE)
        trust = count / (count + _OTHERS)
        own = own * (trust / np.maximum(own.sum(axis=1), 1e-300))[:, None]
        rest = np.repeat((1 - trust)[:, None] / len(_PLACES), len(_PLACES), axis=1)
        return np.hstack([used, others]).astype(np.int64), np.hstack([own, rest])


def learned(past: Past) -> Sizes:
    """Learn how the size of an order relates to the other orders of its series (its typical size)."""
    used = np.nan_to_num(past.used)
    ordered = used > 0
    count = ordered.sum(axis=1)
    logs = np.log(np.maximum(used, 1.0))
    row, column = np.nonzero(ordered & (count > 1)[:, None])
    others = np.exp((logs.sum(axis=1)[row] - logs[row, column]) / (count[row] - 1))
    ratios = used[row, column] / others
    among = _range(others)
    whole = _quantiles(ratios) if len(ratios) >= _LEAST_RATIOS else _young()
    table = [ratios[among == place] for place in range(len(_EDGES) + 1)]
    rows = [_quantiles(each) if len(each) >= _LEAST_RATIOS else whole for each in table]
    typical = float(np.exp(logs[ordered].mean())) if ordered.any() else 1.0
    return Sizes(typical, np.stack(rows))


def _typical(used: Floats) -> Floats:
    """Return the geometric mean of the sizes of each series; 1 without an order."""
    count = (used > 0).sum(axis=1)
    return np.asarray(np.exp(np.log(np.maximum(used, 1.0)).sum(axis=1) / np.maximum(count, 1)))


def _quantiles(ratios: Floats) -> Floats:
    return np.asarray(np.quantile(ratios, _PLACES, method="inverted_cdf"))


def _range(typical: Floats) -> Ints:
    return np.digitize(typical, _EDGES).astype(np.int64)


def _young() -> Floats:
    from scipy.special import ndtri

    return np.asarray(np.exp(_YOUNG_SPREAD * ndtri(_PLACES)))
