"""Working time: how much of it lies between two moments, and when some of it will have passed.

All times are epoch ms. What the wall shows decides minute for minute: an hour that its clock skips does not
count, and one that comes twice counts twice where it is open.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import Lock
from typing import NamedTuple
from zoneinfo import ZoneInfo

from desk.clocks.calendar import OPEN, ServiceCalendar
from fleet.clock import MINUTE_MS
from fleet.localtime import DAY_MIN, clamped, day_of, jump_between, ms_of

_DAY = timedelta(days=1)
_YEARS_ON = 40
"""A promise that no working time of so many years keeps is never due."""


class Stretch(NamedTuple):
    """A part of the time, [begin, end), epoch ms, and why it counts (OPEN) or does not."""

    begin: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Year:
    """The open parts of a year from `begin` on: when each begins and ends, and what was open before it."""

    begin: int
    begins: list[int]
    ends: list[int]
    before: list[int]
    total: int


@dataclass(frozen=True, slots=True)
class _Known:
    """Years without gaps: each with its begin, and what was worked before it; they end at `end`."""

    years: tuple[_Year, ...]
    begins: tuple[int, ...]
    before: tuple[int, ...]
    end: int

    @property
    def worked(self) -> int:
        """What was worked by the end."""
        return self.before[-1] + self.years[-1].total


class Timetable:
    """The working time of a calendar by one zone's clock, worked out year by year as it is asked for.

    What was worked is counted from the begin of the year asked for first, and is negative before it. May be
    used from any thread: what is known is exchanged as a whole, and only ever grows.
    """

    def __init__(self, calendar: ServiceCalendar, zone: ZoneInfo) -> None:
        self.calendar = calendar
        self.zone = calendar.zone or zone
        self._lock = Lock()
        self._known: _Known | None = None

    def worked(self, at: int) -> int:
        """Return the working time up to a moment, in ms, counted from a moment of our own."""
        if self.calendar.always:
            return at
        known = self._known
        if known is None or not known.begins[0] <= at < known.end:
            at = clamped(at)
            known = self._up_to(at)
        number = bisect_right(known.begins, at) - 1
        year = known.years[number]
        place = bisect_right(year.begins, at) - 1
        if place < 0:
            return known.before[number]
        end = year.ends[place]
        return known.before[number] + year.before[place] + min(at, end) - year.begins[place]

    def moment(self, worked: int) -> int | None:
        """Return the first moment up to which so much has been worked; None where that never comes.

        `worked` is later than some moment that was asked for.
        """
        if self.calendar.always:
            return worked
        known = self._known
        if known is None or worked > known.worked:
            known = self._until(worked)
            if known is None:
                return None
        number = bisect_left(known.before, worked) - 1
        year, here = known.years[number], worked - known.before[number]
        place = bisect_left(year.before, here) - 1
        return year.begins[place] + here - year.before[place]

    def _up_to(self, at: int) -> _Known:
        """Work out the years up to a moment."""
        with self._lock:
            known = self._known or self._with(None, day_of(at, self.zone).year)
            while at < known.begins[0]:
                known = self._with(known, day_of(known.begins[0], self.zone).year - 1)
            while at >= known.end:
                known = self._with(known, day_of(known.end, self.zone).year)
            self._known = known
            return known

    def _until(self, worked: int) -> _Known | None:
        """Work out the years until so much was worked; None where that takes too many."""
        with self._lock:
            known = self._known
            assert known is not None  # `worked` comes from a moment that was asked for
            last = day_of(known.end, self.zone).year + _YEARS_ON
            while worked > known.worked:
                year = day_of(known.end, self.zone).year
                if year >= last:
                    return None
                known = self._known = self._with(known, year)
            return known

    def _with(self, known: _Known | None, number: int) -> _Known:
        """Return what is known with one year more, before or after the others."""
        year = self._worked_out(number)
        end = ms_of(date(number + 1, 1, 1), 0, self.zone)
        if known is None:
            return _Known((year,), (year.begin,), (0,), end)
        if year.begin < known.begins[0]:
            before = known.before[0] - year.total
            return _Known(
                (year, *known.years), (year.begin, *known.begins), (before, *known.before), known.end
            )
        return _Known((*known.years, year), (*known.begins, year.begin), (*known.before, known.worked), end)

    def _worked_out(self, number: int) -> _Year:
        day = date(number, 1, 1)
        year = _Year(ms_of(day, 0, self.zone), [], [], [], 0)
        total = 0
        while day.year == number:
            for each in day_stretches(self.calendar, day, self.zone):
                if each.reason == OPEN:
                    year.begins.append(each.begin)
                    year.ends.append(each.end)
                    year.before.append(total)
                    total += each.end - each.begin
            day += _DAY
        return replace(year, total=total)

    def stretches(self, begin: int, end: int) -> Iterator[Stretch]:
        """Yield the time between two moments, in order and without gaps, with the reason of each part."""
        if begin >= end:
            return
        current: Stretch | None = None
        for found in self._cut(begin, end):
            if current is not None and current.reason == found.reason:
                current = current._replace(end=found.end)
                continue
            if current is not None:
                yield current
            current = found
        if current is not None:
            yield current

    def _cut(self, begin: int, end: int) -> Iterator[Stretch]:
        if self.calendar.always:
            yield Stretch(begin, end, OPEN)
            return
        day, last = day_of(begin, self.zone) - _DAY, day_of(end, self.zone) + _DAY
        while day <= last:
            for each in day_stretches(self.calendar, day, self.zone):
                if each.end > begin and each.begin < end:
                    yield Stretch(max(each.begin, begin), min(each.end, end), each.reason)
            day += _DAY


def day_stretches(calendar: ServiceCalendar, day: date, zone: ZoneInfo) -> list[Stretch]:
    """Return a date as it passes in truth: what the wall shows, minute for minute, decides."""
    pieces = calendar.pieces(day)
    found = []
    for begin, end, minute in _runs(day, zone):
        for piece in pieces:
            first = begin + (piece.begin - minute) * MINUTE_MS
            last = begin + (piece.end - minute) * MINUTE_MS
            if last > begin and first < end:
                found.append(Stretch(max(first, begin), min(last, end), piece.reason))
    return found


def _runs(day: date, zone: ZoneInfo) -> list[tuple[int, int, int]]:
    """Return the parts of a date in which the clock neither jumps: [begin, end), and what it shows then."""
    begin, end = ms_of(day, 0, zone), ms_of(day, DAY_MIN, zone)
    if begin >= end:
        return []
    jump = jump_between(begin, end, zone)
    if jump is None:
        return [(begin, end, _minute(begin, zone))]
    return [(begin, jump, _minute(begin, zone)), (jump, end, _minute(jump, zone))]


def _minute(ms: int, zone: ZoneInfo) -> int:
    shown = datetime.fromtimestamp(ms // 1000, zone)
    return shown.hour * 60 + shown.minute


class Timetables:
    """The timetables in use, one for each calendar and zone; may be used from any thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Timetable] = {}

    def of(self, calendar: ServiceCalendar, zone: ZoneInfo) -> Timetable:
        """Return the timetable of a calendar where clocks show the time of `zone`."""
        key = calendar.name, zone.key
        found = self._known.get(key)
        if found is None or found.calendar is not calendar:
            found = self._known[key] = Timetable(calendar, zone)
        return found
