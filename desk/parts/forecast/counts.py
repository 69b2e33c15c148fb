"""Distributions over counts: how likely it is that so many parts are needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet.errors import InvalidInput

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NOTHING = 1e-15
"""A tail of so little chance is cut off: the sum of its cells is not worth their number."""
_CLOSE = 1e-9
"""By so much, as a share, a tail may be missed: .95 + .05 is not 1 in floating point."""
_MOST_CELLS = 1 << 14
"""Beyond so many cells, counts are told in steps of more than one."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """A distribution over counts: `chances[k]` is that of `k * step`; they sum to 1. Shape: (cells,).

    Where a step is more than one, counts were rounded up to it. Raises InvalidInput for what is no
    distribution.
    """

    chances: Floats
    step: int = 1

    def __post_init__(self) -> None:
        cells = self.chances
        right = cells.ndim == 1 and len(cells) > 0 and bool(np.isfinite(cells).all() and (cells >= 0).all())
        if not right or abs(float(cells.sum()) - 1) > 1e-6 or self.step < 1:
            raise InvalidInput("counts: chances must be a row of numbers from 0 on that sum to 1, step >= 1")

    @property
    def mean(self) -> float:
        """Return the mean count."""
        return float(self.chances @ np.arange(len(self.chances))) * self.step

    @property
    def variance(self) -> float:
        """Return the variance of the count."""
        off = np.arange(len(self.chances)) * self.step - self.mean
        return float(self.chances @ off**2)

    def tails(self) -> Floats:
        """Return the chance that the count is above each cell's. Shape: (cells,), falling."""
        from_here = np.cumsum(self.chances[::-1])[::-1]
        return np.append(from_here[1:], 0.0)

    def above(self, count: float) -> float:
        """Return the chance that more than `count` are needed."""
        cells = int(np.floor(count / self.step)) + 1
        return float(self.chances[max(cells, 0) :].sum())

    def quantile(self, q: float) -> int:
        """Return the smallest count that is enough with a chance of at least `q`, 0 < q < 1."""
        if not 0 < q < 1:
            raise InvalidInput(f"q: {q} must lie between 0 and 1, for example 0.95")
        return self.exceeded_with(1 - q)

    def exceeded_with(self, chance: float) -> int:
        """Return the smallest count that is exceeded with at most `chance`: the quantile for far tails."""
        return int(np.argmax(self.tails() <= chance * (1 + _CLOSE))) * self.step

    def plus(self, other: "Counts") -> "Counts":
        """Return the distribution of the sum with an independent count."""
        step = max(self.step, other.step)
        one, two = self.in_steps(step), other.in_steps(step)
        return _clean(_convolved(one.chances, two.chances), step)

    def in_steps(self, step: int) -> "Counts":
        """Return it with every count rounded up to a multiple of `step`."""
        if step == self.step:
            return self
        counts = np.arange(len(self.chances)) * self.step
        return Counts(np.asarray(np.bincount(-(-counts // step), self.chances), np.float64), step)


_MOST_EXACT = 2_000
"""So many events of a sum are each taken as they are."""
_SMALL = 1e-3
"""In a large sum, events of less chance are all alike: how often two of them happen is nothing."""
NONE = Counts(np.ones(1))
"""None is needed, for sure."""


def mixed(parts: Sequence[tuple[float, Counts]]) -> Counts:
    """Return what holds when with each weight (they sum to 1) that distribution does."""
    step = max(each.step for _, each in parts)
    told = [(weight, each.in_steps(step).chances) for weight, each in parts]
    total = np.zeros(max(len(cells) for _, cells in told))
    for weight, cells in told:
        total[: len(cells)] += weight * cells
    return _clean(total, step)


def bernoulli_sum(chances: Iterable[float]) -> Counts:
    """Return how many of independent events happen, each with its own chance: the Poisson-binomial, exactly.

    Two halves of the events are convolved, each made likewise. Of more than 2,000 events those whose chances
    are alike to two digits make one binomial at their mean: a fleet of 100,000 devices takes a moment then,
    with the same mean and hardly another spread. Raises InvalidInput for what is no chance.
    """
    told = np.fromiter(chances, np.float64)
    if not np.all((told >= 0) & (told <= 1)):
        raise InvalidInput("risks: each must lie between 0 and 1")
    rows = _alike(told) if len(told) > _MOST_EXACT else [np.array([1 - chance, chance]) for chance in told]
    while len(rows) > 1:
        paired = [_trimmed(np.convolve(rows[at], rows[at + 1])) for at in range(0, len(rows) - 1, 2)]
        rows = paired + rows[len(paired) * 2 :]
    return _clean(rows[0]) if rows else NONE


def _alike(chances: Floats) -> list[Floats]:
    """Return the binomials of chances that are alike to two digits, or below a thousandth, at their mean."""
    scale = 10.0 ** (1 - np.floor(np.log10(np.maximum(chances, _SMALL))))
    groups = np.round(np.where(chances < _SMALL, 0.0, chances) * scale) / scale
    _, group = np.unique(groups, return_inverse=True)
    counts = np.bincount(group)
    means = np.minimum(np.bincount(group, chances) / counts, 1.0)
    return [_trimmed(_binomial(int(many), float(p))) for p, many in zip(means, counts, strict=True)]


def thinned(whole: Counts, share: float, lot: int = 1) -> Counts:
    """Return how many of a count come in a share of its time, in lots of about `lot` pieces each.

    Each lot comes in that time with the chance `share`, independently. Raises InvalidInput for no share.
    """
    if not 0 <= share <= 1:
        raise InvalidInput(f"share: {share} must lie between 0 and 1")
    found = np.zeros(len(whole.chances))
    for count, chance in enumerate(whole.chances):
        lots = -(-count * whole.step // lot)
        come = np.minimum(-(-np.arange(lots + 1) * lot // whole.step), count)
        np.add.at(found, come, chance * _binomial(lots, share))
    return _clean(found, whole.step)


def _binomial(many: int, chance: float) -> Floats:
    """Return the chances of 0, 1, ... of so many events. Shape: (many + 1,)."""
    from scipy.special import gammaln, xlog1py, xlogy

    count = np.arange(many + 1)
    logs = gammaln(many + 1) - gammaln(count + 1) - gammaln(many - count + 1)
    return np.asarray(np.exp(logs + xlogy(count, chance) + xlog1py(many - count, -chance)))


def compound(orders: Floats, sizes: Ints, weights: Floats) -> Counts:
    """Return the sum over a random number of orders, each of a random size, all independent.

    `orders[n]` is the chance of n orders; a size of `sizes` comes with its weight (they sum to 1). The
    transform of the sum is the polynomial of `orders` in the transform of one size, worked out by Horner.
    """
    most = (len(orders) - 1) * int(sizes.max(initial=0))
    step = 1 << max(0, int(np.ceil(np.log2((most + 1) / _MOST_CELLS))))
    cells = -(-most // step) + len(orders)
    length = 1 << int(np.ceil(np.log2(cells)))
    one = np.fft.rfft(np.bincount(-(-sizes // step), weights, length))
    total = np.full(len(one), orders[-1], dtype=np.complex128)
    for chance in orders[-2::-1]:
        total = total * one + chance
    return _clean(np.fft.irfft(total, length)[:cells], step)


def _convolved(one: Floats, two: Floats) -> Floats:
    """Return the convolution, by the transform where both are long."""
    if min(len(one), len(two)) <= 64:
        return np.convolve(one, two)
    cells = len(one) + len(two) - 1
    length = 1 << int(np.ceil(np.log2(cells)))
    return np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(two, length), length)[:cells]


def _clean(cells: Floats, step: int = 1) -> Counts:
    """Return a distribution of cells that rounding took below 0 or away from a sum of 1."""
    kept = _trimmed(np.maximum(cells, 0.0))
    return Counts(kept / kept.sum(), step)


def _trimmed(cells: Floats) -> Floats:
    tail = np.cumsum(cells[::-1])[::-1]
    return cells[: max(1, int(np.count_nonzero(tail > _NOTHING)))]
