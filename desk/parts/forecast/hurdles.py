"""Orders and their sizes, told apart: what all series of a fleet say about each.

A period has an order or none (a regression, times a season), and an order has a size: Croston's separation
("Forecasting and stock control for intermittent demands", 1972) told as a whole distribution.
"""

from dataclasses import dataclass

import numpy as np

from desk.parts.forecast import occurrence, sizes
from desk.parts.forecast.counts import Counts, Floats, Ints, compound
from desk.parts.forecast.past import Past
from desk.parts.forecast.season import seasons


@dataclass(frozen=True, slots=True, eq=False)
class Hurdles:
    """What is expected of each series after a past.

    `chances` of an order in each coming period (series, ahead); `sizes` an order may have and their `weights`
    (series, any), a weight of 0 is no size; `together` as desk.parts.forecast.occurrence says.
    """

    chances: Floats
    sizes: Ints
    weights: Floats
    together: float

    def quantiles(self, q: float) -> Floats:
        """Return the smallest count that is enough with a chance of at least q. Shape: (series, ahead)."""
        order = np.argsort(self.sizes, axis=1)
        sizes_up = np.take_along_axis(self.sizes, order, axis=1)
        below = np.cumsum(np.take_along_axis(self.weights, order, axis=1), axis=1)
        found = np.zeros(self.chances.shape)
        for column, chance in enumerate(self.chances.T):
            wanted = 1 - (1 - q) / chance
            place = np.sum(below < np.minimum(wanted, below[:, -1])[:, None] - 1e-9, axis=1)
            size = np.take_along_axis(sizes_up, place[:, None], axis=1)[:, 0]
            found[:, column] = np.where(wanted <= 1e-9, 0, size)
        return found

    def total(self, row: int, periods: int, share: float = 1.0) -> Counts:
        """Return the sum of a series over the first periods; an order is counted with the chance `share`."""
        orders = beta_binomial(self.chances[row, :periods] * share, self.together)
        sized = self.weights[row] > 0
        return compound(orders, self.sizes[row, sized], self.weights[row, sized])


def hurdles(past: Past, ahead: int) -> Hurdles:
    """Learn from a past, and say what is expected of each of its series in the next `ahead` periods."""
    learned = occurrence.learned(past)
    chance = learned.chances(past)
    factors = seasons(past)[past.calendar(ahead, past.periods)]
    odds = (chance / (1 - chance))[:, None] * factors
    return Hurdles(odds / (1 + odds), *sizes.learned(past).of(past), learned.together)


def beta_binomial(chances: Floats, together: float) -> Floats:
    """Return the chance of 0, 1, ... periods with an order. Shape: (periods + 1,).

    The mean of `chances` is the binomial's, `together` the correlation of two periods: beta-binomial with
    a + b = 1 / together - 1 (Skellam, "A probability distribution derived from the binomial distribution",
    1948). For one period it is that period's chance.
    """
    from scipy.special import betaln, gammaln, xlog1py, xlogy

    periods = len(chances)
    chance = float(chances.mean()) if periods else 0.0
    count = np.arange(periods + 1)
    logs = gammaln(periods + 1) - gammaln(count + 1) - gammaln(periods - count + 1)
    if periods < 2 or together < 1e-6 or not 0 < chance < 1:
        logs += xlogy(count, chance) + xlog1py(periods - count, -chance)
    else:
        weight = 1 / together - 1
        one, other = chance * weight, (1 - chance) * weight
        logs += betaln(count + one, periods - count + other) - betaln(one, other)
    found = np.exp(logs)
    return np.asarray(found / found.sum())
