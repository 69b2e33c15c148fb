"""Generated cases for clocks: policies, calendars, zones with summer time, waits, rises, reopenings."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from benchmarks.harness.clock_reference import Promised, SlowCalendar, SlowClock
from desk.clocks.calendar import ServiceCalendar
from desk.clocks.clocks import CaseTimes, Rise, Wait
from fleet.clock import MINUTE_MS
from fleet.faults import Level
from fleet.sla import Milestone, SlaPolicy

ZONES = (
    "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
    "America/St_Johns", "Asia/Kolkata", "Africa/Casablanca", "UTC",
)  # fmt: skip
FIRST, LAST = date(2023, 1, 1), date(2026, 7, 1)
_CALENDARS: tuple[tuple[dict[str, object], SlowCalendar], ...] = (
    ({"always": True}, SlowCalendar(always=True)),
    (
        {"hours": ["08:00-18:00"], "lunch": "12:00-13:00", "holidays": {"country": "CN"}},
        SlowCalendar(hours=((480, 1080),), lunch=(720, 780), country="CN"),
    ),
    (
        {"hours": ["22:00-06:00"], "lunch": "01:30-02:15"},
        SlowCalendar(hours=((1320, 1800),), lunch=(90, 135)),
    ),
    (
        {
            "hours": ["07:30-12:00", "14:00-19:00"],
            "days": {"sat": ["09:00-13:00"], "fri": ["07:30-12:00"]},
            "holidays": {"country": "DE", "rest": ["2024-12-24"], "working": ["2024-05-01", "2025-03-30"]},
        },
        SlowCalendar(
            hours=((450, 720), (840, 1140)),
            days={5: ((540, 780),), 4: ((450, 720),)},
            country="DE",
            rest=frozenset({date(2024, 12, 24)}),
            working=frozenset({date(2024, 5, 1), date(2025, 3, 30)}),
        ),
    ),
    (
        {"hours": ["00:00-24:00"], "holidays": {"country": "US"}},
        SlowCalendar(hours=((0, 1440),), country="US"),
    ),
    (
        {"hours": ["01:00-03:30"], "days": {"sun": ["01:30-02:30"], "sat": ["01:00-03:30"]}},
        SlowCalendar(hours=((60, 210),), days={6: ((90, 150),), 5: ((60, 210),)}),
    ),
)
"""Each calendar as production reads it, and as the reference does."""


@dataclass(frozen=True)
class Generated:
    """A case, the policy it is under, and what the slow way needs of it; times of the latter in minutes."""

    times: CaseTimes
    policy: SlaPolicy
    calendar: int
    zone: str
    now: int
    promised: dict[Milestone, list[Promised]]
    waits: dict[Milestone, list[tuple[int, int | None]]]


def calendars() -> dict[str, ServiceCalendar]:
    """Return the calendars by name: c0, c1 ..."""
    return {
        f"c{number}": ServiceCalendar.model_validate({"name": f"c{number}"} | given)
        for number, (given, _slow) in enumerate(_CALENDARS)
    }


def slow_clock(calendar: int, zone: str) -> SlowClock:
    """Return the reference of a calendar."""
    return SlowClock(_CALENDARS[calendar][1], zone, FIRST, LAST)


def policies(seed: int, count: int = 24) -> list[tuple[int, SlaPolicy]]:
    """Return policies, each with the number of its calendar."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        calendar = number % len(_CALENDARS)
        levels = {
            level: {name: f"{20 * chance.randint(1, most)}m" for name, most in _MOST[level].items()}
            for level in Level
        }
        given = {"name": f"p{number}", "warn_at": chance.choice([0.5, 0.75, 0.8]), "calendar": f"c{calendar}"}
        found.append((calendar, SlaPolicy.model_validate(given | {"levels": levels})))
    return found


_MOST = {
    Level.L1: {"respond": 12, "on_site": 30},
    Level.L2: {"respond": 24, "on_site": 90},
    Level.L3: {"respond": 90, "on_site": 150, "solve": 250},
}


def generate(seed: int, count: int, zones: Sequence[str] = ZONES) -> Iterator[Generated]:
    """Yield so many cases, opened within two years; the same seed gives the same."""
    chance = random.Random(seed)
    known = policies(seed)
    begin = first_minute(2023, 2)
    span = 2 * 366 * 1440
    for _ in range(count):
        calendar, policy = chance.choice(known)
        zone = chance.choice(zones)
        yield _case(chance, policy, calendar, zone, begin + chance.randrange(span))


def first_minute(year: int, month: int) -> int:
    """Return the first minute of a month, UTC."""
    return (date(year, month, 1) - date(1970, 1, 1)).days * 1440


def _case(chance: random.Random, policy: SlaPolicy, calendar: int, zone: str, opened: int) -> Generated:
    rises = [(opened, chance.choice(list(Level)))]
    if rises[0][1] is not Level.L1 and chance.random() < 0.3:
        rises.append((opened + chance.randrange(1, 4000), Level.L1))
    marks = sorted(opened + chance.randrange(1, 20_000) for _ in range(2 * chance.choice([0, 0, 1, 2, 3])))
    reasons = [chance.choice(["waiting_customer", "waiting_part", "repaired"]) for _ in marks[::2]]
    waits: list[tuple[int, int | None, str]] = [
        (begin, end, reason) for begin, end, reason in zip(marks[::2], marks[1::2], reasons, strict=True)
    ]
    if waits and chance.random() < 0.25:
        waits[-1] = (waits[-1][0], None, waits[-1][2])
    now = opened + chance.randrange(1, 40_000)
    done = {
        milestone: (opened + chance.randrange(0, 8_000)) * MINUTE_MS
        for milestone in (Milestone.RESPOND, Milestone.ON_SITE, Milestone.SOLVE)
        if chance.random() < 0.3
    }
    ended = None if chance.random() < 0.9 else opened + chance.randrange(0, 10_000)
    times = CaseTimes(
        kind="repair",
        rises=tuple(Rise(at * MINUTE_MS, level) for at, level in rises),
        zone=ZoneInfo(zone),
        waits=tuple(Wait(b * MINUTE_MS, None if e is None else e * MINUTE_MS, r) for b, e, r in waits),
        done=done,
        ended_at=None if ended is None else ended * MINUTE_MS,
    )
    promised: dict[Milestone, list[Promised]] = {}
    for at, level in rises:
        for milestone in (Milestone.RESPOND, Milestone.ON_SITE, Milestone.SOLVE):
            ms = policy.levels[level].of(milestone)
            if ms is not None:
                allowed = ms // MINUTE_MS
                promised.setdefault(milestone, []).append(
                    Promised(at, allowed, round(allowed * policy.warn_at))
                )
    by_milestone = {}
    for milestone in promised:
        ends = [
            at for at in (done.get(milestone), None if ended is None else ended * MINUTE_MS) if at is not None
        ]
        over = min(ends, default=10**18) // MINUTE_MS
        by_milestone[milestone] = [
            (b, e)
            for b, e, r in waits
            if milestone is not Milestone.RESPOND and r != "waiting_part" and b < over
        ]
    return Generated(times, policy, calendar, zone, now, promised, by_milestone)
