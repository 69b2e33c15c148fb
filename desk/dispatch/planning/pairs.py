"""Jobs of two people: both stand there at the same time, so they get their people and time before all others.

No solver here knows two routes that meet. What is decided is entered as two tasks with one time each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from desk.dispatch.planning.frame import Frame, Spans, has_parts
from desk.dispatch.planning.insertion import Routes, off
from desk.dispatch.planning.solver import stock_behind
from desk.dispatch.planning.spans import widest
from desk.dispatch.planning.timing import timed
from fleet.clock import MINUTE_MS, SECOND_MS

_SPARE_MS = 10 * SECOND_MS
_TRIED = 6
"""So many who could come soonest are tried as the first person, and as the second."""


@dataclass(frozen=True, slots=True)
class _Could:
    """A crew that could be there to begin at a time, after so long a drive (ms)."""

    crew: int
    begin: int
    drive: int

    @property
    def key(self) -> int:
        """How good it is, less is better: a long way counts twice."""
        return self.begin + self.drive


def pairs_of(frame: Frame) -> Iterator[tuple[int, int]]:
    """Yield the two tasks of each job of two people."""
    for task in range(len(frame.tasks) - 1):
        if frame.tasks[task].job.people == 2 and frame.tasks[task].lead:
            yield task, task + 1


def place_pairs(frame: Frame, spans: list[Spans]) -> set[int]:
    """Decide who does each job of two people, and when: `able` and `spans` are narrowed to that.

    Returns the tasks of those that nobody can do together.
    """
    free = set(frame.free)
    routes = [list(route) for route in frame.fixed]
    lost: set[int] = set()
    ordered = sorted(
        (pair for pair in pairs_of(frame) if pair[0] in free and pair[1] in free),
        key=lambda pair: (frame.tasks[pair[0]].job.level, frame.tasks[pair[0]].job.due, pair),
    )
    for lead, other in ordered:
        wide = widest(frame.problem, frame.tasks[lead].job)
        if not (
            _place(frame, routes, spans, lead, other) or _widened(frame, routes, spans, lead, other, wide)
        ):
            lost |= {lead, other}
    return lost


def _widened(frame: Frame, routes: Routes, spans: list[Spans], lead: int, other: int, wide: Spans) -> bool:
    kept = spans[lead], spans[other]
    spans[lead] = spans[other] = wide
    if _place(frame, routes, spans, lead, other, kept[0]):
        return True
    spans[lead], spans[other] = kept
    return False


def _place(
    frame: Frame, routes: Routes, spans: list[Spans], lead: int, other: int, wanted: Spans | None = None
) -> bool:
    wanted = spans[lead] if wanted is None else wanted
    first = _soonest(frame, routes, spans, lead)
    second = _soonest(frame, routes, spans, other)
    choices = []
    for one in first:
        for two in second:
            begin = _common(max(one.begin, two.begin), spans[lead])
            if one.crew != two.crew and begin is not None:
                waits = 2 * begin - one.begin - two.begin
                choices.append(
                    (off(wanted, begin) + one.drive + two.drive + waits, begin, one.crew, two.crew)
                )
    for _, begin, one_crew, two_crew in sorted(choices):
        spans[lead] = spans[other] = ((begin, begin),)
        tried = [*routes[one_crew], lead], [*routes[two_crew], other]
        if all(
            timed(frame, frame.crews[crew], route, spans) is not None
            for crew, route in zip((one_crew, two_crew), tried, strict=True)
        ):
            routes[one_crew], routes[two_crew] = tried
            for task, crew in ((lead, one_crew), (other, two_crew)):
                frame.able[task] = False
                frame.able[task, crew] = True
            return True
    return False


def _soonest(frame: Frame, routes: Routes, spans: Sequence[Spans], task: int) -> list[_Could]:
    """Return who could come soonest, the way counted twice; the nearest are asked first, and few others."""
    mine, found = frame.tasks[task], list[_Could]()
    for bound, number in sorted(_bounds(frame, routes, task)):
        if len(found) >= _TRIED and bound > found[_TRIED - 1].key:
            break
        if mine.lead and mine.job.parts and not has_parts(stock_behind(frame, number), mine.job.parts):
            continue
        legs = timed(frame, frame.crews[number], [*routes[number], task], spans)
        if legs is not None:
            found.append(_Could(number, legs[-2].begin, legs[-2].drive))
            found.sort(key=lambda each: each.key)
    return found[:_TRIED]


def _bounds(frame: Frame, routes: Routes, task: int) -> Iterator[tuple[int, int]]:
    """Yield what no able crew's key can be below, and the crew."""
    for number in np.flatnonzero(frame.able[task]).tolist():
        crew, route = frame.crews[number], routes[number]
        node = frame.tasks[route[-1]].node if route else crew.start
        yield crew.ready + 2 * int(frame.drive[node, frame.tasks[task].node]), number


def _common(begin: int, spans: Spans) -> int | None:
    """Return the first whole minute that suits both, with a little for a solver that rounds every leg up."""
    minute = -(-(begin + _SPARE_MS) // MINUTE_MS) * MINUTE_MS
    for opens, closes in spans:
        found = opens if begin + _SPARE_MS <= opens else minute
        if found <= closes:
            return found
    return None
