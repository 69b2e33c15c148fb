"""Measures a quantity at each reading: a mean, a rate, a rise, a time, or how long a value stays."""

from typing import Protocol

import numpy as np

from alerts.judging.quantities import Measure, Quantity
from alerts.judging.windows.ring import STEPS, Part, Ring, View
from alerts.judging.windows.stretch import Floats, Ints, Readings, Stretch, before, grown
from fleet.clock import HOUR_MS, SECOND_MS
from fleet.signals import Role, Signal

GAP_MS = HOUR_MS
"""What lies between two readings so far apart, nobody knows: it adds to no time, nothing lasts over it."""
_NEVER = -1
_WHOLE: Part = (0, STEPS - 1)
_OLDER_HALF: Part = (STEPS // 2, STEPS - 1)
_NEWEST_THIRD: Part = (0, STEPS // 3 - 1)
_OLDEST_THIRD: Part = (STEPS - STEPS // 3, STEPS - 1)


class Measuring(Protocol):
    """Keeps what a quantity needs of each device, and tells it at each reading."""

    def observe(self, readings: Readings, value: Floats) -> Floats:
        """Return the quantity at each value of a frame; NaN where it cannot be told."""
        ...


def measuring(quantity: Quantity, signal: Signal | None) -> Measuring:
    """Return what measures a quantity; `signal` is what it is of, None for hours of tiles."""
    if quantity.measure is Measure.UNCHANGED:
        return Lasting()
    counts = quantity.hourly is None and signal is not None and signal.role is Role.COUNTER
    return Windowed(quantity, signal if counts else None)


class Windowed:
    """A quantity over a window that moves. `counter` is the signal where what counts is how it rises."""

    def __init__(self, quantity: Quantity, counter: Signal | None) -> None:
        self._measure = quantity.measure
        self._counter = counter
        self._over_ms = quantity.over_ms
        self._is_slope = quantity.measure is Measure.RATE and counter is None
        self._adds_up = counter is not None or quantity.measure is Measure.TIME
        self._ring = Ring(quantity.over_ms, timed=self._is_slope)
        self._newest = np.empty(0, dtype=np.int64)
        self._value = np.empty(0, dtype=np.float64)

    def observe(self, readings: Readings, value: Floats) -> Floats:
        """Return the quantity at each value of a frame; NaN where it cannot be told."""
        rows = readings.rows
        self._ring.reach(rows)
        self._newest = grown(self._newest, rows, _NEVER)
        stretch = readings.stretch(value, self._newest)
        told = np.full(value.size, np.nan)
        if stretch.row.size:
            view = self._ring.view(stretch, self._added(stretch, rows))
            told[stretch.place] = self._told(view)
            self._ring.take(view)
            last = slice(None) if stretch.moments.single else stretch.moments.last
            row = stretch.row[last]
            self._newest[row] = stretch.at[last]
            if self._adds_up:
                self._value[row] = stretch.value[last]
        return told

    def _added(self, stretch: Stretch, rows: int) -> Floats:
        """Return what each value adds to its window: itself, how far it rose, or how long it was so."""
        if not self._adds_up:
            return stretch.value
        self._value = grown(self._value, rows, np.nan)
        since = stretch.at - before(stretch, stretch.at, self._newest)
        past = before(stretch, stretch.value, self._value)
        if self._measure is Measure.TIME:
            was = np.where(np.isnan(past), 0.0, past)
            return np.where(since <= GAP_MS, was * since / SECOND_MS, 0.0)
        rise = stretch.value - past
        most = np.inf if self._counter is None else self._counter.per_s * since / SECOND_MS
        grain = 0.0 if self._counter is None else self._counter.grain
        # What falls was reset; what rises faster than the device can count was an outlier, or comes back.
        return np.where((rise > 0) & (rise <= most + grain), rise, 0.0)

    def _told(self, view: View) -> Floats:
        if self._is_slope:
            return self._slope(view)
        total = view.total(_WHOLE)
        if self._measure not in (Measure.MEAN, Measure.RATE):
            return total
        # It is told once readings reach back into the older half of the window.
        covered = view.count(_OLDER_HALF) > 0
        parts = view.count(_WHOLE) if self._measure is Measure.MEAN else self._over_ms / HOUR_MS
        return np.where(covered, total / parts, np.nan)

    def _slope(self, view: View) -> Floats:
        """Return how the newest third of the window stands to its oldest, an hour."""
        new, old = view.count(_NEWEST_THIRD), view.count(_OLDEST_THIRD)
        with np.errstate(divide="ignore", invalid="ignore"):
            risen = view.total(_NEWEST_THIRD) / new - view.total(_OLDEST_THIRD) / old
            steps = view.steps(_NEWEST_THIRD) / new - view.steps(_OLDEST_THIRD) / old
            return risen / (steps * (self._ring.width / HOUR_MS))


class Lasting:
    """For how many seconds a signal has had the value that it has; a gap begins anew."""

    def __init__(self) -> None:
        self._newest = np.empty(0, dtype=np.int64)
        self._since = np.empty(0, dtype=np.int64)
        self._value = np.empty(0, dtype=np.float64)

    def observe(self, readings: Readings, value: Floats) -> Floats:
        """Return the seconds at each value of a frame; NaN where it is no news."""
        rows = readings.rows
        self._newest, self._value = grown(self._newest, rows, _NEVER), grown(self._value, rows, np.nan)
        self._since = grown(self._since, rows, _NEVER)
        stretch = readings.stretch(value, self._newest)
        told = np.full(value.size, np.nan)
        if stretch.row.size:
            since = self._beginnings(stretch)
            told[stretch.place] = (stretch.at - since) / SECOND_MS
            last = slice(None) if stretch.moments.single else stretch.moments.last
            changed = stretch.row[last]
            self._newest[changed], self._since[changed] = stretch.at[last], since[last]
            self._value[changed] = stretch.value[last]
        return told

    def _beginnings(self, stretch: Stretch) -> Ints:
        """Return since when each value has been as it is."""
        other = stretch.value != before(stretch, stretch.value, self._value)
        gap = stretch.at - before(stretch, stretch.at, self._newest) > GAP_MS
        begins = other | gap
        # The last value at or before each that begins something, or is the first of its device.
        marks = np.where(begins | stretch.moments.first, np.arange(begins.size), 0)
        mark = np.maximum.accumulate(marks)
        return np.where(begins[mark], stretch.at[mark], self._since[stretch.row])
