"""A problem in whole numbers, as planners work on it: tasks, crews, and who is able to do what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desk.dispatch.planning.port import Problem
from fleet.visiting import Held, Job, Workday

NEVER = 1 << 50
"""A time (ms) that no plan reaches."""
FAR = 1 << 40
"""What a way that does not exist takes (ms): longer than any day."""
FIXED_FIRST = (Held.UNDER_WAY, Held.NEXT)
"""What stands at the start of a route and is never moved."""

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Spans = tuple[tuple[int, int], ...]
"""When work may begin: from, to (ms), in order of time."""


@dataclass(frozen=True, slots=True)
class Task:
    """One person's part of a job: `lead` has all skills and parts, others only help."""

    job: Job
    node: int
    lead: bool = True


@dataclass(frozen=True, slots=True)
class Crew:
    """A workday in numbers: nodes of the matrix, times (ms), pauses as (earliest, latest start, length)."""

    day: Workday
    start: int
    end: int | None
    ready: int
    until: int
    pauses: tuple[tuple[int, int, int], ...]


@dataclass(slots=True)
class Frame:
    """What planners work on.

    `drive` are ms between nodes (int64 [n, n], FAR where there is no way); `able` says which task (row) suits
    which crew (column). `fixed` are the tasks that each crew's route starts with.
    """

    problem: Problem
    tasks: list[Task]
    crews: list[Crew]
    drive: Ints
    able: Flags
    fixed: list[list[int]]

    @property
    def free(self) -> list[int]:
        """Return the tasks that stand in no route's start."""
        taken = {task for route in self.fixed for task in route}
        return [task for task in range(len(self.tasks)) if task not in taken]

    def nodes(self) -> Ints:
        """Return the node of each task."""
        return np.array([task.node for task in self.tasks], dtype=np.int64)


def frame_of(problem: Problem, jobs: Sequence[Job]) -> Frame:
    """Return the frame of a problem with some of its jobs: those of two people are there once a person."""
    drive = np.where(np.isnan(problem.travel.seconds), FAR, np.rint(problem.travel.seconds * 1000))
    crews = [_crew(problem, day) for day in problem.workdays]
    index = problem.travel.index
    tasks: list[Task] = []
    for job in jobs:
        tasks += [Task(job, index[job.at], lead) for lead in (True, False)[: job.people]]
    frame = Frame(
        problem,
        tasks,
        crews,
        drive.astype(np.int64),
        _abilities(tasks, problem.workdays),
        [[] for _ in crews],
    )
    _fix_first(frame)
    return frame


def _crew(problem: Problem, day: Workday) -> Crew:
    index = problem.travel.index
    ready = max(day.hours[0].start, problem.now if day.free_at is None else day.free_at)
    gaps = [
        (before.end, before.end, after.start - before.end)
        for before, after in zip(day.hours, day.hours[1:], strict=False)
    ]
    rests = [(rest.earliest, rest.latest - rest.length_ms, rest.length_ms) for rest in day.rests]
    # What is past is no more to be taken, and whoever comes free in a gap goes on after it.
    for gap_start, _, length in gaps:
        if gap_start < ready < gap_start + length:
            ready = gap_start + length
    pauses = tuple(sorted(each for each in gaps + rests if each[1] >= ready))
    end = None if day.end is None else index[day.end]
    return Crew(day, index[day.start], end, ready, day.hours[-1].end, pauses)


def _abilities(tasks: Sequence[Task], days: Sequence[Workday]) -> Flags:
    """Return who is able to do what: looked up once for all tasks that ask for the same."""
    rows: dict[object, list[bool]] = {}
    found = np.zeros((len(tasks), len(days)), dtype=bool)
    for number, task in enumerate(tasks):
        job = task.job
        key = (task.lead, job.skills, frozenset(job.parts.items()), job.hold)
        if key not in rows:
            rows[key] = [_able(task, day) for day in days]
        found[number] = rows[key]
    return found


def _able(task: Task, day: Workday) -> bool:
    job = task.job
    if job.hold is not None and day.engineer not in job.hold.engineers:
        return False
    if job.hold is not None and job.hold.why in FIXED_FIRST:
        return True
    return not task.lead or (job.skills <= day.skills and has_parts(day.stock, job.parts))


def has_parts(stock: Mapping[str, int], parts: Mapping[str, int]) -> bool:
    """Tell whether a stock has enough of each part."""
    for code, count in parts.items():  # noqa: SIM110 - asked ten thousand times a plan; all() takes twice as long
        if stock.get(code, 0) < count:
            return False
    return True


def _fix_first(frame: Frame) -> None:
    """Put what is under way and what is next at the start of its engineers' routes, in order of time."""
    column = {crew.day.engineer: place for place, crew in enumerate(frame.crews)}
    held: list[tuple[bool, int, int, int]] = []
    seen: dict[str, int] = {}
    for number, task in enumerate(frame.tasks):
        hold = task.job.hold
        if hold is None or hold.why not in FIXED_FIRST:
            continue
        place = seen.get(task.job.id, 0)
        seen[task.job.id] = place + 1
        if place < len(hold.engineers) and hold.engineers[place] in column:
            begin = hold.begin if hold.begin is not None else frame.problem.now
            held.append((hold.why is Held.NEXT, begin, number, column[hold.engineers[place]]))
    for _, _, number, crew in sorted(held):
        frame.fixed[crew].append(number)
