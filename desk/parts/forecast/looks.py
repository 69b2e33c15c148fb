"""What a series looks like at a time: how often there were orders, how long ago, of which sizes."""

import numpy as np

from desk.parts.forecast.counts import Bools, Floats, Ints
from desk.parts.forecast.past import Past, ages, fading

_HALF_LIVES = (1.5, 3.0, 6.0, 12.0, 24.0, 48.0, np.inf)
PRIOR, _HALF_YEAR, _YEAR, _SINCE, _GAPS = 4, 2, 3, 7, 8
"""Columns: shares fading over 24, 6 and 12 periods, time since the last order, and that in usual gaps."""
_OWN_WEIGHT = 2.0
"""So many periods of the fleet's mean share are added to a series' own."""


def looks(past: Past, share: float) -> Floats:
    """Return what each series looks like after its last period. Shape: (series, 11).

    Log-odds of its shares of periods with an order, fading with each half-life; the log of periods since the
    last order, plain and against the usual gap; mean size (log) and its variation. `share` is the fleet's.
    """
    known = ~np.isnan(past.used)
    used = np.nan_to_num(past.used)
    ordered = used > 0
    count, kept = ordered.sum(axis=1), known.sum(axis=1)
    shares = [_log_odds(_share(ordered, known, half_life, share)) for half_life in _HALF_LIVES]
    since = np.log1p(_since(ordered, kept))
    size = used.sum(axis=1) / np.maximum(count, 1)
    spread = np.sqrt(np.maximum((used**2).sum(axis=1) / np.maximum(count, 1) - size**2, 0.0))
    rest = [since, since / np.log1p((kept + 1) / (count + 1)), np.log(np.maximum(size, 1.0))]
    return np.stack([*shares, *rest, spread / np.maximum(size, 1.0)], axis=1)


def bent(centred: Floats) -> Floats:
    """Return centred looks with what bends: squares of shares and times since, and two products of them."""
    half, year, since, gaps = (centred[:, at] for at in (_HALF_YEAR, _YEAR, _SINCE, _GAPS))
    return np.column_stack([centred, half**2, year**2, since**2, gaps**2, half * gaps, year * since])


def _share(ordered: Bools, known: Bools, half_life: float, fleet: float) -> Floats:
    weights = fading(ordered.shape[1], half_life)
    own = ordered @ weights + _OWN_WEIGHT * fleet
    return np.asarray(own / (known @ weights + _OWN_WEIGHT))


def _since(ordered: Bools, kept: Ints) -> Floats:
    """Return how many periods ago the last order was; without any, for how long the part was kept."""
    ago = np.where(ordered, ages(ordered.shape[1]), np.inf).min(axis=1, initial=np.inf)
    return np.asarray(np.minimum(ago, kept))


def _log_odds(chance: Floats) -> Floats:
    return np.asarray(np.log(chance / (1 - chance)))
