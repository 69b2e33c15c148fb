"""Means, medians and spreads over what is known: NaN where nothing is, without a warning."""

import numpy as np

from models.features.windows import Floats

_MAD = 1.4826
"""Of a normal distribution the standard deviation is so many median deviations."""


def known_median(values: Floats) -> Floats:
    """Return the median over the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.inf), axis=-1)
    count = known.sum(axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    picked = [np.take_along_axis(ordered, each[..., None], axis=-1)[..., 0] for each in (low, high)]
    return np.where(count > 0, np.add(*picked) / 2, np.nan)


def known_mean(values: Floats, axis: int) -> Floats:
    """Return the mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, values.dtype.type(0)).sum(axis=axis)
    mean = np.full(total.shape, np.nan, dtype=values.dtype)
    return np.asarray(np.divide(total, count, out=mean, where=count > 0))


def known_spread(values: Floats) -> Floats:
    """Return the spread over the last axis of what is known, by the median deviation; NaN for none."""
    return np.asarray(_MAD * known_median(np.abs(values - known_median(values)[..., None])))
