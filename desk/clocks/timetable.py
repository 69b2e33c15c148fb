"""Working time: how much of it lies between two moments, and when some of it will have passed.

All times are epoch ms. What the wall shows decides minute for minute: an hour that its clock skips does not
count, and one that comes twice counts twice where it is open.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from threading import RLock
from typing import NamedTuple
from zoneinfo import ZoneInfo

from desk.clocks.calendar import OPEN, ServiceCalendar
from fleet.clock import MINUTE_MS
from fleet.localtime import DAY_MIN, clamped, day_of, ms_of

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


class Timetable:
    """The working time of a calendar by one zone's clock, worked out year by year as it is asked for.

    Years are known without gaps; what was worked is counted from the begin of the one asked for first, and is
    negative before it. May be used from any thread.
    """

    def __init__(self, calendar: ServiceCalendar, zone: ZoneInfo) -> None:
        self.calendar = calendar
        self.zone = calendar.zone or zone
        self._lock = RLock()
        self._years: list[_Year] = []
        self._begins: list[int] = []
        self._before: list[int] = []
        self._first = self._next = 0

    def worked(self, at: int) -> int:
        """Return the working time up to a moment, in ms, counted from a moment of our own."""
        if self.calendar.always:
            return at
        at = clamped(at)
        with self._lock:
            self._know(at)
            number = bisect_right(self._begins, at) - 1
            year = self._years[number]
            place = bisect_right(year.begins, at) - 1
            if place < 0:
                return self._before[number]
            here = year.before[place] + min(at, year.ends[place]) - year.begins[place]
            return self._before[number] + here

    def moment(self, worked: int) -> int | None:
        """Return the first moment up to which so much has been worked; None where that never comes.

        `worked` is later than some moment that was asked for.
        """
        if self.calendar.always:
            return worked
        with self._lock:
            limit = self._next + _YEARS_ON
            while worked > self._before[-1] + self._years[-1].total:
                if self._next >= limit:
                    return None
                self._append()
            number = bisect_left(self._before, worked) - 1
            year, here = self._years[number], worked - self._before[number]
            place = bisect_left(year.before, here) - 1
            return year.begins[place] + here - year.before[place]

    def _know(self, at: int) -> None:
        """Work out the years up to a moment."""
        if not self._years:
            self._first = self._next = day_of(at, self.zone).year
            self._append()
        while at < self._begins[0]:
            self._first -= 1
            year = self._worked_out(self._first)
            self._years.insert(0, year)
            self._begins.insert(0, year.begin)
            self._before.insert(0, self._before[0] - year.total)
        while at >= self._end:
            self._append()

    def _append(self) -> None:
        year = self._worked_out(self._next)
        before = self._before[-1] + self._years[-1].total if self._years else 0
        self._next += 1
        self._end = ms_of(date(self._next, 1, 1), 0, self.zone)
        self._years.append(year)
        self._begins.append(year.begin)
        self._before.append(before)

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
    jump = _jump(begin, end, zone)
    if jump is None:
        return [(begin, end, _minute(begin, zone))]
    return [(begin, jump, _minute(begin, zone)), (jump, end, _minute(jump, zone))]


def _minute(ms: int, zone: ZoneInfo) -> int:
    shown = datetime.fromtimestamp(ms // 1000, zone)
    return shown.hour * 60 + shown.minute


def _jump(begin: int, end: int, zone: ZoneInfo) -> int | None:
    """Return when the clock jumps between two moments; None where it does not."""
    before, after = begin // 1000, end // 1000 - 1
    offset = _offset(before, zone)
    if _offset(after, zone) == offset:
        return None
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after * 1000


def _offset(second: int, zone: ZoneInfo) -> timedelta:
    return datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset() or timedelta()


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
