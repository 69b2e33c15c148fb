"""Work that is longer than a shift goes on the next days, by the same engineer."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isnan
from zoneinfo import ZoneInfo

from desk.dispatch.planning.frame import has_parts
from desk.dispatch.planning.port import Problem
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.localtime import day_of
from fleet.visiting import Job, Workday

MOST_DAYS = 14
"""Work that is not over after so many days is an error of whoever entered it."""
LONG_MS = 4 * HOUR_MS
"""Shorter work fits into any shift worth its name; what is longer is looked at."""
_ON_THE_ROAD_MS = HOUR_MS
"""So much of a shift is left for ways."""
_ROUND_MS = 5 * MINUTE_MS

WorkdayOf = Callable[[date], Workday | None]
"""Returns an engineer's day, None where they do not work."""


def ends_of(workday: WorkdayOf, arrives: int, work_ms: int, zone: ZoneInfo) -> int:
    """Return when work is over that begins at `arrives` (epoch ms); it rests at night, and over lunch.

    Where the rest of the day is enough, or shifts do not suffice, it is over after `work_ms`.
    """
    first = day_of(arrives, zone)
    today = workday(first)
    if today is None or any(part.start <= arrives and arrives + work_ms <= part.end for part in today.hours):
        return arrives + work_ms
    left = work_ms
    for after in range(MOST_DAYS):
        day = workday(first + timedelta(days=after))
        for begins, ends in _stretches(day) if day is not None else ():
            free = ends - max(arrives, begins)
            if free >= left:
                return max(arrives, begins) + left
            left -= max(0, free)
    return arrives + work_ms


def _stretches(day: Workday) -> Iterator[tuple[int, int]]:
    """Yield when somebody works on a day, with each break at its earliest."""
    for part in day.hours:
        begins = part.start
        for rest in sorted(day.rests, key=lambda each: each.earliest):
            if begins <= rest.earliest and rest.earliest + rest.length_ms <= part.end:
                yield begins, rest.earliest
                begins = rest.earliest + rest.length_ms
        yield begins, part.end


def is_long(work_ms: int, days: Collection[Workday]) -> bool:
    """Tell whether work fits into no day, breaks and ways included."""
    return work_ms > LONG_MS and work_ms > most_of_a_day(days)


def most_of_a_day(days: Collection[Workday]) -> int:
    """Return the longest work (ms) that some day can take: what its shifts leave beside breaks and ways."""
    spare = (
        sum(part.end - part.start for part in day.hours) - sum(rest.length_ms for rest in day.rests)
        for day in days
    )
    return max(LONG_MS, max(spare, default=LONG_MS) - _ON_THE_ROAD_MS)


@dataclass(frozen=True, slots=True)
class LongVisit:
    """Who begins long work when: the rest of their day, and of days after, goes into it."""

    job: Job
    engineer: str
    arrives: int
    travel_ms: int


def long_first(problem: Problem) -> tuple[Problem, list[LongVisit], list[Job]]:
    """Give long work to who is free all day, the nearest able one of our own first.

    Returns the problem without that work and those days, who does it, and the work that nobody has a day for.
    A solver could not: in its routes work does not rest over lunch.
    """
    days, found, left = list(problem.workdays), list[LongVisit](), list[Job]()
    busy = {each for job in problem.jobs if job.hold is not None for each in job.hold.engineers}
    long = [job for job in problem.jobs if job.hold is None and is_long(job.work_ms, problem.workdays)]
    for job in sorted(long, key=lambda each: (each.level, each.due, each.id)):
        able = [
            (day.dear_s, visit.travel_ms, day.engineer, visit)
            for day in days
            if day.engineer not in busy and (visit := _visit(problem, day, job)) is not None
        ]
        if not able:
            left.append(job)
            continue
        found.append(min(able)[3])
        days = [day for day in days if day.engineer != found[-1].engineer]
    jobs = tuple(job for job in problem.jobs if job not in long)
    return replace(problem, jobs=jobs, workdays=tuple(days)), found, left


def _visit(problem: Problem, day: Workday, job: Job) -> LongVisit | None:
    """Return when somebody could begin; None for who is not able, or begins too late for it to be a day."""
    if not (job.skills <= day.skills and has_parts(day.stock, job.parts)):
        return None
    index = problem.travel.index
    way = float(problem.travel.seconds[index[day.start], index[job.at]])
    if isnan(way):
        return None
    ready = max(day.hours[0].start, problem.now if day.free_at is None else day.free_at)
    arrives = max(ready + round(way * 1000), job.earliest)
    if arrives > day.hours[-1].end - LONG_MS:
        return None
    return LongVisit(job, day.engineer, -(-arrives // _ROUND_MS) * _ROUND_MS, round(way * 1000))
