"""How on-call duty is shown: who is on call now, gaps, a calendar by days of each schedule's clock."""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from fleet.localtime import DAY_MIN, day_of, ms_of
from fleet.people import Person
from fleet.shifts import Override
from notify.duty.on_call import Calendar, Now, calendar_of, now_in
from notify.duty.plan import Schedule
from notify.duty.roster import Roster
from notify.duty.rotation import Span


@dataclass(frozen=True, slots=True)
class Day:
    """A day by the schedule's clock: `ms` is within it, `parts` are what it has of the spans."""

    ms: int
    parts: tuple[Span, ...]
    ends: int


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """A schedule as its section shows it; `until` is where its calendar ends (epoch ms)."""

    schedule: Schedule
    now: Now
    gaps: tuple[Span, ...]
    days: tuple[Day, ...]
    overrides: tuple[Override, ...]
    may_change: bool
    until: int

    @property
    def overlapped(self) -> frozenset[int]:
        """The overrides of which a part is taken by one that was made later: there, that one counts."""
        return frozenset(
            one.id
            for one in self.overrides
            if any(
                other.id > one.id and other.begins < one.until and other.until > one.begins
                for other in self.overrides
            )
        )


def shown_schedule(roster: Roster, schedule: Schedule, begins: int, ends: int, may: bool) -> ShownSchedule:
    """Return a schedule as it is shown from one time to another."""
    calendar = calendar_of(roster, schedule, begins, ends)
    return ShownSchedule(
        schedule,
        now_in(roster, schedule, begins),
        tuple(calendar.gaps()),
        tuple(days_of(calendar, begins, ends)),
        tuple(each for each in roster.overrides if each.schedule == schedule.name and each.until > begins),
        may,
        ends,
    )


def days_of(calendar: Calendar, begins: int, ends: int) -> list[Day]:
    """Return the days of a calendar, each with its parts of the spans."""
    zone, found = calendar.schedule.zone, []
    day, last = day_of(begins, zone), day_of(ends - 1, zone)
    while day <= last:
        found.append(_day(calendar, day, begins, ends, zone))
        day += timedelta(days=1)
    return [each for each in found if each.parts]


def _day(calendar: Calendar, day: date, begins: int, ends: int, zone: ZoneInfo) -> Day:
    first, last = max(begins, ms_of(day, 0, zone)), min(ends, ms_of(day, DAY_MIN, zone))
    parts = tuple(
        Span(max(each.begins, first), min(each.ends, last), each.held)
        for each in calendar.spans
        if each.begins < last and each.ends > first
    )
    return Day(first, parts, ms_of(day, DAY_MIN, zone))


def called(roster: Roster, email: str | None) -> str:
    """Return the name of somebody of the plan, their address where they have none."""
    person: Person | None = roster.people.get(email or "")
    return person.name if person is not None else email or ""
