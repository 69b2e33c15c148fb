"""Service calendars: which minutes of which days count for a clock, and why the others do not."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from fleet.config import Shape
from fleet.localtime import DAY_MIN
from fleet.wall_fields import WEEKDAYS, DateField, Hours, HoursField, ZoneField
from fleet.working_days import DayKind, Holidays, WorkingDays

CalendarName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
OPEN = "open"
"""The reason of minutes that count; of the others it is LUNCH, OUTSIDE_HOURS, `weekend` or `holiday`."""
LUNCH, OUTSIDE_HOURS = "lunch", "outside_hours"
_CLOSED, _LUNCH, _OPEN = 0, 1, 2
_DAY = timedelta(days=1)


class Piece(NamedTuple):
    """Minutes of a day by the wall's clock, [begin, end), and why they count (OPEN) or do not."""

    begin: int
    end: int
    reason: str


class ServiceCalendar(Shape):
    """Hours that count, by the clock of the site, or of `zone` where one is named.

    `hours` are those of a working day, and of a day that makes up for a free one; `days` has other hours for
    days of the week, so that a Saturday may count too; a holiday never counts. `lunch` is taken out of all of
    them. Hours that go over midnight belong to the day on which they begin. Holidays after `confirmed_until`
    are provisional: what is due beyond it may move once they are published.
    """

    name: CalendarName
    always: bool = False
    zone: ZoneField | None = None
    hours: tuple[HoursField, ...] = ()
    lunch: HoursField | None = None
    days: Mapping[str, tuple[HoursField, ...]] = Field(default_factory=dict)
    holidays: Holidays = Holidays()
    confirmed_until: DateField | None = None

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        unknown = [day for day in self.days if day not in WEEKDAYS]
        if unknown:
            raise ValueError(f"days: {unknown[0]} is no day of the week; allowed: {', '.join(WEEKDAYS)}")
        if self.always and (self.hours or self.days or self.lunch):
            raise ValueError("always: every minute counts; leave it out, or leave out hours, lunch and days")
        if not self.always and not any(
            (_shift(hours, self.lunch) == _OPEN).any() for hours in (self.hours, *self.days.values())
        ):
            raise ValueError("hours: no minute would ever count; write 08:00-18:00, or always: true")
        return self

    def pieces(self, day: date) -> tuple[Piece, ...]:
        """Return a whole day by the wall's clock, in order and without gaps."""
        if self.always:
            return (Piece(0, DAY_MIN, OPEN),)
        own, before = (_shift(self._hours_of(each), self.lunch) for each in (day, day - _DAY))
        minutes = np.maximum(own[:DAY_MIN], before[DAY_MIN:])
        edges = [0, *(np.flatnonzero(np.diff(minutes)) + 1).tolist(), DAY_MIN]
        reasons = {_OPEN: OPEN, _LUNCH: LUNCH, _CLOSED: self._why_closed(day)}
        return tuple(Piece(begin, end, reasons[int(minutes[begin])]) for begin, end in pairwise(edges))

    def is_provisional(self, day: date) -> bool:
        """Tell whether it may still change what a date is."""
        return self.confirmed_until is not None and day > self.confirmed_until

    @cached_property
    def _kinds(self) -> WorkingDays:
        return self.holidays.days()

    def _hours_of(self, day: date) -> tuple[Hours, ...]:
        kind = self._kinds.kind_of(day)
        if kind is DayKind.MADE_UP:
            return self.hours
        if kind is DayKind.HOLIDAY:
            return ()
        return self.days.get(WEEKDAYS[day.weekday()], self.hours if kind is DayKind.WORKDAY else ())

    def _why_closed(self, day: date) -> str:
        kind = self._kinds.kind_of(day)
        if kind is DayKind.HOLIDAY:
            name = self._kinds.holiday(day)
            return f"{kind}: {name}" if name else kind
        return OUTSIDE_HOURS if self._hours_of(day) else DayKind.WEEKEND


ALWAYS = ServiceCalendar(name="always", always=True)
"""The calendar that needs no file."""


def _shift(hours: tuple[Hours, ...], lunch: Hours | None) -> NDArray[np.int8]:
    """Return what the minutes of a day and of the one after it are by the hours that begin on it."""
    minutes = np.full(2 * DAY_MIN, _CLOSED, np.int8)
    for each in hours:
        minutes[each.begin : each.end] = _OPEN
    if lunch is not None:
        for begin in (lunch.begin, lunch.begin + DAY_MIN):
            at_lunch = minutes[begin : begin + lunch.end - lunch.begin]
            at_lunch[at_lunch == _OPEN] = _LUNCH
    return minutes
