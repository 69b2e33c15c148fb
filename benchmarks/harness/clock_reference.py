"""Clocks reckoned the slow way: every minute of the wall is looked at. It shares no code with desk/clocks.

Times are epoch minutes; whole minutes are all that it knows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LOOKED_AT = 250_000
"""Minutes from the begin of a clock: more than any that is generated takes, waits and nights included."""
Waits = Iterable[tuple[int, int | None]]
"""Minutes in which nothing counts, [begin, end); None: until further notice."""


@dataclass(frozen=True, eq=False)
class SlowCalendar:
    """A calendar in words of its own: hours, lunch, hours of days of the week (0: Monday), a country."""

    always: bool = False
    hours: tuple[tuple[int, int], ...] = ()
    lunch: tuple[int, int] | None = None
    days: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    country: str = ""
    rest: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Promised:
    """What is allowed from a minute on, in minutes; `warn` of them may pass before it warns."""

    since: int
    allowed: int
    warn: int


class SlowClock:
    """The minutes of some years by one zone's clock, of which each is open or not. Shape: (minutes,)."""

    def __init__(self, calendar: SlowCalendar, zone: str, first: date, last: date) -> None:
        utc = pd.date_range(first.isoformat(), last.isoformat(), freq="min", tz="UTC")
        self.begin = int(utc[0].timestamp()) // 60
        wall = utc.tz_convert(zone)
        minute = (wall.hour * 60 + wall.minute).to_numpy()
        days = wall.tz_localize(None).normalize()
        codes, dates = pd.factorize(days)
        table = np.array([_day(calendar, each.date()) for each in dates])
        self.open: NDArray[np.bool_] = table[codes, minute]

    def due(self, promised: Promised, waits: Waits) -> tuple[int | None, int | None]:
        """Return the minutes at which it is due and warns; None where they do not come while it waits."""
        counts = self.counts(promised.since, waits)
        passed = np.cumsum(counts)
        found = [
            promised.since + int(np.searchsorted(passed, wanted)) + 1 if passed[-1] >= wanted else None
            for wanted in (promised.allowed, promised.warn)
        ]
        return found[0], found[1]

    def counts(self, since: int, waits: Waits) -> NDArray[np.bool_]:
        """Return of each minute from `since` on whether it counts."""
        counts = self.open[since - self.begin :][:_LOOKED_AT].copy()
        for begins, ends in waits:
            counts[max(0, begins - since) : None if ends is None else max(0, ends - since)] = False
        return counts


def _day(calendar: SlowCalendar, day: date) -> NDArray[np.bool_]:
    if calendar.always:
        return np.ones(1440, dtype=bool)
    return _minutes(_hours(calendar, day), _hours(calendar, day - timedelta(days=1)), calendar.lunch)


@lru_cache(maxsize=1_000)
def _minutes(
    today: tuple[tuple[int, int], ...], yesterday: tuple[tuple[int, int], ...], lunch: tuple[int, int] | None
) -> NDArray[np.bool_]:
    return np.array(
        [
            _in_shift(today, lunch, minute) or _in_shift(yesterday, lunch, minute + 1440)
            for minute in range(1440)
        ]
    )


def _in_shift(hours: Iterable[tuple[int, int]], lunch: tuple[int, int] | None, minute: int) -> bool:
    if not any(begin <= minute < end for begin, end in hours):
        return False
    if lunch is None:
        return True
    begin, end = lunch
    return not (begin <= minute < end or begin <= minute - 1440 < end)


def _hours_of(country: str, day: date) -> str:
    if not country:
        return "weekend" if day.weekday() > 4 else "work"
    known = _holidays_of(country, day.year)
    if known.weekend_workdays and day in known.weekend_workdays:
        return "made_up"
    if day in known:
        return "holiday"
    return "weekend" if day.weekday() in known.weekend else "work"


@lru_cache
def _holidays_of(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)


def _hours(calendar: SlowCalendar, day: date) -> tuple[tuple[int, int], ...]:
    kind = _hours_of(calendar.country, day)
    if day in calendar.working:
        kind = "work" if kind == "work" else "made_up"
    elif day in calendar.rest:
        kind = "holiday"
    if kind == "holiday":
        return ()
    if kind == "made_up":
        return calendar.hours
    return calendar.days.get(day.weekday(), calendar.hours if kind == "work" else ())
