"""Whether a plan can be carried out, looked at stop by stop. It shares no code with planners."""

from collections import Counter
from collections.abc import Iterator, Sequence

from desk.dispatch.planning.port import Problem
from fleet.dayplan import DayPlan, Route, Stop
from fleet.visiting import Held, Job, Window, Workday

_ROUNDED_MS = 1
"""Travel is in float seconds, times in whole ms."""


def wrong_with(problem: Problem, plan: DayPlan) -> list[str]:
    """Return what is wrong with a plan, a line each; none where it can be carried out."""
    days = {day.engineer: day for day in problem.workdays}
    jobs = {job.id: job for job in problem.jobs}
    found = list(_counted(problem, plan))
    for route in plan.routes:
        if route.engineer not in days:
            found.append(f"{route.engineer} has no workday")
        elif unknown := [stop.job for stop in route.stops if stop.job not in jobs]:
            found.append(f"{route.engineer} goes to {unknown[0]}, which is no job")
        else:
            found += _route(problem, jobs, days[route.engineer], route)
    found += _together(jobs, days, plan)
    return found


def _counted(problem: Problem, plan: DayPlan) -> Iterator[str]:
    """Tell which job is not in as many routes as it needs people, nor unassigned once."""
    routed = Counter(stop.job for _, stop in plan.stops())
    undone = Counter(each.job for each in plan.unassigned)
    engineers = Counter(route.engineer for route in plan.routes)
    yield from (f"{name} has {count} routes" for name, count in engineers.items() if count > 1)
    for job in problem.jobs:
        wanted = (job.people, 0) if routed[job.id] else (0, 1)
        if (routed[job.id], undone[job.id]) != wanted:
            yield f"{job.id} is in {routed[job.id]} routes and {undone[job.id]} times unassigned"


def _route(problem: Problem, jobs: dict[str, Job], day: Workday, route: Route) -> Iterator[str]:
    who = day.engineer
    free = max(day.hours[0].start, problem.now if day.free_at is None else day.free_at)
    if route.depart < free:
        yield f"{who} sets out at {route.depart}, free from {free}"
    at, place = route.depart, day.start
    for stop in route.stops:
        job = jobs[stop.job]
        yield from _leg(problem, f"{who} to {job.id}", place, job.at, at, stop)
        yield from _stop(problem, day, job, stop)
        at, place = stop.end, job.at
    home = place if day.end is None else day.end
    yield from _way(problem, f"{who} home", place, home, (at, route.home_at), route.home_s, route.home_rests)
    yield from _hours(jobs, day, route, free)
    yield from _carried(jobs, day, route)
    yield from _fixed_first(jobs, route)


def _leg(
    problem: Problem, where: str, start: tuple[float, float], end: tuple[float, float], at: int, stop: Stop
) -> Iterator[str]:
    yield from _way(problem, where, start, end, (at, stop.arrival), stop.travel_s, stop.rests, stop.begin)
    if stop.begin < stop.arrival:
        yield f"{where}: work begins at {stop.begin}, arrival is {stop.arrival}"


def _way(
    problem: Problem,
    where: str,
    start: tuple[float, float],
    end: tuple[float, float],
    times: tuple[int, int],
    travel_s: float,
    rests: Sequence[Window],
    until: int | None = None,
) -> Iterator[str]:
    """Tell where a way takes less than the matrix says, with breaks beside that."""
    rows = problem.travel.index
    needed = float(problem.travel.seconds[rows[start], rows[end]])
    if not abs(needed - travel_s) <= 0.001:
        yield f"{where}: {travel_s} s of travel, the matrix has {needed}"
        return
    rest = sum(each.end - each.start for each in rests)
    if times[1] + _ROUNDED_MS < times[0] + needed * 1000 + rest:
        yield f"{where}: there at {times[1]} from {times[0]}, with {needed} s of travel and {rest} ms of rest"
    last = times[1] if until is None else until
    for each in rests:
        if each.start < times[0] or each.end > last:
            yield f"{where}: a rest from {each.start} to {each.end} is outside of the leg"


