"""Measures a quantity at each reading: a mean, a rate, a rise, a time, or how long a value stays."""

from typing import Protocol

import numpy as np

from alerts.judging.quantities import Measure, Quantity
from alerts.judging.windows.ring import STEPS, Ring, View
from alerts.judging.windows.stretch import Floats, Ints, Stretch, before, grown, stretch_of
from fleet.clock import HOUR_MS, SECOND_MS
from fleet.signals import Role, Signal

GAP_MS = HOUR_MS
"""What lies between two readings so far apart, nobody knows: it adds to no time, nothing lasts over it."""
_NEVER = -1
_THIRD = STEPS // 3


class Measuring(Protocol):
    """Keeps what a quantity needs of each device, and tells it at each reading."""

    def observe(self, row: Ints, at: Ints, value: Floats, order: Ints, rows: int) -> Floats:
        """Return the quantity at each value; NaN where it cannot be told. `rows` devices are known."""
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
        self._ring = Ring(quantity.over_ms)
        self._newest = np.empty(0, dtype=np.int64)
        self._value = np.empty(0, dtype=np.float64)

    def observe(self, row: Ints, at: Ints, value: Floats, order: Ints, rows: int) -> Floats:
        """Return the quantity at each value; NaN where it cannot be told. `rows` devices are known."""
        self._ring.reach(rows)
        self._newest, self._value = grown(self._newest, rows, _NEVER), grown(self._value, rows, np.nan)
        stretch = stretch_of(row, at, value, order, self._newest)
        told = np.full(value.size, np.nan)
        if stretch.row.size:
            added = self._added(stretch)
            told[stretch.place] = self._told(self._ring.view(stretch, added))
            self._ring.take(stretch, added)
            last = stretch.last
            self._newest[stretch.row[last]] = stretch.at[last]
            self._value[stretch.row[last]] = stretch.value[last]
        return told

    def _added(self, stretch: Stretch) -> Floats:
        """Return what each value adds to its window: itself, how far it rose, or how long it was so."""
        if self._counter is None and self._measure is not Measure.TIME:
            return stretch.value
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
        if self._measure is Measure.MEAN:
            whole = view.sums(0, STEPS - 1)
            return np.where(view.covered, whole.total / whole.count, np.nan)
        if self._measure is not Measure.RATE:
            return view.sums(0, STEPS - 1).total
        return self._slope(view) if self._counter is None else self._pace(view)

    def _slope(self, view: View) -> Floats:
        """Return how the newest third of the window stands to its oldest, an hour."""
        new, old = view.sums(0, _THIRD - 1), view.sums(STEPS - _THIRD, STEPS - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            risen = new.total / new.count - old.total / old.count
            hours = (new.steps / new.count - old.steps / old.count) * (self._ring.width / HOUR_MS)
            return risen / hours

    def _pace(self, view: View) -> Floats:
        """Return how far a counter rose in the window, an hour."""
        whole = view.sums(0, STEPS - 1)
        return np.where(view.covered, whole.total * (HOUR_MS / self._over_ms), np.nan)


class Lasting:
    """For how many seconds a signal has had the value that it has; a gap begins anew."""

    def __init__(self) -> None:
        self._newest = np.empty(0, dtype=np.int64)
        self._since = np.empty(0, dtype=np.int64)
        self._value = np.empty(0, dtype=np.float64)

    def observe(self, row: Ints, at: Ints, value: Floats, order: Ints, rows: int) -> Floats:
        """Return the seconds at each value; NaN where it is no news. `rows` devices are known."""
        self._newest, self._value = grown(self._newest, rows, _NEVER), grown(self._value, rows, np.nan)
        self._since = grown(self._since, rows, _NEVER)
        stretch = stretch_of(row, at, value, order, self._newest)
        told = np.full(value.size, np.nan)
        if stretch.row.size:
            since = self._beginnings(stretch)
            told[stretch.place] = (stretch.at - since) / SECOND_MS
            last = stretch.last
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
        marks = np.where(begins | stretch.first, np.arange(begins.size), 0)
        mark = np.maximum.accumulate(marks)
        return np.where(begins[mark], stretch.at[mark], self._since[stretch.row])
