"""What anomaly scores are made of: changes in units of what is usual, and what many come to together.

A fleet's robots bring levels of days, and how much each measure moves by itself: from step to step (`noise`)
and as machines differ (`spread`). A stream brings the means of its windows. Both add up with the covariance
between measures, so that ten which always go together are not ten reasons: `towards` what is worse where
that is known, `away` from normal whichever way where it is not.
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

    `noise` is the spread from step to step, `spread` (windows, measures, 1) that of changes
    between machines, `least` what is no more than chance.
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


def in_units(changes: Iterable[Change], units: Units, own: Floats, better: float) -> Floats:
    """Return changes in units of what is usual, the mean over the windows; NaN for unknown.

    `own` (measures, machines) is each machine's own noise, NaN for unknown: the shorter its past, the more
    that of all counts. Up is worse; `better` is what a change downwards counts, as one for the worse.
    """
    parts = []
    for row, change in enumerate(changes):
        variance = _drawn(own, change.earlier, units.noise)
        error = variance * (1 / np.maximum(change.now, 1) + 1 / np.maximum(change.earlier, 1))
        scale = np.sqrt(error + units.spread[row] ** 2 + units.least**2)
        moved = change.moved
        parts.append(np.divide(moved, scale, out=np.full(moved.shape, np.nan), where=scale > _EMPTY))
    seen = np.clip(known_mean(np.stack(parts), axis=0), -units.limit, units.limit)
    return np.asarray(np.where(seen < 0, -better * seen, seen))


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


def away(changes: Floats, covariance: Floats) -> Floats:
    """Return how much machines change whichever way: their Mahalanobis distance, the mean over measures.

    `changes` (measures, machines), all known. Shape: (machines,).
    """
    square = np.einsum("md,md->d", changes, np.linalg.solve(covariance, changes))
    return np.asarray(np.sqrt(np.maximum(square, 0.0) / len(changes)))


def shrunk_covariance(rows: Floats) -> Floats:
    """Return the covariance of rows, shape (rows, measures), which can be inverted however few they are.

    Shrunk towards a multiple of the identity: Ledoit and Wolf, "A well-conditioned estimator for
    large-dimensional covariance matrices", Journal of Multivariate Analysis 88, 2004.
    """
    from sklearn.covariance import ledoit_wolf

    covariance, _ = ledoit_wolf(rows)
    return np.asarray(covariance + _EMPTY * np.eye(len(covariance)))
