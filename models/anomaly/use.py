"""Takes out of each part's changes what the other parts show too: a robot that is used hard is not worn.

Load, hours and heat show in several parts on the same days, wear in its own. So each measure is told from
those of all other parts by a ridge regression (Hoerl and Kennard, Technometrics 12, 1970) over the days and
devices of the fleet, and what is told so is taken off. A fleet of unknown make teaches how its parts hang
together; no relation is given.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features.robust import known_median
from models.features.windows import Floats

_RIDGE = 0.3
"""In units of each measure's variance from day to day."""
_LARGEST = 15.0
"""Further away, in units of what is usual from day to day, a measure tells no more of the others."""
_MAD = 1.4826
_EMPTY = 1e-9


@dataclass(frozen=True, slots=True)
class Use:
    """`slope` (measures told, measures telling) in units of `unit` (measures,), NaN for what is not known."""

    slope: Floats
    unit: Floats


def unknown_use(measures: int) -> Use:
    """Return what takes nothing off."""
    nothing = np.zeros((measures, measures), dtype=np.float32)
    return Use(nothing, np.full(measures, np.nan, dtype=np.float32))


def learn_use(left: Floats, place: NDArray[np.int64]) -> Use:
    """Learn from daily changes, shape (measures, days, devices); `place` numbers the part of each measure.

    Of a part below 0 nothing is told, and it tells of no other.
    """
    flat = left.reshape(len(left), -1)
    unit = _MAD * known_median(np.abs(flat))
    unit = np.where(unit > _EMPTY, unit, np.nan).astype(np.float32)
    rows = _in_units(left, unit).reshape(len(left), -1)
    # Days of which a measure is not known say nothing of how it hangs together with others.
    together = rows @ rows.T / max(rows.shape[1], 1)
    slope = np.zeros_like(together)
    for part in np.unique(place[place >= 0]):
        told, telling = np.flatnonzero(place == part), np.flatnonzero((place != part) & (place >= 0))
        among = together[np.ix_(telling, telling)] + _RIDGE * np.eye(len(telling))
        slope[np.ix_(told, telling)] = np.linalg.solve(among, together[np.ix_(telling, told)]).T
    return Use(slope.astype(np.float32), unit)


def without_use(left: Floats, use: Use) -> Floats:
    """Return daily changes without what the other parts tell of them. Shape: (measures, days, devices)."""
    rows = _in_units(left, use.unit).reshape(len(left), -1)
    told = (use.slope @ rows).reshape(left.shape)
    return np.asarray(left - told * np.nan_to_num(use.unit)[:, None, None])


def _in_units(left: Floats, unit: Floats) -> Floats:
    return np.nan_to_num(np.clip(left / unit[:, None, None], -_LARGEST, _LARGEST))
