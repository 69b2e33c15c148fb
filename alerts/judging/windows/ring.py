"""A window that moves: for each device twelve steps of it, each with a count and a sum.

So it costs the same however often a device reports, and a window is right to a twelfth of its length.
"""

from dataclasses import dataclass

import numpy as np

from alerts.judging.windows.stretch import Bools, Floats, Ints, Stretch, grown

STEPS = 12
_NONE = -(2**30)
"""Stands for the step of a slot that nothing is in."""
_PER_DEVICE = 2**32
"""More than there are steps in time: what sets the keys of one device apart from those of the next."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What is within some part of the window, for each value of a stretch. Shapes: (values,).

    `steps` is the sum of the steps of what is in it, so that `steps / count` is when it was, in steps.
    """

    count: Floats
    total: Floats
    steps: Floats


class Ring:
    """One window's sums for every device, the newest twelve steps of each."""

    def __init__(self, over_ms: int) -> None:
        self.width = max(over_ms // STEPS, 1)
        self._step = np.empty((0, STEPS), dtype=np.int32)
        self._count = np.empty((0, STEPS), dtype=np.int32)
        self._total = np.empty((0, STEPS), dtype=np.float64)

    def reach(self, rows: int) -> None:
        """Have room for so many devices."""
        self._step = grown(self._step, rows, _NONE)
        self._count = grown(self._count, rows, 0)
        self._total = grown(self._total, rows, 0)

    def view(self, stretch: Stretch, added: Floats) -> "View":
        """Return how the windows are at each value of a stretch, each of which adds something."""
        step = stretch.at // self.width
        newest = self._step[stretch.row].max(axis=1) if step.size else step
        near = np.flatnonzero(step - newest < STEPS)  # to the others nothing of before still counts
        row = stretch.row[near]
        kept = self._step[row], self._count[row], self._total[row]
        return View(stretch.row, step, added, near, *kept)

    def take(self, stretch: Stretch, added: Floats) -> None:
        """Put a stretch into the windows."""
        if not stretch.row.size:
            return
        row, step = stretch.row, stretch.at // self.width
        begins = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(step, prepend=-1) != 0))
        counts = np.diff(begins, append=row.size)
        totals = np.add.reduceat(added, begins)
        row, step = row[begins], step[begins]
        ends = np.flatnonzero(np.diff(row, append=-1) != 0)
        newest = np.repeat(step[ends], np.diff(ends, prepend=-1))
        fits = step > newest - STEPS
        row, step, counts, totals = row[fits], step[fits], counts[fits], totals[fits]
        slot = step % STEPS
        same = self._step[row, slot] == step
        self._count[row, slot] = counts + np.where(same, self._count[row, slot], 0)
        self._total[row, slot] = totals + np.where(same, self._total[row, slot], 0.0)
        self._step[row, slot] = step


@dataclass(frozen=True, slots=True)
class View:
    """Windows as they are at each value of a stretch, what the stretch itself adds included."""

    row: Ints
    step: Ints
    added: Floats
    near: Ints
    kept_step: np.ndarray
    kept_count: np.ndarray
    kept_total: np.ndarray

    def sums(self, youngest: int, oldest: int) -> Sums:
        """Return what is in the steps from `oldest` back to `youngest`; 0 is the step of the value itself."""
        count, total, steps = self._own(youngest, oldest)
        age = self.step[self.near, None] - self.kept_step
        within = (age >= youngest) & (age <= oldest)
        counts = np.where(within, self.kept_count, 0)
        count[self.near] += counts.sum(axis=1)
        total[self.near] += np.where(within, self.kept_total, 0.0).sum(axis=1)
        steps[self.near] += (counts * self.kept_step.astype(np.float64)).sum(axis=1)
        return Sums(count, total, steps)

    def _own(self, youngest: int, oldest: int) -> tuple[Floats, Floats, Floats]:
        """Return what the stretch itself has within these steps: one sum up to there less another."""
        key = self.row * _PER_DEVICE + self.step
        begin = np.searchsorted(key, key - oldest, side="left")
        here = np.arange(1, key.size + 1)
        end = here if youngest == 0 else np.searchsorted(key, key - youngest, side="right")
        sums = []
        for values in (self.added, self.step.astype(np.float64)):
            upto = np.concatenate([[0.0], np.cumsum(values)])
            sums.append(upto[end] - upto[begin])
        return (end - begin).astype(np.float64), sums[0], sums[1]

    @property
    def covered(self) -> Bools:
        """Whether readings reach back into the older half of the window."""
        age = self.step[self.near, None] - self.kept_step
        count, _, _ = self._own(STEPS // 2, STEPS - 1)
        found = count > 0
        found[self.near] |= ((age >= STEPS // 2) & (age < STEPS)).any(axis=1)
        return found
