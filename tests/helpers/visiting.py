"""Small days to be planned: a place is so many minutes of drive north and east of the first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from desk.dispatch.planning.port import Problem
from desk.dispatch.travel.port import TravelMatrix
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.visiting import Job, Position, Rest, Window, Workday

DAY = 1_800_000_000_000 // (24 * HOUR_MS) * (24 * HOUR_MS)
ISLAND = (80.0, 80.0)
"""No way leads there."""


def at(hours: float) -> int:
    """Return an hour of the day as epoch ms."""
    return DAY + round(hours * HOUR_MS)


def a_job(name: str, place: Position = (10.0, 0.0), minutes: int = 30, **more: Any) -> Job:
    """Return a job that is promised for the day."""
    asked: dict[str, Any] = {"earliest": at(0), "due": at(18)} | more
    return Job(name, place, minutes * MINUTE_MS, **asked)


def a_day(name: str, start: Position = (0.0, 0.0), **more: Any) -> Workday:
    """Return an engineer's day from 8 to 18 h, from home and back."""
    asked: dict[str, Any] = {"hours": (Window(at(8), at(18)),), "end": start} | more
    return Workday(name, start, **asked)


LUNCH = Rest(45 * MINUTE_MS, at(11.5), at(14))


def a_problem(jobs: Sequence[Job], days: Sequence[Workday], now: float = 7.0, **more: Any) -> Problem:
    """Return a problem whose ways are as long as places are apart, a minute a degree."""
    ends = [day.end for day in days if day.end is not None]
    places = tuple(dict.fromkeys([*(job.at for job in jobs), *(day.start for day in days), *ends]))
    return Problem(at(now), tuple(jobs), tuple(days), minutes_apart(places), **more)


def minutes_apart(places: tuple[Position, ...]) -> TravelMatrix:
    """Return a matrix of a minute and a kilometre a degree; the island has no way but to itself."""
    where = np.array(places, dtype=np.float64).reshape(-1, 2)
    minutes = np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1))
    island = np.array([place == ISLAND for place in places], dtype=bool)
    minutes[island[:, None] ^ island[None]] = np.nan
    return TravelMatrix(places, np.round(minutes * 60, 3), minutes * 1000, "minutes")


def without(problem: Problem, *names: str) -> Problem:
    """Return a problem without some jobs."""
    return replace(problem, jobs=tuple(job for job in problem.jobs if job.id not in names))