def _stop(problem: Problem, day: Workday, job: Job, stop: Stop) -> Iterator[str]:
    if stop.end - stop.begin != job.work_ms:
        yield f"{job.id}: {stop.end - stop.begin} ms of work, {job.work_ms} needed"
    if stop.late_ms != max(0, stop.begin - job.due):
        yield f"{job.id}: late by {stop.late_ms} ms is wrong"
    hold = job.hold
    if hold is not None:
        if day.engineer not in hold.engineers:
            yield f"{job.id} is held for {', '.join(hold.engineers)}, {day.engineer} goes"
        exact = hold.why is Held.OVERRIDE
        if hold.begin is not None and (stop.begin != hold.begin if exact else stop.begin < hold.begin):
            yield f"{job.id} is held for {hold.begin}, it begins at {stop.begin}"
        if not exact:
            return
    if stop.begin < max(job.earliest, problem.now):
        yield f"{job.id} begins at {stop.begin}, before {max(job.earliest, problem.now)}"
    if job.latest is not None and stop.begin > job.latest:
        yield f"{job.id} begins at {stop.begin}, after {job.latest}"


def _hours(jobs: dict[str, Job], day: Workday, route: Route, free: int) -> Iterator[str]:
    who, end = day.engineer, day.hours[-1].end
    only_held = all(_is_first(jobs[stop.job]) for stop in route.stops)
    if only_held:
        return  # what was begun is finished, after hours and without a break as well
    if route.home_at > end:
        yield f"{who} is back at {route.home_at}, after {end}"
    if day.longest_ms is not None and route.home_at - route.depart > day.longest_ms:
        yield f"{who} is out for {route.home_at - route.depart} ms, {day.longest_ms} at most"
    rests = [*(each for stop in route.stops for each in stop.rests), *route.home_rests]
    for stop in route.stops:
        for rest in rests:
            if rest.start < stop.end and stop.begin < rest.end:
                yield f"{who} works at {stop.job} in a rest"
    yield from _rested(day, route, rests, free)


def _rested(day: Workday, route: Route, rests: Sequence[Window], free: int) -> Iterator[str]:
    """Tell which break falls into the route and is not in it, gaps between the hours among them."""
    asked = [(rest.length_ms, rest.earliest, rest.latest) for rest in day.rests]
    for before, after in zip(day.hours, day.hours[1:], strict=False):
        asked.append((after.start - before.end, before.end, after.start))
    for length, earliest, latest in asked:
        last_start = latest - length
        if last_start < max(free, route.depart) or route.home_at <= last_start:
            continue
        if not any(
            rest.end - rest.start == length and earliest <= rest.start and rest.end <= latest
            for rest in rests
        ):
            yield f"{day.engineer} has no rest of {length} ms from {earliest} to {latest}"


def _carried(jobs: dict[str, Job], day: Workday, route: Route) -> Iterator[str]:
    used: Counter[str] = Counter()
    for stop in route.stops:
        job = jobs[stop.job]
        if job.people == 1 and not _is_first(job):
            if missing := job.skills - day.skills:
                yield f"{day.engineer} has no {', '.join(sorted(missing))} for {job.id}"
            used.update(job.parts)
    yield from (
        f"{day.engineer} carries {day.stock.get(code, 0)} of {code}, {count} needed"
        for code, count in used.items()
        if count > day.stock.get(code, 0)
    )


def _fixed_first(jobs: dict[str, Job], route: Route) -> Iterator[str]:
    first = [_is_first(jobs[stop.job]) for stop in route.stops]
    if first != sorted(first, reverse=True):
        yield f"{route.engineer}: what is under way or next does not come first"


def _together(jobs: dict[str, Job], days: dict[str, Workday], plan: DayPlan) -> Iterator[str]:
    """Tell where two people are not there at once, or neither has all skills and parts."""
    for job in jobs.values():
        there = [(who, stop) for who, stop in plan.stops() if stop.job == job.id and who in days]
        if job.people == 1 or len(there) < 2 or _is_first(job):
            continue
        if there[0][0] == there[1][0] or there[0][1].begin != there[1][1].begin:
            yield f"{job.id}: its two people do not begin together"
        if not any(_can_lead(days[who], job) for who, _ in there):
            yield f"{job.id}: neither of its people has all skills and parts"


def _can_lead(day: Workday, job: Job) -> bool:
    carried = all(day.stock.get(code, 0) >= count for code, count in job.parts.items())
    return job.skills <= day.skills and carried


def _is_first(job: Job) -> bool:
    return job.hold is not None and job.hold.why in (Held.UNDER_WAY, Held.NEXT)
