"""Courses: how a driving signal came to where it is, day by day, against the cohort and its own past."""

import numpy as np

from fleet.clock import HOUR_MS
from fleet.risks import Course
from models.features.compute import Look
from models.features.definitions import LIFE_VIEWS, YEAR_VIEWS, Feature, View
from models.features.windows import Floats, Ints

_HOLDS = 0.5
"""A deviation holds on a day on which it is at least this part of today's."""
_DIGITS = 4


class Courses:
    """The days behind one feature, for all pairs of a look."""

    def __init__(self, feature: Feature, look: Look) -> None:
        self.level, self.usual = look.compare(feature)
        self._windows = look.source.windows
        self._now = look.source.now
        self._baseline = look.baseline(feature.measure)
        self._told = feature.view not in (*LIFE_VIEWS, *YEAR_VIEWS)
        self._own, self._cohort = look.daily(feature.measure)
        against_cohort = feature.view in (View.DAY, View.COHORT)
        self.days = self._since(self._cohort if against_cohort else self.usual[None, :])

    def _since(self, usual: Floats) -> Ints:
        """Return for how many days, today's among them, the deviation has held; 0 where it does not.

        Days without a level end nothing. Today, of which a part may be an hour, does not either.
        """
        present = self.level - self.usual
        apart = (self._own - usual) * np.sign(present)
        unknown = ~np.isfinite(apart)
        holds = apart >= _HOLDS * np.abs(present)
        through = holds | unknown
        through[-1] = True
        unbroken = np.logical_and.accumulate(through[::-1], axis=0)[::-1]
        within = unbroken & holds
        days = len(within) - within.argmax(axis=0)
        return np.where(within.any(axis=0) & (present != 0) & self._told, days, 0)

    def course(self, pair: int) -> Course | None:
        """Return one pair's course from its first known day on; None where there is nothing to draw."""
        own, cohort = self._own[:, pair], self._cohort[:, pair]
        known = np.flatnonzero(np.isfinite(own))
        if not self._told or len(known) < 2:  # one point is no course
            return None
        first, day = int(known[0]), self._windows.day
        today = int(self._now[pair]) // day
        start = (today + 1 - len(own) + first) * day * HOUR_MS
        every = day * HOUR_MS
        baseline = _rounded(self._baseline[pair])
        return Course(start, every, _compact(own[first:]), _compact(cohort[first:]), baseline)


def _compact(levels: Floats) -> tuple[float | None, ...]:
    return tuple(_rounded(level) for level in levels)


def _rounded(level: float) -> float | None:
    return float(f"{level:.{_DIGITS}g}") if np.isfinite(level) else None
