"""The plain distributions of one series' own demand: empirical, Poisson, negative binomial."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from desk.parts.forecast.counts import NONE, Counts, Floats, compound
from desk.parts.forecast.past import Past, fading

_LARGEST, _NEVER = 2.0**40, 1e-12


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
        return self._smallest(form, chance * (1 + 1e-9))

    def counts(self, form: Form, row: int) -> Counts:
        """Return the distribution of one series' period."""
        if self.mean[row] <= 0:
            return NONE
        if form is Form.EMPIRICAL:
            return compound(np.array([0.0, 1.0]), self.used[row].astype(np.int64), self.weights[row])
        one = Levels(*(each[row : row + 1] for each in (self.mean, self.variance, self.used, self.weights)))
        most = int(one.exceeded_with(form, _NEVER)[0])
        step = max(1, most >> 14)
        upto = np.arange(0, most + step, step, dtype=np.float64)
        above = one._above(form, upto)
        cells = -np.diff(np.r_[1.0, above[:-1], 0.0])
        return Counts(cells / cells.sum(), step)

    def _seen(self, chance: float) -> Floats:
        order = np.argsort(self.used, axis=1)[:, ::-1]
        above = np.cumsum(np.take_along_axis(self.weights, order, axis=1), axis=1)
        place = np.sum(above <= chance, axis=1)
        down = np.take_along_axis(self.used, order, axis=1)
        down = np.column_stack([down, np.zeros(len(down))])
        return np.asarray(np.take_along_axis(down, place[:, None], axis=1)[:, 0])

    def _smallest(self, form: Form, chance: float) -> Floats:
        low, high = np.full(len(self.mean), -1.0), np.full(len(self.mean), _LARGEST)
        while (high - low > 1).any():
            middle = np.floor((low + high) / 2)
            enough = self._above(form, middle) <= chance
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return high

    def _above(self, form: Form, count: Floats) -> Floats:
        """Return the chance of more than `count`: regularised incomplete gamma, or beta for more variance."""
        from scipy.special import betainc, gammainc

        mean = np.maximum(self.mean, 1e-300)
        poisson = gammainc(count + 1, mean)
        if form is Form.POISSON:
            return np.asarray(poisson)
        excess = np.maximum(self.variance - self.mean, 0.0)
        shape = mean**2 / np.where(excess > 1e-9 * mean, excess, 1.0)
        return np.asarray(
            np.where(excess > 1e-9 * mean, betainc(count + 1, shape, mean / (shape + mean)), poisson)
        )


def levels(past: Past, half_life: float = np.inf) -> Levels:
    """Return the fading mean and variance (unbiased where nothing fades) of each series."""
    known = ~np.isnan(past.used)
    used = np.nan_to_num(past.used)
    weights = known * fading(past.periods, half_life)
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    mean = (used * weights).sum(axis=1)
    square = (weights * (used - mean[:, None]) ** 2).sum(axis=1)
    return Levels(mean, square / np.maximum(1 - (weights**2).sum(axis=1), 1e-9), used, weights)
