"""A service day that is made up: a city's cases and engineers, with skills, windows, lunch and parts."""

import numpy as np

from desk.dispatch.planning.port import Problem
from desk.dispatch.travel.circle import Circle
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.engineers import known_skills
from fleet.faults import Level
from fleet.visiting import Job, Position, Rest, Window, Workday

DAY = 1_800_000_000_000 // (24 * HOUR_MS) * (24 * HOUR_MS)
"""Midnight, by the day's own clock (epoch ms)."""
OPEN, CLOSE = DAY + 8 * HOUR_MS, DAY + 18 * HOUR_MS
CITY = (31.23, 121.47)
PARTS = tuple(f"P{number}" for number in range(12))
HOUR_OF_SPEED = 10


def service_day(cases: int, engineers: int, seed: int, *, people: bool = True) -> Problem:
    """Return a day: five cases an engineer suit it well. Settings are assumptions; each is said here.

    Cases: half in clusters, 20 to 90 minutes of work, one skill each, a part in 60 of 100, a level (L1 one in
    ten), promised within 3 h to the whole day, one in five with a window that the customer prefers, one in
    fifty for two people. Engineers: from home and back, 3 to 5 skills, 45 minutes of lunch between 11:30 and
    14:00, 10 h, a van with 1 to 3 of most parts.
    """
    rng = np.random.default_rng(seed)
    homes = places(rng, engineers, 18_000.0)
    where = places(rng, cases, 15_000.0, clusters=max(3, cases // 25))
    days = tuple(_workday(rng, f"E{number}", homes[number]) for number in range(engineers))
    jobs = tuple(_job(rng, f"J{number}", where[number], people=people) for number in range(cases))
    travel = Circle().matrix([*homes, *where], HOUR_OF_SPEED)
    return Problem(OPEN - HOUR_MS, jobs, days, travel)


def places(rng: np.random.Generator, count: int, spread_m: float, clusters: int = 0) -> list[Position]:
    """Return positions around the city's middle, half of them in clusters where there are any."""
    metres = rng.normal(0.0, spread_m * 0.6, (count, 2))
    if clusters:
        centres = rng.normal(0.0, spread_m * 0.6, (clusters, 2))
        near = centres[rng.integers(clusters, size=count)] + rng.normal(0.0, 1_500.0, (count, 2))
        metres = np.where(rng.random((count, 1)) < 0.5, near, metres)
    degrees = metres / (111_195.0, 111_195.0 * np.cos(np.radians(CITY[0]))) + CITY
    return [(round(float(north), 5), round(float(east), 5)) for north, east in degrees]


def _workday(rng: np.random.Generator, name: str, home: Position) -> Workday:
    known = known_skills()
    count = int(rng.integers(3, min(5, len(known)) + 1))
    skills = frozenset(rng.choice(known, count, replace=False).tolist())
    stock = {code: int(rng.integers(1, 4)) for code in PARTS if rng.random() < 0.75}
    lunch = Rest(45 * MINUTE_MS, OPEN + 210 * MINUTE_MS, OPEN + 360 * MINUTE_MS)
    return Workday(name, home, (Window(OPEN, CLOSE),), home, skills, stock, (lunch,))


def _job(rng: np.random.Generator, name: str, place: Position, *, people: bool) -> Job:
    level = Level(str(rng.choice(["L1", "L2", "L3"], p=[0.1, 0.4, 0.5])))
    due = {
        Level.L1: OPEN + int(rng.integers(3, 6)) * HOUR_MS,
        Level.L2: OPEN + int(rng.integers(5, 10)) * HOUR_MS,
    }
    start = OPEN + int(rng.integers(0, 7)) * HOUR_MS
    return Job(
        name,
        place,
        int(rng.integers(4, 19)) * 5 * MINUTE_MS,
        OPEN - HOUR_MS,
        due.get(level, CLOSE),
        level=level,
        skills=frozenset([str(rng.choice(known_skills()))]),
        parts={str(rng.choice(PARTS)): 1} if rng.random() < 0.6 else {},
        people=2 if people and rng.random() < 0.02 else 1,
        preferred=(Window(start, start + 3 * HOUR_MS),) if rng.random() < 0.2 else (),
    )
