"""Routes made to fit: what a solver rounded, or does not know, is checked to the millisecond."""

from collections.abc import Collection, Sequence

from desk.dispatch.planning.frame import Frame, Spans, has_parts
from desk.dispatch.planning.insertion import WEIGHTS, Routes
from desk.dispatch.planning.pairs import pairs_of
from desk.dispatch.planning.solver import stock_behind
from desk.dispatch.planning.timing import timed


def fitting(frame: Frame, routes: Routes, tasks: Collection[int], spans: Sequence[Spans]) -> Routes:
    """Return routes of `tasks` that can be done in time with what the vans carry; what does not fit is out.

    A task that is in two routes stays in the first; a job of two people loses both tasks or none.
    """
    seen: set[int] = set()
    found: Routes = []
    for number, route in enumerate(routes):
        kept: list[int] = list(frame.fixed[number])
        for task in route[len(kept) :]:
            if task in tasks and task not in seen and frame.able[task, number]:
                seen.add(task)
                kept.append(task)
        found.append(_shortened(frame, number, kept, spans))
    together(frame, found)
    return found


def together(frame: Frame, routes: Routes) -> None:
    """Take out of routes the task of each job of two people whose other task is in none."""
    routed = {task for route in routes for task in route}
    fixed = {task for route in frame.fixed for task in route}
    for pair in pairs_of(frame):
        if len(routed.intersection(pair)) == 1:
            for route in routes:
                route[:] = [task for task in route if task not in pair or task in fixed]


def _shortened(frame: Frame, number: int, route: list[int], spans: Sequence[Spans]) -> list[int]:
    """Leave out what counts least until the rest fits."""
    first = len(frame.fixed[number])
    while len(route) > first and not _fits(frame, number, route, spans):
        tried = [route[:at] + route[at + 1 :] for at in range(first, len(route))]
        weights = [_weight(frame, route[at]) for at in range(first, len(route))]
        better = [(weight, at) for at, weight in enumerate(weights) if _fits(frame, number, tried[at], spans)]
        route = tried[min(better)[1] if better else weights.index(min(weights))]
    return route


def _fits(frame: Frame, number: int, route: Sequence[int], spans: Sequence[Spans]) -> bool:
    wanted: dict[str, int] = {}
    fixed = frame.fixed[number]
    for task in route:
        if frame.tasks[task].lead and task not in fixed:
            for code, count in frame.tasks[task].job.parts.items():
                wanted[code] = wanted.get(code, 0) + count
    carried = not wanted or has_parts(stock_behind(frame, number), wanted)
    return carried and timed(frame, frame.crews[number], route, spans) is not None


def _weight(frame: Frame, task: int) -> int:
    job = frame.tasks[task].job
    return WEIGHTS[job.level] * (1000 if job.hold is not None or job.people > 1 else 1)
