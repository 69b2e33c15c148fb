"""When maintenance of a device is due: by calendar, by use, or by what comes first. Pure functions.

Times are epoch ms, use is in hours of running.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

from fleet.clock import DAY_MS

MAINTENANCE = "maintenance"
"""What stands in place of a fault in a ticket of maintenance."""
_FIRST_USE = 0.25
"""The first maintenance by use falls due after at least this share of the hours that the plan allows."""


class DueBy(StrEnum):
    """Which of the two makes it due."""

    CALENDAR = "calendar"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a ticket of maintenance is about: a plan (fleet.service), and when it is due."""

    plan: str
    due_at: int


@dataclass(frozen=True, slots=True)
class Every:
    """How often: each so many months, after so many hours of use, or whichever comes first."""

    months: int | None = None
    hours: float | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """From when the next one counts; `first`: nothing was done yet, so from when we knew the device."""

    at: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class Used:
    """How many hours a device had run at a time."""

    hours: float
    at: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a device had run when the next one began to count, and what it has run now."""

    since: Used
    now: Used


@dataclass(frozen=True, slots=True)
class Due:
    """When it is due, and by what; `at` is None where nobody can say yet."""

    at: int | None
    by: DueBy


def spread(*names: str) -> float:
    """Return a share from 0 up to 1 that is always the same for the same names."""
    return int.from_bytes(sha256("\n".join(names).encode()).digest()[:6]) / 2**48


def months_later(at: int, months: int) -> int:
    """Return the same time of day so many months later; the 31st becomes the last of a shorter month."""
    then = datetime.fromtimestamp(at / 1000, UTC)
    month = then.month - 1 + months
    year, month = then.year + month // 12, month % 12 + 1
    day = min(then.day, calendar.monthrange(year, month)[1])
    return round(then.replace(year=year, month=month, day=day).timestamp() * 1000)


def next_due(every: Every, since: Since, run: Run | None, now: int, share: float, not_before: int) -> Due:
    """Return when a plan is due next.

    The first of a device is spread over the first interval by its `share` (0 up to 1), and is never due
    within `not_before` ms after we got to know it: a fleet that is imported in one day falls due little by
    little.
    """
    found = []
    if every.months is not None:
        found.append(Due(_by_calendar(every.months, since, share, not_before), DueBy.CALENDAR))
    if every.hours is not None:
        found.append(Due(_by_use(every.hours, since.first, run, now, share), DueBy.USE))
    return min(found, key=lambda due: (due.at is None, due.at or 0))


def _by_calendar(months: int, since: Since, share: float, not_before: int) -> int:
    end = months_later(since.at, months)
    if not since.first:
        return end
    earliest = since.at + not_before
    return earliest + round(share * max(0, end - earliest))


def _by_use(hours: float, first: bool, run: Run | None, now: int, share: float) -> int | None:
    """Return when so many hours will have run, as it ran since then; None where that cannot be said."""
    if run is None:
        return None
    allowed = hours * (_FIRST_USE + (1 - _FIRST_USE) * share) if first else hours
    # A counter that fell is that of a new part or device: it counts from 0.
    before, after = run.since.hours, run.now.hours
    used = after - before if after >= before else after
    if used >= allowed:
        return now
    days = (run.now.at - run.since.at) / DAY_MS
    if used <= 0 or days < 1:
        return None
    return max(now, round(run.now.at + (allowed - used) / (used / days) * DAY_MS))
