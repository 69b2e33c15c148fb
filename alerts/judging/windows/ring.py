"""A window that moves: for each device twelve steps of it, each with a count and a sum.

So it costs the same however often a device reports, and a window is right to a twelfth of its length.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alerts.judging.windows.stretch import Floats, Ints, Stretch, edges, grown

STEPS = 12
_NONE = -(2**30)
"""Stands for the step of a slot that nothing is in."""
_PER_DEVICE = 2**32
"""More than there are steps in time: what sets the keys of one device apart from those of the next."""
Part = tuple[int, int]
"""Some steps of a window by their age, the youngest and the oldest; 0 is the step of the value itself."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What is within some part of the window, for each value of a stretch. Shapes: (values,).

    `steps` is the sum of the steps of what is in it, so that `steps / count` is when it was, in steps.
    """

    count: Floats
    total: Floats
    steps: Floats


class Ring:
    """One window's sums for every device, the newest twelve steps of each. Shapes: (steps, devices).

    What parts of the window came to at a device's newest value is kept beside them: most values come in the
    step of the one before. `timed`: it is asked for `Sums.steps`, too.
    """

    def __init__(self, over_ms: int, parts: tuple[Part, ...], *, timed: bool) -> None:
        self.width = max(over_ms // STEPS, 1)
        self._step = np.empty((STEPS, 0), dtype=np.int32)
        self._count = np.empty((STEPS, 0), dtype=np.int32)
        self._total = np.empty((STEPS, 0), dtype=np.float64)
        self._newest = np.empty(0, dtype=np.int64)
        self._sums = 3 if timed else 2
        self._kept = {part: np.empty((self._sums, 0), dtype=np.float64) for part in parts}

    def reach(self, rows: int) -> None:
        """Have room for so many devices."""
        self._step, self._newest = grown(self._step, rows, _NONE), grown(self._newest, rows, _NONE)
        self._count, self._total = grown(self._count, rows, 0), grown(self._total, rows, 0)
        self._kept = {part: grown(kept, rows, 0) for part, kept in self._kept.items()}

    def view(self, stretch: Stretch, added: Floats) -> "View":
        """Return how the windows are at each value of a stretch, each of which adds something."""
        row, step = stretch.row, stretch.at // self.width
        age = step - self._newest[row]
        same, near = age == 0, np.flatnonzero((age > 0) & (age < STEPS))
        view = View(row, step, added)
        told = self._of_slots(row[near], step[near])
        for part, kept in self._kept.items():
            sums = (_own_single if stretch.single else _own)(view, part, self._sums)
            for number, before in enumerate(kept):
                sums[number] += same * before[row]
                sums[number][near] += told[part][number]
            view.parts[part] = sums
        return view

    def _of_slots(self, row: Ints, step: Ints) -> dict[Part, Floats]:
        """Return what the slots have within each part, for values in a later step than what is there."""
        found = {part: np.zeros((self._sums, row.size)) for part in self._kept}
        if not row.size:
            return found
        slots = zip(self._step, self._count, self._total, strict=True)
        for steps, counts, totals in slots:
            at, count, total = steps[row], counts[row], totals[row]
            age = step - at
            for (youngest, oldest), sums in found.items():
                within = (age >= youngest) & (age <= oldest)
                here = within * count
                sums[0] += here
                sums[1] += within * total
                if self._sums == 3:
                    sums[2] += here * at.astype(np.float64)
        return found

    def take(self, stretch: Stretch, view: "View") -> None:
        """Put a stretch that was viewed into the windows."""
        last = slice(None) if stretch.single else stretch.last
        devices = stretch.row[last]
        for part, sums in view.parts.items():
            for kept, told in zip(self._kept[part], sums, strict=True):
                kept[devices] = told[last]
        row, step, counts, totals = _by_step(view, stretch)
        place = step % STEPS * self._newest.size + row
        all_steps, all_counts, all_totals = self._step.ravel(), self._count.ravel(), self._total.ravel()
        same = all_steps[place] == step
        all_counts[place] = counts + same * all_counts[place]
        all_totals[place] = totals + same * all_totals[place]
        all_steps[place] = step
        self._newest[devices] = view.step[last]


@dataclass(frozen=True, slots=True)
class View:
    """Windows as they are at each value of a stretch, what the stretch itself adds included."""

    row: Ints
    step: Ints
    added: Floats
    parts: dict[Part, Floats] = field(default_factory=dict)

    def sums(self, part: Part) -> Sums:
        """Return what is in a part of the window; it is one of those that the ring was made for."""
        count, total, *steps = self.parts[part]
        return Sums(count, total, steps[0] if steps else np.zeros(0))


def _own_single(view: View, part: Part, rows: int) -> Floats:
    """Return what a stretch itself has within a part, where no device has more than one value."""
    sums = np.zeros((rows, view.row.size))
    if part[0] == 0:
        sums[0], sums[1] = 1.0, view.added
        sums[2:] = view.step
    return sums


def _own(view: View, part: Part, rows: int) -> Floats:
    """Return what a stretch itself has within a part: all up to its youngest less all before its oldest."""
    youngest, oldest = part
    key = view.row * _PER_DEVICE + view.step
    begin = np.searchsorted(key, key - oldest, side="left")
    here = np.arange(1, key.size + 1)
    end = here if youngest == 0 else np.searchsorted(key, key - youngest, side="right")
    sums = np.empty((rows, key.size))
    sums[0] = end - begin
    for own, values in zip(sums[1:], (view.added, view.step), strict=False):
        upto = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        own[:] = upto[end] - upto[begin]
    return sums


def _by_step(view: View, stretch: Stretch) -> tuple[Ints, Ints, NDArray[np.int64], Floats]:
    """Return device, step, count and sum of each step of a stretch that the newest of its device leaves."""
    row, step = view.row, view.step
    if stretch.single:
        return row, step, np.ones(row.size, dtype=np.int64), view.added
    begins = np.flatnonzero(edges(row, step)[:-1])
    counts = np.diff(begins, append=row.size)
    totals = np.add.reduceat(view.added, begins)
    row, step = row[begins], step[begins]
    ends = np.flatnonzero(edges(row)[1:])
    newest = np.repeat(step[ends], np.diff(ends, prepend=-1))
    fits = step > newest - STEPS
    return row[fits], step[fits], counts[fits], totals[fits]
