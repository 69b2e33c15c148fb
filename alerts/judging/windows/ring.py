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
_MOST_SUMMED, _LOOK_EVERY = 4096, 61
"""After so many values a device's sums begin anew from its oldest step: small numbers are exact.

That is looked at once in so many stretches; a prime: whoever reports in turn has its turn.
"""
_ALL = slice(None)
Of = Ints | slice
"""Some values of a stretch: where they stand in it, or all of them."""
Part = tuple[int, int]
"""Some steps of a window by their age, the youngest and the oldest; 0 is the step of the value itself."""
_COUNT, _TOTAL, _STEPS = range(3)


class Ring:
    """One window's sums for every device. Shapes: (slots, devices).

    The sum up to the end of step n is in slot n modulo 13. `timed`: it is asked when things were, too.
    """

    def __init__(self, over_ms: int, *, timed: bool) -> None:
        self.width = max(over_ms // STEPS, 1)
        self._newest = np.empty(0, dtype=np.int64)
        kinds = (np.int32, np.float64, np.float64) if timed else (np.int32, np.float64)
        self._upto: list[NDArray[Any]] = [np.empty((_SLOTS, 0), dtype=kind) for kind in kinds]
        self._taken = 0

    def reach(self, rows: int) -> None:
        """Have room for so many devices."""
        self._newest = grown(self._newest, rows, 0)
        self._upto = [grown(each, rows, 0) for each in self._upto]

    def view(self, stretch: Stretch, added: Floats) -> "View":
        """Return how the windows are at each value of a stretch, each of which adds something."""
        step = stretch.at // self.width
        adds = (np.ones(1), added, step)[: len(self._upto)]
        return View(stretch, step, self._newest[stretch.row], adds, self._upto)

    def take(self, view: "View") -> None:
        """Put a stretch that was viewed into the windows."""
        last = view.last
        row, step = view.stretch.row[last], view.step[last]
        summed = [(view.place(0, last), view.each_upto(0, last))]
        # The steps that were passed over are filled as well.
        for back in range(1, min(view.behind, _SLOTS)):
            passed = np.flatnonzero(step - view.newest[last] > back)
            of = passed if isinstance(last, slice) else last[passed]
            summed.append((view.place(back, of), view.each_upto(back, of)))
        for place, sums in summed:
            for upto, told in zip(self._upto, sums, strict=True):
                upto.ravel()[place] = told
        self._newest[row] = step
        self._taken += 1
        if self._taken % _LOOK_EVERY == 0:
            self._begin_anew(row, step)

    def _begin_anew(self, row: Ints, step: Ints) -> None:
        """Take off what lies before the window, where much was summed up."""
        many = np.flatnonzero(self._upto[_COUNT][step % _SLOTS, row] > _MOST_SUMMED)
        if many.size:
            row, oldest = row[many], (step[many] - STEPS) % _SLOTS
            for upto in self._upto:
                upto[:, row] -= upto[oldest, row]


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where the sums stand at the end of the step that lies `back` steps before some values; for all sums.

    `place` is where the windows have it, `ends` behind which value of the stretch that is: None where no
    device has more than one.
    """

    back: int
    place: Ints
    ends: Ints | None


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
    _known: dict[tuple[int, int], Floats] = field(default_factory=dict)
    _stands: dict[int, "_Stand"] = field(default_factory=dict)

    def count(self, part: Part) -> Floats:
        """Return how many values are in a part of the window."""
        return self._within(_COUNT, part)

    def total(self, part: Part) -> Floats:
        """Return what the values in a part of the window add up to."""
        return self._within(_TOTAL, part)

    def steps(self, part: Part) -> Floats:
        """Return the sum of the steps of the values: divided by their count, it is when they were."""
        return self._within(_STEPS, part)

    @cached_property
    def behind(self) -> int:
        """How many steps the windows are behind the stretch, at most."""
        return int((self.step - self.newest).max())

    @property
    def last(self) -> Of:
        """Which values are the last of their devices."""
        return _ALL if self.stretch.moments.single else np.flatnonzero(self.stretch.moments.last)

    def place(self, back: int, of: Of) -> Ints:
        """Return where the sums lie of the step that comes so many steps before that of some values."""
        return self._flat(self.step[of] - back, of)

    def each_upto(self, back: int, of: Of) -> list[Floats]:
        """Return each sum at the end of the step that lies so many steps before some values."""
        if isinstance(of, slice):
            return [self._upto(number, back) for number in range(len(self.stored))]
        stand = self._stand(back, of)
        return [self._summed(number, stand, of) for number in range(len(self.stored))]

    def _within(self, number: int, part: Part) -> Floats:
        youngest, oldest = part
        return self._upto(number, youngest) - self._upto(number, oldest + 1)

    def _upto(self, number: int, back: int) -> Floats:
        if (number, back) not in self._known:
            if back not in self._stands:
                self._stands[back] = self._stand(back, _ALL)
            self._known[number, back] = self._summed(number, self._stands[back], _ALL)
        return self._known[number, back]

    def _stand(self, back: int, of: Of) -> "_Stand":
        ends = None if self.stretch.moments.single else self._ends(back, of)
        return _Stand(back, self._stored_place(back, of), ends)

    def _stored_place(self, back: int, of: Of) -> Ints:
        """Return where the windows have what they know of such a step: at their newest, where it is later."""
        if back == 0:
            return self._flat(self.newest[of], of)
        step = self.step[of] - back
        return self._flat(np.minimum(step, self.newest[of]) if self.behind > back else step, of)

    def _flat(self, step: Ints, of: Of) -> Ints:
        devices: int = self.stored[_COUNT].shape[1]
        slot = step - step // _SLOTS * _SLOTS  # a remainder is slower to come by than a quotient
        return slot * devices + self.stretch.row[of]

    def _summed(self, number: int, stand: "_Stand", of: Of) -> Floats:
        """Return what the windows have summed up, and the stretch beside."""
        stored: Floats = self.stored[number].ravel()[stand.place]
        if stand.ends is not None:
            own = self._own[number]
            added: Floats = own[stand.ends] - own[self._begins[of]]
        elif stand.back == 0:
            adds = self.adds[number]
            added = adds if adds.size == 1 else adds[of]
        else:
            return stored
        return np.add(stored, added)

    @cached_property
    def _own(self) -> list[Floats]:
        """What the stretch itself has summed up before each value, and at its end. Shapes: (values + 1,)."""
        whole = (np.broadcast_to(adds, self.step.shape) for adds in self.adds)
        return [np.concatenate([[0.0], np.cumsum(adds, dtype=np.float64)]) for adds in whole]

    @cached_property
    def _begins(self) -> Ints:
        """Where the first value of each value's device stands."""
        return np.maximum.accumulate(np.where(self.stretch.moments.first, np.arange(self.step.size), 0))

    @cached_property
    def _keys(self) -> Ints:
        return self.stretch.row * _PER_DEVICE + self.step

    def _ends(self, back: int, of: Of) -> Ints:
        """Return behind which value of the stretch the step ends; in its own step each ends with itself."""
        if back == 0:
            return np.arange(1, self.step.size + 1)[of]
        ends: Ints = np.searchsorted(self._keys, self._keys[of] - back, side="right")
        return ends
