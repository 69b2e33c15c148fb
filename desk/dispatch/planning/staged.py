"""A planner around any solver: what was promised first, then wider, but nothing later than need be.

A solver's windows are hard. So it plans with the promises as windows; what finds no place is inserted as
little late as can be; then the solver goes over all of it once more, with windows that let nothing begin
later.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import process_time

from desk.dispatch.planning.assembling import assembled
from desk.dispatch.planning.easing import eased
from desk.dispatch.planning.fixed import begin_soonest, let_finish
from desk.dispatch.planning.frame import Frame, Spans, frame_of
from desk.dispatch.planning.insertion import WEIGHTS, Routes, fill, off
from desk.dispatch.planning.mending import fitting, together
from desk.dispatch.planning.pairs import place_pairs
from desk.dispatch.planning.port import Problem
from desk.dispatch.planning.reasons import cannot, no_room
from desk.dispatch.planning.solver import Asked, Solver
from desk.dispatch.planning.spans import all_promised, no_later, promised, widest
from desk.dispatch.planning.timing import timed
from fleet.dayplan import DayPlan, Unassigned

_FIRST_SHARE, _SECOND_SHARE = 0.5, 0.75
"""The share of the time by which the plan with all promises, and that with what is widened, are there."""
_DEEPER = 4
"""A solver is asked once more where it has so many times as long as it took: then it looks deeper."""
_KEPT_BACK = 0.03
"""The share of the time for telling why, so that the whole stays within what was asked for."""
Standing = tuple[int, int, int]
"""How good routes are, less is better: what is undone (by weight), ms begun too late, ms of travel."""


class StagedPlanner:
    """Plans with one solver behind it; makes no use of anything that outlives a plan."""

    def __init__(self, solver: Solver) -> None:
        self._solver = solver

    @property
    def name(self) -> str:
        """What it is called: as its solver."""
        return self._solver.name

    def plan(self, problem: Problem, cpu_s: float, seed: int = 0, before: DayPlan | None = None) -> DayPlan:
        """Plan in about `cpu_s` seconds of one core, from the plan in force where there is one."""
        begun = process_time()
        impossible = {each.job: each for job in problem.jobs if (each := cannot(problem, job)) is not None}
        frame = frame_of(problem, [job for job in problem.jobs if job.id not in impossible])
        routes, spans, used = self._routes(frame, begun + cpu_s * (1 - _KEPT_BACK), begun, seed, before)
        routed = {task for route in routes for task in route}
        undone = {
            frame.tasks[task].job.id: frame.tasks[task].job
            for task in range(len(frame.tasks))
            if task not in routed
        }
        left: list[Unassigned] = [
            *impossible.values(),
            *(no_room(frame, routes, spans, job) for job in undone.values()),
        ]
        plan = assembled(frame, routes, spans, tuple(left), self.name)
        return replace(plan, cpu_s=process_time() - begun, solver_cpu_s=used)

    def _routes(
        self, frame: Frame, until: float, begun: float, seed: int, before: DayPlan | None
    ) -> tuple[Routes, list[Spans], float]:
        spans = all_promised(frame)
        let_finish(frame, spans)
        begin_soonest(frame, spans)
        lost = place_pairs(frame, spans)
        free = [task for task in frame.free if task not in lost]
        soft = _may_be_late(frame, free)
        afresh = [list(route) for route in frame.fixed]
        asked = Asked(
            frame, free, spans, afresh, begun + (until - begun) * _FIRST_SHARE if soft else until, seed
        )
        routes = fitting(frame, self._solver.route(asked), free, spans)
        if before is not None:
            routes = _better(frame, routes, _in_force(frame, before, free, spans), spans)
        first = spans
        spans, left = _widened(frame, routes, free, spans)
        if left or any(a is not b for a, b in zip(spans, first, strict=True)):
            asked.spans, asked.start = spans, routes
            asked.until = begun + (until - begun) * _SECOND_SHARE
            found = fitting(frame, self._solver.route(asked), free, spans)
            late, _ = _widened(frame, found, free, spans)
            if standing(frame, found, late) < standing(frame, routes, spans):
                routes, spans = found, late
        asked.until = until
        if asked.left_s > _DEEPER * asked.used_s:
            routes = self._looked_deeper(asked, routes, spans)
        better, kept = eased(frame, self._solver, routes, spans, asked)
        if better is not routes:
            better = fitting(frame, better, free, kept)
        return better, list(kept), asked.used_s

    def _looked_deeper(self, asked: Asked, routes: Routes, spans: Sequence[Spans]) -> Routes:
        """Make ways shorter in the time that promises did not take; nothing begins later than it did."""
        asked.spans, asked.start = spans, routes
        found = fitting(asked.frame, self._solver.route(asked), asked.tasks, spans)
        return _better(asked.frame, routes, found, spans)


def standing(frame: Frame, routes: Routes, spans: Sequence[Spans]) -> Standing:
    """Return how good routes are; less is better."""
    routed = {task for route in routes for task in route}
    undone = sum(WEIGHTS[task.job.level] for number, task in enumerate(frame.tasks) if number not in routed)
    late = travel = 0
    for crew, route in zip(frame.crews, routes, strict=True):
        for leg in timed(frame, crew, route, spans) or []:
            travel += leg.drive
            if leg.task is not None:
                late += off(promised(frame.problem, frame.tasks[leg.task].job), leg.begin)
    return undone, late, travel


def _may_be_late(frame: Frame, free: Sequence[int]) -> bool:
    """Tell whether any promise could be missed: where none is softer than its bounds, none is widened."""
    return any(
        promised(frame.problem, frame.tasks[task].job) != widest(frame.problem, frame.tasks[task].job)
        for task in free
    )


def _widened(
    frame: Frame, routes: Routes, free: Sequence[int], spans: Sequence[Spans]
) -> tuple[list[Spans], list[int]]:
    """Insert what is in no route, in time where there is room, else late; return spans that keep that."""
    left = fill(frame, routes, _missing(routes, free), spans)
    wide = list(spans)
    for task in left:
        if frame.tasks[task].job.people == 1:
            wide[task] = widest(frame.problem, frame.tasks[task].job)
    left = fill(frame, routes, [task for task in left if frame.tasks[task].job.people == 1], spans, wide)
    if left:
        fill(frame, routes, left, wide)  # one that is late may push another that is
    together(frame, routes)
    found = list(spans)
    for crew, route in zip(frame.crews, routes, strict=True):
        found = no_later(frame, found, timed(frame, crew, route, wide) or [])
    left = _missing(routes, free)
    for task in left:
        found[task] = wide[task]
    return found, left


def _missing(routes: Routes, free: Sequence[int]) -> list[int]:
    routed = {task for route in routes for task in route}
    return [task for task in free if task not in routed]


def _in_force(frame: Frame, before: DayPlan, free: Sequence[int], spans: Sequence[Spans]) -> Routes:
    """Return the routes of a plan in force as they stand now, with what is new in it where there is room."""
    routes = fitting(frame, _started(frame, before), free, spans)
    fill(frame, routes, _missing(routes, free), spans)
    return routes


def _better(frame: Frame, one: Routes, other: Routes, spans: Sequence[Spans]) -> Routes:
    """Return the routes that stand better; where they stand alike, `one`."""
    return other if standing(frame, other, spans) < standing(frame, one, spans) else one


def _started(frame: Frame, before: DayPlan) -> Routes:
    """Return the routes of a plan in force as tasks."""
    routes = [list(route) for route in frame.fixed]
    column = {crew.day.engineer: number for number, crew in enumerate(frame.crews)}
    tasks: dict[str, list[int]] = {}
    for number in frame.free:
        tasks.setdefault(frame.tasks[number].job.id, []).append(number)
    for route in before.routes:
        if route.engineer in column:
            for stop in route.stops:
                routes[column[route.engineer]] += tasks.get(stop.job, [])[:1]
    return routes
