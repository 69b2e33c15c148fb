"""The plain distributions of one series' own demand: empirical, Poisson, negative binomial."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from desk.parts.forecast.counts import NONE, Bools, Counts, Floats, compound
from desk.parts.forecast.past import Past, fading

_LARGEST, _NEVER = 2.0**40, 1e-12
_MOST_CELLS = 1 << 14


class Form(StrEnum):
    """What a distribution is made of: `POOLED` learns from all series, the others from one alone."""

    POOLED = "pooled"
    EMPIRICAL = "empirical"
    POISSON = "poisson"
    NEGATIVE_BINOMIAL = "negative_binomial"


SIMPLE = (Form.EMPIRICAL, Form.POISSON, Form.NEGATIVE_BINOMIAL)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Mean and variance of a period's demand as they fade with a half-life, and the periods themselves.

    Shapes: (series,), `used` (series, periods). An unknown period counts for nothing; without
    any, both are 0.
    """

    mean: Floats
    variance: Floats
    used: Floats
    weights: Floats

    def quantiles(self, form: Form, q: float) -> Floats:
        """Return the smallest count that is enough for a period with a chance of q or more: (series,)."""
        return self.exceeded_with(form, 1 - q)

    def exceeded_with(self, form: Form, chance: float) -> Floats:
        """Return the smallest count that is exceeded with at most `chance`, for tails however far."""
        if form is Form.EMPIRICAL:
            return self._seen(chance * (1 + 1e-9))
        limit = chance * (1 + 1e-9)
        return smallest(lambda count: _above(form, count, self.mean, self.variance) <= limit, self.mean.shape)

    def counts(self, form: Form, row: int) -> Counts:
        """Return the distribution of one series' period."""
        if self.mean[row] <= 0:
            return NONE
        if form is Form.EMPIRICAL:
            return compound(np.array([0.0, 1.0]), self.used[row].astype(np.int64), self.weights[row])
        mean, variance = self.mean[row], self.variance[row]

        def above(count: Floats) -> Floats:
            return _above(form, count, np.full(count.shape, mean), np.full(count.shape, variance))

        most = int(smallest(lambda count: above(count) <= _NEVER, (1,))[0])
        step = max(1, most // _MOST_CELLS)
        tails = above(np.arange(0, most, step, dtype=np.float64))
        cells = -np.diff(np.r_[1.0, tails, 0.0])
        return Counts(cells / cells.sum(), step)

    def _seen(self, chance: float) -> Floats:
        order = np.argsort(self.used, axis=1)[:, ::-1]
        above = np.cumsum(np.take_along_axis(self.weights, order, axis=1), axis=1)
        place = np.sum(above <= chance, axis=1)
        down = np.take_along_axis(self.used, order, axis=1)
        down = np.column_stack([down, np.zeros(len(down))])
        return np.asarray(np.take_along_axis(down, place[:, None], axis=1)[:, 0])


def _above(form: Form, count: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the chance of more than `count`: regularised incomplete gamma, or beta for more variance.

    Poisson: P(count + 1, mean). Negative binomial with r = mean**2 / (variance - mean):
    I(count + 1, r) at mean / (r + mean). A variance up to the mean is Poisson's (Abramowitz and Stegun 26.5).
    """
    from scipy.special import betainc, gammainc

    excess = np.maximum(variance - mean, 0.0)
    lumpy = (excess > 1e-9 * mean) & (form is Form.NEGATIVE_BINOMIAL)
    found = np.empty(mean.shape)
    found[~lumpy] = gammainc(count[~lumpy] + 1, mean[~lumpy])
    shape = mean[lumpy] ** 2 / excess[lumpy]
    found[lumpy] = betainc(count[lumpy] + 1, shape, mean[lumpy] / (shape + mean[lumpy]))
    return found


def smallest(enough: Callable[[Floats], Bools], shape: tuple[int, ...]) -> Floats:
    """Return the smallest count from 0 on that is enough, for each place: it is doubled, then halved."""
    low, high = np.full(shape, -1.0), np.ones(shape)
    while not (known := enough(high)).all() and high.max(initial=0) < _LARGEST:
        low, high = np.where(known, low, high), np.where(known, high, high * 2)
    while (high - low > 1).any():
        middle = np.where(high - low > 1, np.floor((low + high) / 2), high)
        known = enough(middle)
        low, high = np.where(known, low, middle), np.where(known, middle, high)
    return high


def levels(past: Past, half_life: float = np.inf) -> Levels:
    """Return the fading mean and variance (unbiased where nothing fades) of each series."""
    known = ~np.isnan(past.used)
    used = np.nan_to_num(past.used)
    weights = known * fading(past.periods, half_life)
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    mean = (used * weights).sum(axis=1)
    square = (weights * (used - mean[:, None]) ** 2).sum(axis=1)
    return Levels(mean, square / np.maximum(1 - (weights**2).sum(axis=1), 1e-9), used, weights)
