"""Seasons: in which calendar months parts are asked for more or less often than usual."""

import numpy as np

from desk.parts.forecast.counts import Floats
from desk.parts.forecast.past import MONTHS, Past

LEAST_PERIODS = 24
"""With less than two years nobody can tell a season from a trend."""
_STRENGTH = 20.0
"""So many orders of a usual month stand beside those seen: few orders stay close to a factor of 1."""


def seasons(past: Past) -> Floats:
    """Return a factor for each calendar month, January first; 1 where history is short. Shape: (12,).

    (orders in this month over the years + 20) / (those of a usual month in the same years + 20), divided by
    the mean factor. A usual month is the centred mean over 13 months, those at both ends counted half, so
    that a trend is no season.
    """
    if past.month is None or past.periods < LEAST_PERIODS:
        return np.ones(MONTHS)
    orders = (np.nan_to_num(past.used) > 0).sum(axis=0).astype(np.float64)
    year = np.r_[0.5, np.ones(MONTHS - 1), 0.5] / MONTHS
    usual = np.convolve(np.pad(orders, MONTHS // 2, "edge"), year, "valid")
    months = past.calendar(past.periods)
    seen = np.bincount(months, orders, MONTHS) + _STRENGTH
    factors = seen / (np.bincount(months, usual, MONTHS) + _STRENGTH)
    return np.asarray(factors / factors.mean())
