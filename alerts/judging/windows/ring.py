"""A window that moves: for each device what it had summed up to the end of each of its newest steps.

A window is twelve steps long and right to a twelfth of its length. What lies within any part of it is the
difference of two of these sums, so it costs the same however often a device reports.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.judging.windows.stretch import Floats, Ints, Stretch, grown

STEPS = 12
_SLOTS = STEPS + 1
"""What was summed before the oldest step of a window is kept as well: it is what is taken off."""
_PER_DEVICE = 2**32
"""More than there are steps in time: what sets the keys of one device apart from those of the next."""
_MOST_SUMMED = 4096
"""After so many values a device's sums begin anew from its oldest step: small numbers are exact."""
_ALL = slice(None)
Of = Ints | slice
"""Some values of a stretch: where they stand in it, or all of them."""
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
    """One window's sums for every device. Shapes: (slots, devices).

    The sum up to the end of step n is in slot n modulo 13. `timed`: it is asked for `Sums.steps`, too.
    """

    def __init__(self, over_ms: int, *, timed: bool) -> None:
        self.width = max(over_ms // STEPS, 1)
        self._newest = np.empty(0, dtype=np.int64)
        kinds = (np.int32, np.float64, np.float64) if timed else (np.int32, np.float64)
        self._upto: list[NDArray[Any]] = [np.empty((_SLOTS, 0), dtype=kind) for kind in kinds]

    def reach(self, rows: int) -> None:
        """Have room for so many devices."""
        self._newest = grown(self._newest, rows, 0)
        self._upto = [grown(each, rows, 0) for each in self._upto]

    def view(self, stretch: Stretch, added: Floats) -> "View":
        """Return how the windows are at each value of a stretch, each of which adds something."""
        step = stretch.at // self.width
        adds = (np.ones(step.size), added, step)[: len(self._upto)]
        return View(stretch, step, self._newest[stretch.row], adds, self._upto)

    def take(self, view: "View") -> None:
        """Put a stretch that was viewed into the windows."""
        last = view.last
        row, step = view.stretch.row[last], view.step[last]
        age = step - view.newest[last]
        summed = [(view.place(0, last, step), view.upto(0, last))]
        for back in range(
            1, min(int(age.max()), _SLOTS)
        ):  # the steps that were passed over are filled as well
            passed = np.flatnonzero(age > back)
            of = passed if isinstance(last, slice) else last[passed]
            summed.append((view.place(back, of, step[passed]), view.upto(back, of)))
        for place, sums in summed:
            for upto, told in zip(self._upto, sums, strict=True):
                upto.ravel()[place] = told
        self._newest[row] = step
        self._begin_anew(row, step)

    def _begin_anew(self, row: Ints, step: Ints) -> None:
        """Take off what lies before the window, where much was summed up."""
        many = np.flatnonzero(self._upto[0][_slot(step), row] > _MOST_SUMMED)
        if many.size:
            row, oldest = row[many], _slot(step[many] - STEPS)
            for upto in self._upto:
                upto[:, row] -= upto[oldest, row]


@dataclass(frozen=True)
class View:
    """Windows as they are at each value of a stretch, what the stretch itself adds included.

    `newest` is the newest step that the windows had, `adds` what each value adds to each sum, `stored` the
    sums that the windows have.
    """

    stretch: Stretch
    step: Ints
    newest: Ints
    adds: Sequence[NDArray[Any]]
    stored: Sequence[NDArray[Any]]
    _known: dict[int, list[Floats]] = field(default_factory=dict)

    def sums(self, part: Part) -> Sums:
        """Return what is in a part of the window."""
        youngest, oldest = part
        ends = zip(self._upto_each(youngest), self._upto_each(oldest + 1), strict=True)
        count, total, *steps = (end - begin for end, begin in ends)
        return Sums(count, total, steps[0] if steps else np.zeros(0))

    def upto(self, back: int, of: Of) -> list[Floats]:
        """Return each sum at the end of the step that lies so many steps before each of some values."""
        place = self.place(back, of, np.minimum(self.step[of], self.newest[of] + back))
        found = [stored.ravel()[place] for stored in self.stored]
        if self.stretch.single:
            own = self.adds if back == 0 else []
            return [each + adds[of] for each, adds in zip(found, own, strict=True)] if own else found
        begin, end = self._begins[of], self._ends(back, of)
        return [each + (own[end] - own[begin]) for each, own in zip(found, self._own, strict=True)]

    def place(self, back: int, of: Of, step: Ints) -> Ints:
        """Return where the sums of steps lie that come so many steps before some values' `step`."""
        devices: int = self.stored[0].shape[1]
        return _slot(step - back) * devices + self.stretch.row[of]

    @property
    def last(self) -> Of:
        """Which values are the last of their devices."""
        return _ALL if self.stretch.single else np.flatnonzero(self.stretch.last)

    def _upto_each(self, back: int) -> list[Floats]:
        if back not in self._known:
            self._known[back] = self.upto(back, _ALL)
        return self._known[back]

    @cached_property
    def _own(self) -> list[Floats]:
        """What the stretch itself has summed up before each value, and at its end. Shapes: (values + 1,)."""
        return [np.concatenate([[0.0], np.cumsum(adds, dtype=np.float64)]) for adds in self.adds]

    @cached_property
    def _begins(self) -> Ints:
        """Where the first value of each value's device stands."""
        return np.maximum.accumulate(np.where(self.stretch.first, np.arange(self.step.size), 0))

    @cached_property
    def _keys(self) -> Ints:
        return self.stretch.row * _PER_DEVICE + self.step

    def _ends(self, back: int, of: Of) -> Ints:
        """Return behind which value of the stretch the step ends; in its own step each ends with itself."""
        if back == 0:
            return np.arange(1, self.step.size + 1)[of]
        ends: Ints = np.searchsorted(self._keys, self._keys[of] - back, side="right")
        return ends


def _slot(step: Ints) -> Ints:
    """Return the slot of a step; a remainder is slower to come by than a quotient."""
    return step - step // _SLOTS * _SLOTS
