"""Whether one more task fits into a route, told from its two neighbours and not by timing all of it again."""

from collections.abc import Sequence

from desk.dispatch.planning.frame import FAR, NEVER, Crew, Frame, Spans
from desk.dispatch.planning.timing import arrivals, begin_in, timed

_NO_TIME = -1
"""By when one would have had to be there where it is too late in any case."""


class Room:
    """How soon each stop of a route can be left, and how late one may be there: by the breaks taken so far.

    It says the same as `timed` of the longer route. Whoever comes earlier may wait, so that a route goes on
    from a stop if and only if one is there by its latest time.
    """

    def __init__(self, frame: Frame, crew: Crew, route: Sequence[int], spans: Sequence[Spans]) -> None:
        self._frame = frame
        self._crew = crew
        self._route = list(route)
        self._spans = spans
        tasks = [frame.tasks[task] for task in route]
        self._nodes = [crew.start, *(task.node for task in tasks)]
        drives = [int(way) for way in frame.drive[self._nodes[:-1], self._nodes[1:]]]
        drives.append(0 if crew.end is None else int(frame.drive[self._nodes[-1], crew.end]))
        self._works = [task.job.work_ms for task in tasks]
        self._soonest = self._left_by(drives)
        self._latest = self._there_by(drives)
        self._first = [
            min((each for each in left if each is not None), default=NEVER) for left in self._soonest
        ]
        self._last = [max(there) for there in self._latest]

    def fits(self, at: int, task: int) -> bool:
        """Tell whether the route can be done in time with a task more, as its stop number `at`."""
        crew, route = self._crew, self._route
        if crew.day.longest_ms is not None:  # who sets out later is out for less: that is not local
            longer = [*route[:at], task, *route[at:]]
            return timed(self._frame, crew, longer, self._spans) is not None
        node, work = self._frame.tasks[task].node, self._frame.tasks[task].job.work_ms
        after = self._nodes[at + 1] if at < len(route) else crew.end
        to = int(self._frame.drive[self._nodes[at], node])
        on = 0 if after is None else int(self._frame.drive[node, after])
        if to >= FAR or on >= FAR:
            return False
        spans, latest = self._spans[task], self._latest[at]
        soonest = begin_in(spans, self._first[at] + to)
        if soonest is None or soonest + work + on > self._last[at]:
            return False  # that is most of them: not even without a break
        for taken, time in enumerate(self._soonest[at]):
            if time is None:
                continue
            for count, ready in arrivals(crew, time, to, taken):
                begin = begin_in(spans, ready)
                if begin is None:
                    continue
                for later, there in arrivals(crew, begin + work, on, count):
                    if there <= latest[later]:
                        return True
        return False

    def _left_by(self, drives: Sequence[int]) -> list[list[int | None]]:
        """Return when each stop can be left at the soonest, the start first, by the breaks taken so far."""
        crew = self._crew
        found: list[list[int | None]] = [[None] * (len(crew.pauses) + 1)]
        found[0][sum(latest < crew.ready for _, latest, _ in crew.pauses)] = crew.ready
        for task, drive, work in zip(self._route, drives, self._works, strict=False):
            left: list[int | None] = [None] * (len(crew.pauses) + 1)
            for taken, time in enumerate(found[-1]):
                if time is None or drive >= FAR:
                    continue
                for count, ready in arrivals(crew, time, drive, taken):
                    begin, known = begin_in(self._spans[task], ready), left[count]
                    if begin is not None and (known is None or begin + work < known):
                        left[count] = begin + work
            found.append(left)
        return found

    def _there_by(self, drives: Sequence[int]) -> list[list[int]]:
        """Return when one has to be ready at each stop at the latest, home last, by the breaks taken then."""
        crew = self._crew
        breaks = range(len(crew.pauses) + 1)
        found = [[min(crew.until, crew.pauses[count][1]) for count in breaks[:-1]] + [crew.until]]
        for task, drive, work in zip(self._route[::-1], drives[:0:-1], self._works[::-1], strict=True):
            ends = [
                max(_leave_by(crew, found[-1][count], drive, taken, count) for count in breaks[taken:])
                for taken in breaks
            ]
            found.append([_ready_by(self._spans[task], end - work) for end in ends])
        return found[::-1]


def _leave_by(crew: Crew, ready: int, drive: int, taken: int, count: int) -> int:
    """Return by when to leave to be ready elsewhere at `ready`, with some breaks on the way."""
    free = NEVER
    for earliest, latest, length in crew.pauses[taken:count][::-1]:
        ready, free = ready - length, min(latest, free - length)
        if earliest > ready or earliest > free:
            return _NO_TIME
    return _NO_TIME if drive >= FAR else min(free, ready - drive)


def _ready_by(spans: Spans, begin: int) -> int:
    """Return by when one has to be ready so that work begins at `begin` at the latest."""
    return max((min(closes, begin) for opens, closes in spans if opens <= begin), default=_NO_TIME)
