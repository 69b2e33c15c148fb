"""When an engineer could be at a case between what they are to do anyway. Times are epoch ms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from desk.dispatch.travel.port import TravelMatrix
from fleet.clock import MINUTE_MS
from fleet.visiting import Job, Position, Workday

_ROUND_MS = 5 * MINUTE_MS
"""A suggested arrival is at five minutes, and never sooner than it can be."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Something that an engineer is to do: at `at` from `arrives` to `ends`."""

    at: Position
    arrives: int
    ends: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which a job could be done: `extra_ms` is what the way of the day grows by."""

    arrives: int
    ends: int
    travel_ms: int
    metres: int
    extra_ms: int


def first_slot(day: Workday, busy: Sequence[Busy], job: Job, travel: TravelMatrix, now: int) -> Slot | None:
    """Return the first time of a day at which a job could be done; None where it has no room."""
    return next(_slots(day, busy, job, travel, now), None)


def _slots(day: Workday, busy: Sequence[Busy], job: Job, travel: TravelMatrix, now: int) -> Iterator[Slot]:
    begins = day.hours[0].start
    at, free = day.start, max(now, begins)
    today = sorted((each for each in busy if each.ends > begins), key=lambda each: each.arrives)
    for each in (*today, None):
        if each is not None and each.arrives > day.hours[-1].end:
            each = None  # noqa: PLW2901 - what comes on another day does not hem this one in
        found = _between(day, at, free, each, job, travel)
        if found is not None:
            yield found
        if each is None:
            return
        at, free = each.at, max(free, each.ends)


def _between(
    day: Workday, at: Position, free: int, then: Busy | None, job: Job, travel: TravelMatrix
) -> Slot | None:
    """Return the first time between being free at a place and what comes then."""
    way, metres = _way(travel, at, job.at)
    if way is None:
        return None
    for part in day.hours:
        arrives = _rounded(max(free + way, job.earliest, part.start))
        ends = arrives + job.work_ms
        if ends > part.end:
            continue
        if then is None:
            return Slot(arrives, ends, way, metres, way)
        onward, _ = _way(travel, job.at, then.at)
        direct, _ = _way(travel, at, then.at)
        if onward is not None and ends + onward <= then.arrives:
            return Slot(arrives, ends, way, metres, way + onward - (direct or 0))
    return None


def _way(travel: TravelMatrix, start: Position, end: Position) -> tuple[int | None, int]:
    """Return the time (ms) and metres of a way; None where there is none."""
    row, column = travel.index[start], travel.index[end]
    seconds = float(travel.seconds[row, column])
    return (
        (None, 0) if np.isnan(seconds) else (round(seconds * 1000), round(float(travel.metres[row, column])))
    )


def _rounded(ms: int) -> int:
    return -(-ms // _ROUND_MS) * _ROUND_MS
