"""Why a job is in no route, and what would make it possible."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from desk.dispatch.planning.frame import Frame, Spans, has_parts
from desk.dispatch.planning.insertion import Routes
from desk.dispatch.planning.port import Problem
from desk.dispatch.planning.solver import stock_behind
from desk.dispatch.planning.spans import widest
from desk.dispatch.planning.timing import timed
from fleet.dayplan import Remedy, Unassigned, Undone
from fleet.visiting import Held, Job, Workday


def cannot(problem: Problem, job: Job) -> Unassigned | None:
    """Return why a job can be done by nobody even on an empty day; None where it could be.

    What is under way or next is never refused: it is done as it was begun.
    """
    if job.hold is not None and job.hold.why is not Held.OVERRIDE:
        known = {day.engineer for day in problem.workdays}
        gone = tuple(each for each in job.hold.engineers if each not in known)
        return _held_wrongly(job, gone) if gone or not job.hold.engineers else None
    return _past(problem, job) or _nobody_able(problem, job) or _held_for_nobody(problem, job)


def _held_wrongly(job: Job, engineers: tuple[str, ...]) -> Unassigned:
    return Unassigned(job.id, Undone.HOLD_IMPOSSIBLE, Remedy.LIFT_HOLD, engineers)


def _past(problem: Problem, job: Job) -> Unassigned | None:
    soonest = max(job.earliest, problem.now)
    begin = None if job.hold is None else job.hold.begin
    if begin is not None and not soonest <= begin <= (begin if job.latest is None else job.latest):
        return _held_wrongly(job, job.hold.engineers if job.hold is not None else ())
    if not widest(problem, job):
        return Unassigned(job.id, Undone.WINDOW_PAST, Remedy.NEW_WINDOW, at=soonest)
    return None


def _held_for_nobody(problem: Problem, job: Job) -> Unassigned | None:
    """Return what a manager's decision or a second person fails at, or the time of day."""
    if job.hold is None and job.people == 1 and any(_suits(problem, day, job) for day in problem.workdays):
        return None
    able = [day for day in problem.workdays if _is_able(day, job)]
    held = [day for day in able if job.hold is None or day.engineer in job.hold.engineers]
    if job.hold is not None and (not held or len(job.hold.engineers) < job.people):
        return _held_wrongly(job, job.hold.engineers)
    if job.people > len(problem.workdays):
        return Unassigned(job.id, Undone.NO_SECOND_PERSON, Remedy.SECOND_PERSON, engineer=held[0].engineer)
    return _no_time(problem, job, held)


def no_room(frame: Frame, routes: Routes, spans: Sequence[Spans], job: Job) -> Unassigned:
    """Return why a job that somebody could do alone found no place, and who could with how much more time."""
    if job.hold is not None:
        return Unassigned(job.id, Undone.HOLD_IMPOSSIBLE, Remedy.LIFT_HOLD, job.hold.engineers)
    tasks = [number for number, task in enumerate(frame.tasks) if task.job.id == job.id]
    if job.people == 2:
        return Unassigned(job.id, Undone.NO_SECOND_PERSON, Remedy.SECOND_PERSON)
    able = [int(number) for number in np.flatnonzero(frame.able[tasks[0]])]
    left = {number: _left(frame, number, routes[number]) for number in able}
    if able and not any(has_parts(left[number], job.parts) for number in able):
        nearest = _nearest(frame.problem, job, [frame.crews[number].day for number in able])
        stock = next(left[number] for number in able if frame.crews[number].day is nearest)
        short = tuple(sorted(code for code, count in job.parts.items() if stock.get(code, 0) < count))
        engineer = "" if nearest is None else nearest.engineer
        return Unassigned(job.id, Undone.NO_PART, Remedy.RESTOCK, short, engineer)
    best: tuple[int, str] | None = None
    for number in able:
        needed = _over(frame, routes[number], spans, number, tasks[0])
        if needed is not None and (best is None or needed < best[0]):
            best = needed, frame.crews[number].day.engineer
    if best is None:
        return Unassigned(job.id, Undone.NO_ROOM, Remedy.NEW_WINDOW)
    return Unassigned(job.id, Undone.NO_ROOM, Remedy.LATER_END, engineer=best[1], missing_ms=best[0])


def _left(frame: Frame, number: int, route: Sequence[int]) -> dict[str, int]:
    """Return what a van has left when its route is done."""
    stock = stock_behind(frame, number)
    for task in route[len(frame.fixed[number]) :]:
        for code, count in frame.tasks[task].job.parts.items() if frame.tasks[task].lead else ():
            stock[code] = stock.get(code, 0) - count
    return stock


def _over(frame: Frame, route: Sequence[int], spans: Sequence[Spans], number: int, task: int) -> int | None:
    """Return by how much an engineer would end late with this job as the last; None where it is too late."""
    crew = frame.crews[number]
    day = replace(crew.day, longest_ms=None)
    longer = replace(crew, until=crew.until + 24 * 3_600_000, day=day)
    wide = [*spans[:task], widest(frame.problem, frame.tasks[task].job), *spans[task + 1 :]]
    legs = timed(frame, longer, [*route, task], wide)
    if legs is None:
        return None
    out = legs[-1].end - (legs[0].begin - legs[0].drive)
    allowed = out if crew.day.longest_ms is None else crew.day.longest_ms
    return max(0, legs[-1].end - crew.until, out - allowed)


