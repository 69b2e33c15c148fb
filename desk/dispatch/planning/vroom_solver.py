"""VROOM behind the solver's port: whole seconds, windows that are hard, breaks, skills, parts as amounts."""

import math
from collections.abc import Sequence
from datetime import timedelta
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.dispatch.planning.frame import FAR, Crew, Frame, Spans
from desk.dispatch.planning.insertion import WEIGHTS, Routes
from desk.dispatch.planning.solver import Asked, behind_fixed, kinds_of_ability, scarce_parts, stock_behind
from desk.dispatch.planning.spans import merged

_LAST_S = 400_000_000
"""Seconds from the start that no plan reaches, and that fit VROOM's 32 bits."""
_NO_WAY_S = 40_000_000
_MEASURED = ((200, 0.45), (1000, 20.0))
"""Tasks, and the seconds of one core that the quickest search took on a service day: a power lies between."""
_PATIENCE = 4
"""VROOM's own limit is by the wall, so on a busy machine it gets more: the level is what keeps it in time."""
_LEVELS = ((5, 37.0), (3, 12.0), (1, 3.0))
"""Levels of exploration, and how many times as long they took as the quickest (0)."""


class VroomSolver:
    """Routes tasks with VROOM in one thread."""

    name = "vroom"

    def route(self, asked: Asked) -> Routes:
        """Return a route for each crew; what is longer than `longest_ms` others have to shorten."""
        if not asked.tasks or not asked.frame.crews:
            return [list(route) for route in asked.frame.fixed]
        entered = _entered(asked, warm=any(asked.start))
        begun = process_time()
        try:
            found = _solve(entered, asked)
        except Exception as error:
            if not any(asked.start):
                raise
            del error  # the routes to start from do not fit any more: it starts afresh
            found = _solve(_entered(asked, warm=False), asked)
        finally:
            asked.used_s += process_time() - begun
        routes = [list(route) for route in asked.frame.fixed]
        for crew, task in found:
            routes[crew].append(task)
        return routes


def _solve(entered: Any, asked: Asked) -> list[tuple[int, int]]:
    """Return (crew, task) in the order of the routes."""
    left = asked.left_s
    limit = timedelta(seconds=max(left * _PATIENCE, 0.1))
    solution = entered.solve(_level(len(asked.tasks), left), nb_threads=1, timeout=limit)
    table = solution.routes
    if "id" not in table:
        return []
    jobs = table[table["type"] == "job"]
    return [(int(crew), int(task)) for crew, task in zip(jobs["vehicle_id"], jobs["id"], strict=True)]


def _level(tasks: int, left_s: float) -> int:
    """Return the deepest level of exploration that is likely to end in time."""
    (few, few_s), (many, many_s) = _MEASURED
    power = math.log(many_s / few_s) / math.log(many / few)
    quickest = few_s * (max(tasks, 1) / few) ** power
    return next((level for level, times in _LEVELS if quickest * times <= left_s), 0)


def _entered(asked: Asked, *, warm: bool) -> Any:
    import vroom

    frame, tasks = asked.frame, asked.tasks
    base = min(crew.ready for crew in frame.crews) // 1000
    rows, kinds = kinds_of_ability(frame, tasks)
    parts = scarce_parts(frame, tasks)
    entered = vroom.Input()
    nodes, drive = _compact(frame)
    entered.set_durations_matrix("car", drive)
    amounts = {key: vroom.Amount(list(key)) for key in {_amounts(frame, task, parts) for task in tasks}}
    nothing = vroom.Amount([0] * len(parts))
    for task, kind in zip(tasks, kinds, strict=True):
        load = amounts[_amounts(frame, task, parts)], nothing
        entered.add_job(_job(vroom, frame, task, int(kind), nodes, asked.spans[task], base, load))
    allowed = set(tasks)
    for number in range(len(frame.crews)):
        crew = behind_fixed(frame, asked.spans, number)
        if crew.ready >= crew.until:
            continue
        start = [task for task in asked.start[number] if task in allowed] if warm else []
        skills = set(np.flatnonzero(rows[:, number]).tolist())
        stock = stock_behind(frame, number)
        entered.add_vehicle(
            _vehicle(vroom, crew, number, nodes, skills, [stock.get(code, 0) for code in parts], base, start)
        )
    return entered


def _amounts(frame: Frame, task: int, parts: Sequence[str]) -> tuple[int, ...]:
    """Return how many of each part a task takes along."""
    mine = frame.tasks[task]
    return tuple(mine.job.parts.get(code, 0) if mine.lead else 0 for code in parts)


def _compact(frame: Frame) -> tuple[dict[int, int], NDArray[np.uint32]]:
    """Return the nodes that are used, renumbered, and whole seconds between them, rounded up."""
    used = {task.node for task in frame.tasks} | {crew.start for crew in frame.crews}
    used |= {crew.end for crew in frame.crews if crew.end is not None}
    order = sorted(used)
    drive = -(-frame.drive[np.ix_(order, order)] // 1000)
    table = np.where(drive >= FAR // 1000, _NO_WAY_S, drive).astype(np.uint32)
    return {node: place for place, node in enumerate(order)}, table


def _job(
    vroom: Any,
    frame: Frame,
    task: int,
    kind: int,
    nodes: dict[int, int],
    spans: Spans,
    base: int,
    load: tuple[Any, Any],
) -> Any:
    mine = frame.tasks[task]
    first = spans[0][0] if spans else 0
    seconds = [(_second(opens, base), _second(closes, base)) for opens, closes in spans]
    return vroom.Job(
        task,
        nodes[mine.node],
        # Windows open on whole seconds: what is cut off is added to the work.
        default_service=-(-(mine.job.work_ms + first % 1000) // 1000),
        delivery=load[0],
        pickup=load[1],
        skills={kind},
        priority=100 if mine.job.hold is not None or mine.job.people == 2 else WEIGHTS[mine.job.level],
        time_windows=[vroom.TimeWindow(start, end) for start, end in merged(seconds)],
    )


def _vehicle(
    vroom: Any,
    crew: Crew,
    number: int,
    nodes: dict[int, int],
    skills: set[int],
    stock: Sequence[int],
    base: int,
    start: Sequence[int],
) -> Any:
    breaks = [
        vroom.Break(
            place,
            [
                vroom.TimeWindow(
                    _second(earliest + 999, base), max(_second(latest, base), _second(earliest + 999, base))
                )
            ],
            service=-(-length // 1000),
        )
        for place, (earliest, latest, length) in enumerate(crew.pauses)
        if latest <= crew.until
    ]
    return vroom.Vehicle(
        number,
        nodes[crew.start],
        None if crew.end is None else nodes[crew.end],
        capacity=list(stock),
        skills=skills,
        time_window=vroom.TimeWindow(_second(crew.ready + 999, base), _second(crew.until, base)),
        breaks=breaks,
        costs=vroom.VehicleCosts(fixed=crew.day.dear_s),
        steps=_steps(start) if start else (),
    )


def _steps(start: Sequence[int]) -> list[Any]:
    from vroom.input import vehicle_step

    return [
        vehicle_step.VehicleStepStart(),
        *(vehicle_step.VehicleStepSingle(task) for task in start),
        vehicle_step.VehicleStepEnd(),
    ]


def _second(ms: int, base: int) -> int:
    return int(min(max(ms // 1000 - base, 0), _LAST_S))
