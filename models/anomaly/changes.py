"""Changes in units of what is usual, and what they come to: robots over days and a pump over seconds alike.

Whoever asks brings levels, or what a trailing window differs by from what was usual before it, and how much
each measure moves by itself: from step to step (`noise`), and slowly (`spread`: as machines differ, or as one
wanders the longer ago it was learned). What is left is added up with the covariance between measures, so
that ten which always go together are not ten reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.robust import known_mean
from models.features.windows import Floats

_POOLED = 5.0
"""The noise that is known of all counts like so many steps of the machine's own."""
_EMPTY = 1e-9


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a window differs from what was before (NaN: not known), and of how many steps both are.

    Shapes: (measures, machines), or what fits to it.
    """

    moved: Floats
    earlier: Floats
    now: Floats


@dataclass(frozen=True, slots=True)
class Units:
    """What changes are measured in, and how far one counts (`limit`); all by measure, shape (measures, 1).

    `noise` is the spread from step to step, `spread` (windows, measures, 1 or machines) that of changes
    beside it, `least` what is no more than chance.
    """

    noise: Floats
    spread: Floats
    least: Floats
    limit: Floats


def trailing_changes(levels: Floats, windows: Sequence[int], least: int) -> Iterator[Change]:
    """Yield for each trailing window the change of its mean against that of all steps before it.

    `levels` (measures, steps, machines), NaN for unknown; fewer than `least` steps before tell nothing.
    """
    known = np.isfinite(levels)
    filled = np.where(known, levels, np.float32(0))
    count, total = known.sum(axis=1), filled.sum(axis=1)
    for steps in windows:
        now, recent = known[:, -steps:].sum(axis=1), filled[:, -steps:].sum(axis=1)
        earlier = count - now
        moved = np.full(total.shape, np.nan, dtype=levels.dtype)
        told = (earlier >= least) & (now > 0)
        np.divide(recent, now, out=moved, where=told)
        moved -= np.divide(total - recent, earlier, out=np.zeros_like(moved), where=told)
        yield Change(moved, earlier, now)


def in_units(
    changes: Iterable[Change], units: Units, own: Floats | None = None, better: float | None = None
) -> Floats:
    """Return changes in units of what is usual, the mean over the windows; NaN for unknown.

    `own` (measures, machines) is each machine's own noise, NaN for unknown: the shorter its past, the more
    that of all counts. Where up is worse, `better` is what a change downwards counts (as one for the worse);
    without it both ways keep their sign.
    """
    parts = []
    for row, change in enumerate(changes):
        variance = units.noise**2 if own is None else _drawn(own, change.earlier, units.noise)
        error = variance * (1 / np.maximum(change.now, 1) + 1 / np.maximum(change.earlier, 1))
        scale = np.sqrt(error + units.spread[row] ** 2 + units.least**2)
        moved = change.moved
        parts.append(np.divide(moved, scale, out=np.full(moved.shape, np.nan), where=scale > _EMPTY))
    seen = np.clip(known_mean(np.stack(parts), axis=0), -units.limit, units.limit)
    return np.asarray(seen if better is None else np.where(seen < 0, -better * seen, seen))


def _drawn(own: Floats, earlier: Floats, noise: Floats) -> Floats:
    weight = np.where(np.isfinite(own), earlier, 0)
    return np.asarray((weight * np.nan_to_num(own) ** 2 + _POOLED * noise**2) / (weight + _POOLED))


def towards(changes: Floats, heard: NDArray[np.bool_], covariance: Floats) -> Floats:
    """Return how much machines change for the worse: the mean of the largest change and of the sum of all.

    `changes` (measures, machines) is 0 where nothing was `heard`. Shape: (machines,).
    """
    total = changes.sum(axis=0)
    variance = np.einsum("md,mn,nd->d", heard.astype(float), covariance, heard.astype(float))
    return np.asarray((total / np.sqrt(np.maximum(variance, _EMPTY)) + changes.max(axis=0)) / 2)


def away(changes: Floats, covariance: Floats) -> float:
    """Return how much one machine changes whichever way: its distance in units of the covariance, a measure.

    `changes` (measures,), NaN for unknown, which is left out. 1 is what is usual.
    """
    heard = np.isfinite(changes)
    told = changes[heard]
    square = told @ np.linalg.solve(covariance[np.ix_(heard, heard)], told) if len(told) else 0.0
    return float(np.sqrt(max(square, 0.0) / max(len(told), 1)))


def shrunk_covariance(rows: Floats, apart: int = 1) -> Floats:
    """Return the covariance of rows, shape (rows, measures), which can be inverted however few they are.

    Shrunk towards a multiple of the identity: Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", Journal of Multivariate Analysis 88, 2004. By how much, rows that
    are so far `apart` tell: those of overlapping windows are hardly news.
    """
    from sklearn.covariance import ledoit_wolf

    covariance, shrinkage = ledoit_wolf(rows[::apart])
    if apart > 1:
        whole = np.atleast_2d(np.cov(rows.T, bias=True))
        covariance = (1 - shrinkage) * whole + shrinkage * np.trace(whole) / len(whole) * np.eye(len(whole))
    return np.asarray(covariance + _EMPTY * np.eye(len(covariance)))
