"""The plan in force, as it stands later in the day: what is done, what is held, what is open again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from desk.dispatch.planning.port import Problem
from fleet.dayplan import DayPlan, Route, Stop
from fleet.visiting import Held, Hold, Job, Rest, Window, Workday


@dataclass(frozen=True, slots=True)
class Rolled:
    """A problem as it stands at a later time, and the stops that are behind, with who made them."""

    problem: Problem
    behind: tuple[tuple[str, Stop], ...]


@dataclass(frozen=True, slots=True)
class Churn:
    """What a new plan changed: jobs with another engineer, arrivals told anew (of how many), travel."""

    told: int
    told_anew: tuple[str, ...]
    moved: tuple[str, ...]
    more_travel_s: float

    @property
    def told_anew_share(self) -> float:
        """Return the share of told arrivals that have to be told anew."""
        return len(self.told_anew) / self.told if self.told else 0.0


def rolled(problem: Problem, plan: DayPlan, now: int, away: Collection[str] = ()) -> Rolled:
    """Return a problem as it stands at `now` when everything went as planned, without those who are `away`.

    What an engineer is at, and where they go next, is held; what someone who is away had not begun is open.
    """
    routes = {route.engineer: route for route in plan.routes}
    known = {job.id: job for job in problem.jobs}
    behind = [
        (who, stop) for who, stop in plan.stops() if stop.end <= now or (who in away and stop.begin <= now)
    ]
    done = {stop.job for _, stop in behind}
    held = _held(problem, plan, now, away)
    jobs = [_open(job, held.get(job.id)) for job in problem.jobs if job.id not in done]
    days = [
        day if day.engineer not in routes else _day(day, routes[day.engineer], known, now)
        for day in problem.workdays
        if day.engineer not in away
    ]
    return Rolled(replace(problem, now=now, jobs=tuple(jobs), workdays=tuple(days)), tuple(behind))


def churn(problem: Problem, before: DayPlan, after: DayPlan) -> Churn:
    """Return what changed for the jobs that both plans and the problem know."""
    then = {stop.job: (who, stop) for who, stop in before.stops()}
    now = {stop.job: (who, stop) for who, stop in after.stops()}
    told = [job for job in problem.jobs if job.told is not None and job.id in then]
    anew = [job.id for job in told if job.id not in now or now[job.id][1].moved_ms > 0]
    moved = [job for job in then if job in now and then[job][0] != now[job][0]]
    return Churn(len(told), tuple(anew), tuple(moved), after.travel_s - before.travel_s)


def telling(problem: Problem, plan: DayPlan, early_ms: int, late_ms: int) -> Problem:
    """Return a problem whose planned jobs were told a window of arrival around their planned begin.

    A job keeps the window that it was told as long as the plan keeps to it.
    """
    begin = {stop.job: stop.begin for _, stop in plan.stops()}
    return replace(
        problem, jobs=tuple(_told(job, begin.get(job.id), early_ms, late_ms) for job in problem.jobs)
    )


def _told(job: Job, begin: int | None, early_ms: int, late_ms: int) -> Job:
    if begin is None or (job.told is not None and job.told.start <= begin <= job.told.end):
        return job
    return replace(job, told=Window(begin - early_ms, begin + late_ms))


def _open(job: Job, hold: Hold | None) -> Job:
    """Return a job with its hold of this hour; one that outlasts the hour is a manager's."""
    if hold is not None:
        return replace(job, hold=hold, people=len(hold.engineers))
    kept = job.hold if job.hold is not None and job.hold.why is Held.OVERRIDE else None
    return replace(job, hold=kept)


def _held(problem: Problem, plan: DayPlan, now: int, away: Collection[str]) -> dict[str, Hold]:
    """Return the holds of what is under way and next, whoever leads first."""
    people = {job.id: job.people for job in problem.jobs}
    found: dict[str, Hold] = {}
    waits: set[str] = set()
    for route in plan.routes:
        if route.engineer in away:
            continue
        ahead = [stop for stop in route.stops if stop.end > now]
        for place, stop in enumerate(ahead[:2]):
            begun = stop.begin <= now
            if place == 1 and not ahead[0].begin <= now:
                break  # the next one was the first
            why = Held.UNDER_WAY if begun else Held.NEXT
            others = tuple(each for each in stop.beside if each not in away)
            who = (route.engineer, *others) if stop.lead else (*others, route.engineer)
            found[stop.job] = Hold(why, who, stop.begin)
            if not begun and len(who) < people[stop.job]:
                waits.add(stop.job)  # its second person is away: somebody else has to be found
    return {job: hold for job, hold in found.items() if job not in waits}


def _day(day: Workday, route: Route, known: dict[str, Job], now: int) -> Workday:
    """Return a day from where the engineer is: at a job, or where they set out from for the next."""
    done = [stop for stop in route.stops if stop.end <= now]
    at = [stop for stop in route.stops if stop.begin <= now < stop.end]
    last = (done + at)[-1:]
    if not last:
        return replace(day, free_at=route.depart if route.depart <= now else day.free_at)
    stock = dict(day.stock)
    for stop in done:
        for code, count in known[stop.job].parts.items() if stop.lead else ():
            stock[code] = max(0, stock.get(code, 0) - count)
    taken = [rest for stop in done + at for rest in stop.rests]
    free_at = at[0].begin if at else last[0].end
    longest = None if day.longest_ms is None else day.longest_ms - (free_at - route.depart)
    return replace(
        day,
        start=known[last[0].job].at,
        stock=stock,
        rests=tuple(rest for rest in day.rests if not _is_taken(rest, taken)),
        free_at=free_at,
        longest_ms=longest,
    )


def _is_taken(rest: Rest, taken: Sequence[Window]) -> bool:
    return any(
        each.end - each.start == rest.length_ms and rest.earliest <= each.start and each.end <= rest.latest
        for each in taken
    )