def _nobody_able(problem: Problem, job: Job) -> Unassigned | None:
    """Return which skill or part nobody has; None where somebody has all."""
    days = problem.workdays
    for day in days:
        if _is_able(day, job):
            return None
    gone = tuple(sorted(code for code in job.parts if code in problem.discontinued))
    if gone and not any(has_parts(day.stock, job.parts) for day in days):
        return Unassigned(job.id, Undone.PART_DISCONTINUED, Remedy.REPLACE_PART, gone)
    skilled = [day for day in days if job.skills <= day.skills]
    if not skilled:
        nearest = _nearest(problem, job, _fewest_missing(days, job))
        missing = tuple(sorted(job.skills - (nearest.skills if nearest else frozenset())))
        return Unassigned(
            job.id, Undone.NO_SKILL, Remedy.CERTIFY, missing, nearest.engineer if nearest else ""
        )
    stocked = [day for day in days if has_parts(day.stock, job.parts)]
    why = Undone.NOBODY_HAS_BOTH if stocked else Undone.NO_PART
    nearest = _nearest(problem, job, skilled)
    stock = {} if nearest is None else nearest.stock
    short = tuple(sorted(code for code, count in job.parts.items() if stock.get(code, 0) < count))
    return Unassigned(job.id, why, Remedy.RESTOCK, short, nearest.engineer if nearest else "")


def _no_time(problem: Problem, job: Job, days: Sequence[Workday]) -> Unassigned | None:
    """Return why no able engineer could do it on an otherwise empty day; None where one could."""
    reached = [day for day in days if not np.isnan(_way(problem, day, job))]
    if not reached:
        return Unassigned(job.id, Undone.UNREACHABLE, Remedy.ANOTHER_WAY)
    opens, closes = widest(problem, job)[0]
    shift = max(_longest(day) for day in reached)
    if job.work_ms > shift:
        return Unassigned(job.id, Undone.TOO_LONG, Remedy.SPLIT_WORK, missing_ms=job.work_ms - shift)
    begins = [(_soonest(problem, day, job), day) for day in reached]
    soonest, nearest = min(begins, key=lambda each: each[0])
    if soonest > closes:
        early = min(_ready(problem, day) for day in reached)
        why = Undone.NOBODY_WORKS_THEN if early > closes else Undone.TOO_FAR
        remedy = Remedy.NEW_WINDOW if early > closes else Remedy.START_NEARER
        return Unassigned(job.id, why, remedy, (), nearest.engineer, soonest - closes, soonest)
    over = min(
        (_end(problem, day, job, max(opens, begin)) - day.hours[-1].end, day.engineer)
        for begin, day in begins
    )
    if over[0] > 0:
        late = all(opens > day.hours[-1].end for _, day in begins)
        why = Undone.NOBODY_WORKS_THEN if late else Undone.TOO_FAR
        return Unassigned(job.id, why, Remedy.LATER_END, (), over[1], over[0], max(opens, soonest))
    return None


def _suits(problem: Problem, day: Workday, job: Job) -> bool:
    """Tell whether an engineer could do a job on an otherwise empty day."""
    if not _is_able(day, job):
        return False
    way = _way(problem, day, job)
    if np.isnan(way) or job.work_ms > _longest(day):
        return False
    opens, closes = widest(problem, job)[0]
    begin = max(opens, _ready(problem, day) + round(way * 1000))
    return begin <= closes and _end(problem, day, job, begin) <= day.hours[-1].end


def _is_able(day: Workday, job: Job) -> bool:
    return job.skills <= day.skills and has_parts(day.stock, job.parts)


def _fewest_missing(days: Sequence[Workday], job: Job) -> list[Workday]:
    least = min((len(job.skills - day.skills) for day in days), default=0)
    return [day for day in days if len(job.skills - day.skills) == least]


def _nearest(problem: Problem, job: Job, days: Iterable[Workday]) -> Workday | None:
    return min(
        days, key=lambda day: (np.nan_to_num(_way(problem, day, job), nan=np.inf), day.engineer), default=None
    )


def _way(problem: Problem, day: Workday, job: Job) -> float:
    index = problem.travel.index
    return float(problem.travel.seconds[index[day.start], index[job.at]])


def _ready(problem: Problem, day: Workday) -> int:
    return max(day.hours[0].start, problem.now if day.free_at is None else day.free_at)


def _soonest(problem: Problem, day: Workday, job: Job) -> int:
    return _ready(problem, day) + round(_way(problem, day, job) * 1000)


def _end(problem: Problem, day: Workday, job: Job, begin: int) -> int:
    index = problem.travel.index
    back = 0.0 if day.end is None else float(problem.travel.seconds[index[job.at], index[day.end]])
    return begin + job.work_ms + (1 << 50 if np.isnan(back) else round(back * 1000))


def _longest(day: Workday) -> int:
    whole = max(part.end - part.start for part in day.hours)
    return whole if day.longest_ms is None else min(whole, day.longest_ms)
