"""Contractors come last: they get what our own people cannot do in time, and nothing else."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from desk.dispatch.planning.port import Planner, Problem
from fleet.dayplan import Chosen, DayPlan, Route, Why
from fleet.visiting import Job, Workday


def own_first(
    planner: Planner, problem: Problem, cpu_s: float, seed: int = 0, before: DayPlan | None = None
) -> DayPlan:
    """Plan with our own people; what they leave undone or do late is offered to contractors.

    Contractors are the workdays with `dear_s`. One takes a job where it would be undone otherwise, or is in
    time only so; the others are then planned anew without it. What is kept with a contractor stays there.
    `before` is the plan in force.
    """
    theirs = [day for day in problem.workdays if day.dear_s]
    if not theirs:
        return planner.plan(problem, cpu_s, seed, before)
    ours = [day for day in problem.workdays if not day.dear_s]
    names = {day.engineer for day in theirs}
    kept = [job for job in problem.jobs if job.hold is not None and job.hold.engineers[0] in names]
    rest = [job for job in problem.jobs if job not in kept]
    own = planner.plan(_part(problem, rest, ours), cpu_s, seed, before)
    in_time = {stop.job for _, stop in own.stops() if not stop.late_ms}
    wanted = [job for job in rest if job.id not in in_time and job.hold is None]
    if not wanted and not kept:
        return own
    undone = {each.job for each in own.unassigned}
    tried = planner.plan(_part(problem, [*kept, *wanted], theirs), cpu_s, seed, before)
    taken = {stop.job for _, stop in tried.stops() if stop.job in undone or not stop.late_ms}
    more = [job for job in wanted if job.id in taken]
    if not more and not kept:
        return own
    if len(more) < len(wanted):
        tried = planner.plan(_part(problem, [*kept, *more], theirs), cpu_s, seed, before)
        taken = {stop.job for _, stop in tried.stops()}
    left = [job for job in rest if job.id not in taken]
    own = (
        planner.plan(_part(problem, left, ours), cpu_s, seed, before)
        if taken & {job.id for job in rest}
        else own
    )
    return _together(own, tried, kept)


def _part(problem: Problem, jobs: Iterable[Job], days: Iterable[Workday]) -> Problem:
    return replace(problem, jobs=tuple(jobs), workdays=tuple(days))


def _together(own: DayPlan, theirs: DayPlan, kept: Collection[Job]) -> DayPlan:
    """Return both plans as one; why a contractor goes is said in place of what their own plan says."""
    holds = {job.id for job in kept}
    routes = [*own.routes, *(_said(route, holds) for route in theirs.routes)]
    unassigned = [*own.unassigned, *(each for each in theirs.unassigned if each.job in holds)]
    return replace(
        own,
        routes=tuple(routes),
        unassigned=tuple(unassigned),
        cpu_s=own.cpu_s + theirs.cpu_s,
        solver_cpu_s=own.solver_cpu_s + theirs.solver_cpu_s,
    )


def _said(route: Route, kept: Collection[str]) -> Route:
    stops = []
    for stop in route.stops:
        why = stop.why
        if stop.job not in kept and why is not None:
            why = Why(Chosen.CONTRACTOR, why.able, why.extra_s)
        stops.append(replace(stop, why=why))
    return replace(route, stops=tuple(stops))
