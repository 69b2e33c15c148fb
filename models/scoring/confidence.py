"""Confidence: a risk of a device that is hardly known says so."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.risks import CONFIDENT, UNSURE
from models.features.windows import Floats, WindowSource, hours_heard

LEAST_HOURS_HEARD = 72
"""Heard in fewer hours of the last 30 days, a device has too few levels for a trend."""
LEAST_KNOWN = 0.5
"""A model that knows fewer than this share of its features judges by what it does not see."""


def hardly_known(source: WindowSource) -> NDArray[np.bool_]:
    """Tell which devices have too little history for any model to be sure of them. Shape: (pairs,).

    Those whose first healthy period, five days with hourly tiles, is not over yet, and those heard in fewer
    than 72 hours of the last 30 days.
    """
    young = source.now + 1 - source.started < source.windows.baseline
    return np.asarray(young | (hours_heard(source) < LEAST_HOURS_HEARD))


def confidence(hardly: NDArray[np.bool_], matrix: Floats) -> pl.Series:
    """Return how sure a model's risks are: `low` for devices that are hardly known, else `normal`.

    Low as well where fewer than half of the model's features are known: signals are missing, or everything
    began anew. `matrix` has the model's own columns, shape (pairs, features).
    """
    blind = np.isfinite(matrix).mean(axis=1) < LEAST_KNOWN
    unsure = pl.when(pl.Series(hardly | blind))
    return pl.select(unsure.then(pl.lit(UNSURE)).otherwise(pl.lit(CONFIDENT))).to_series()
