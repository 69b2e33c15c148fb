"""Confidence: a risk of a device that is hardly known says so."""

import numpy as np
from numpy.typing import NDArray

from fleet.risks import CONFIDENT, UNSURE
from models.windows import Floats, WindowSource, hours_heard

LEAST_HOURS_HEARD = 72
"""Heard in fewer hours of the last 30 days, a device has too few levels for a trend."""
LEAST_KNOWN = 0.5
"""A model that knows fewer than this share of its features judges by what it does not see."""


def confidence(source: WindowSource, matrix: Floats) -> NDArray[np.str_]:
    """Return how sure a model's risks are: `normal`, or `low` where any of this holds. Shape: (pairs,).

    - The device's first healthy period, five days with hourly tiles, is not over yet.
    - It was heard in fewer than 72 hours of the last 30 days.
    - Fewer than half of the model's features are known: signals are missing, or everything began anew.

    `matrix` has the model's own columns, shape (pairs, features).
    """
    young = source.now + 1 - source.started < source.windows.baseline
    seldom = hours_heard(source) < LEAST_HOURS_HEARD
    blind = np.isfinite(matrix).mean(axis=1) < LEAST_KNOWN
    return np.where(young | seldom | blind, UNSURE, CONFIDENT)
