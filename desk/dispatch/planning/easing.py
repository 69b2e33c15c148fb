"""What it is worth to tell an arrival anew: told windows are left only where that saves enough travel."""

from collections.abc import Sequence

from desk.dispatch.planning.frame import Frame, Spans
from desk.dispatch.planning.insertion import Routes, fill, off
from desk.dispatch.planning.mending import fitting
from desk.dispatch.planning.solver import Asked, Solver
from desk.dispatch.planning.spans import in_time, promised
from desk.dispatch.planning.timing import Leg, timed

MOST_EASED = 0.1
"""The largest share of told arrivals that is given up to save travel; what cannot be kept comes on top."""


def eased(
    frame: Frame, solver: Solver, routes: Routes, spans: Sequence[Spans], asked: Asked
) -> tuple[Routes, Sequence[Spans]]:
    """Return routes and spans where some told windows are given up, or those that were given.

    The solver plans once without any told window. Of what that moves, the jobs that cost most more where they
    were told to be are let go, and it plans again with all others as told.
    """
    cost = frame.problem.told_cost_s * 1000
    told = [task for task in asked.tasks if frame.tasks[task].job.told is not None]
    if not told or not cost or not _has_time(asked):
        return routes, spans
    free = [_free(frame, task, spans[task]) for task in range(len(frame.tasks))]
    loose = _routed(solver, asked, free, routes)
    if not _all_there(routes, loose) or not _has_time(asked):
        return routes, spans
    chosen = _worth_it(frame, told, (routes, spans), (loose, free))
    if not chosen:
        return routes, spans
    mixed = [free[task] if task in chosen else own for task, own in enumerate(spans)]
    found = _routed(solver, asked, mixed, routes)
    better = _all_there(routes, found) and _price(frame, found, mixed, cost) < _price(
        frame, routes, spans, cost
    )
    return (found, mixed) if better else (routes, spans)


def _has_time(asked: Asked) -> bool:
    """Tell whether there is time to solve once more: it took up to two solutions so far to come here."""
    return asked.left_s > asked.used_s / 2


def _routed(solver: Solver, asked: Asked, spans: Sequence[Spans], start: Routes) -> Routes:
    """Return the solver's routes within some spans, with what they leave out inserted."""
    asked.spans, asked.start = spans, start
    routes = fitting(asked.frame, solver.route(asked), asked.tasks, spans)
    routed = {task for route in routes for task in route}
    fill(asked.frame, routes, [task for task in asked.tasks if task not in routed], spans)
    return routes


def _free(frame: Frame, task: int, spans: Spans) -> Spans:
    """Return the spans of a told job without what it was told; others keep theirs."""
    job = frame.tasks[task].job
    if job.told is None or job.people == 2 or job.hold is not None:
        return spans
    if spans != promised(frame.problem, job):
        return spans  # what was told could not be kept: it is late by as little as can be
    return in_time(frame.problem, job) or spans


def _worth_it(
    frame: Frame,
    told: Sequence[int],
    now: tuple[Routes, Sequence[Spans]],
    then: tuple[Routes, Sequence[Spans]],
) -> set[int]:
    """Return the jobs whose told window costs most, of those that would move without it."""
    drives, begins = _extra(frame, *now)[0], _extra(frame, *then)
    gains = [
        (drives[task] - begins[0][task], task)
        for task in told
        if task in drives and _moved(frame, task, begins[1].get(task)) and drives[task] > begins[0][task]
    ]
    return {task for _, task in sorted(gains, reverse=True)[: int(MOST_EASED * len(told))]}


def _extra(frame: Frame, routes: Routes, spans: Sequence[Spans]) -> tuple[dict[int, int], dict[int, int]]:
    """Return by task the travel that its route would save without it (ms), and when it begins."""
    extra: dict[int, int] = {}
    begins: dict[int, int] = {}
    for crew, route in zip(frame.crews, routes, strict=True):
        if not route:
            continue
        legs = timed(frame, crew, route, spans) or []
        nodes = [crew.start, *(frame.tasks[task].node for task in route)]
        ends = [*nodes[2:], nodes[-1] if crew.end is None else crew.end]
        for place, (leg, after) in enumerate(zip(legs[:-1], ends, strict=True)):
            assert leg.task is not None
            direct = int(frame.drive[nodes[place], after])
            extra[leg.task] = leg.drive + int(frame.drive[nodes[place + 1], after]) - direct
            begins[leg.task] = leg.begin
    return extra, begins


def _price(frame: Frame, routes: Routes, spans: Sequence[Spans], cost: int) -> tuple[int, int]:
    """Return ms begun too late, and the travel with what is told anew at its cost; less is better."""
    late = price = 0
    for crew, route in zip(frame.crews, routes, strict=True):
        for leg in timed(frame, crew, route, spans) or []:
            price += leg.drive + cost * _is_anew(frame, leg)
            if leg.task is not None:
                late += max(0, leg.begin - frame.tasks[leg.task].job.due)
    return late, price


def _is_anew(frame: Frame, leg: Leg) -> bool:
    return leg.task is not None and _moved(frame, leg.task, leg.begin)


def _moved(frame: Frame, task: int, begin: int | None) -> bool:
    told = frame.tasks[task].job.told
    return told is not None and (begin is None or off(((told.start, told.end),), begin) > 0)


def _all_there(routes: Routes, others: Routes) -> bool:
    return {task for route in routes for task in route} <= {task for route in others for task in route}
