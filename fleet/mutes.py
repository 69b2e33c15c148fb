"""Mutes: a person holds back what would be told of some alerts, for a time. The alerts themselves go on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fleet.alerts import INSTALLATION
from fleet.care import Case, is_safety
from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput

SAFETY_MUTE_MS = HOUR_MS
"""So long at most a worker's call for help may be muted, and of one named device alone."""
LONG_MS, MOST_MS = 90 * DAY_MS, 366 * DAY_MS
"""A longer one has to be confirmed; one that is longer still cannot be."""
MAX_REASON = 1000
_LOOK_AHEAD_DAYS = 8


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts: each part that is not empty must be the alert's; all empty is every alert.

    `*` in a part stands for any text; as the whole device it stands for the installation, as alerts have it.
    """

    site: str = ""
    region: str = ""
    model: str = ""
    firmware: str = ""
    fault: str = ""
    rule: str = ""
    level: str = ""
    device: str = ""

    def matches(self, case: Case) -> bool:
        """Tell whether an alert or an incident is one of these."""
        place = case.place
        have = Matcher(
            site=place.site,
            region=place.region,
            model=place.model,
            firmware=place.firmware,
            fault=case.fault,
            rule=case.rule,
            level=case.level,
            device=case.device_id,
        ).given
        return all(fits(wanted, have.get(name, "")) for name, wanted in self.given.items())

    @property
    def given(self) -> dict[str, str]:
        """The parts that are not empty, by name."""
        pairs = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in pairs if value}


def is_pattern(wanted: str) -> bool:
    """Tell whether a part of a matcher stands for more than one text."""
    return "*" in wanted and wanted != INSTALLATION


def fits(wanted: str, value: str) -> bool:
    """Tell whether a value is what a part of a matcher wants; nothing is never wanted."""
    if not is_pattern(wanted):
        return wanted == value
    return bool(value) and re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value) is not None


@dataclass(frozen=True, slots=True)
class Weekly:
    """Hours of the week by a clock on the wall: from `start` to `end` (`22:00`) on `days` (0: Monday).

    An end that is not after its start is of the next day.
    """

    days: tuple[int, ...]
    start: str
    end: str
    zone: str


@dataclass(frozen=True, slots=True)
class Mute:
    """A mute as stored. Times are epoch ms.

    It holds from `start` to `end` (None: until a person, or `until_resolved` the last alert, ends it), within
    that only in the hours of `weekly`. `holding` is whether it held when care last looked. `ended_at` is when
    it was over for good.
    """

    id: int
    matcher: Matcher
    start: int
    end: int | None
    reason: str
    who: str
    created_at: int
    weekly: Weekly | None = None
    until_resolved: bool = False
    holding: bool = False
    ended_at: int | None = None
    ended_by: str | None = None
    version: int = 0

    def holds(self, now: int) -> bool:
        """Tell whether it holds at `now`."""
        if self.ended_at is not None or now < self.start or (self.end is not None and now >= self.end):
            return False
        return self.weekly is None or in_hours(self.weekly, now)

    def would_hold(self, at: int) -> bool:
        """Tell whether a time lies in its hours, had it begun already: what it would have hidden before."""
        return self.weekly is None or in_hours(self.weekly, at)

    def hides(self, case: Case) -> bool:
        """Tell whether it holds back an alert: a worker in danger only in a short mute of that one device."""
        return self.matcher.matches(case) and (not is_safety(case.fault) or self.is_narrow)

    @property
    def is_narrow(self) -> bool:
        """Whether it is of one device, and over within the hour."""
        short = self.end is not None and self.end - self.start <= SAFETY_MUTE_MS
        one = bool(self.matcher.device) and not is_pattern(self.matcher.device)
        return one and short and self.weekly is None


def hiding(mutes: Iterable[Mute], case: Case) -> Mute | None:
    """Return the first of some mutes that holds back an alert; None where none does."""
    return next((mute for mute in mutes if mute.hides(case)), None)


def in_hours(weekly: Weekly, now: int) -> bool:
    """Tell whether `now` is within the hours, by the wall clock of their zone, summer time and all."""
    return any(start <= now < end for start, end in _around(weekly, now))


def next_change(mute: Mute, now: int) -> int | None:
    """Return when a mute next begins or stops to hold (epoch ms), None where a person decides that."""
    marks = [mute.start] + ([] if mute.end is None else [mute.end])
    if mute.weekly is not None:
        marks += [mark for span in _around(mute.weekly, max(now, mute.start)) for mark in span]
    later = (mark for mark in sorted(marks) if mark > now and mute.holds(mark) != mute.holds(mark - 1))
    return next(later, None)


def _around(weekly: Weekly, now: int) -> list[tuple[int, int]]:
    """Return the spans of hours from the day before `now` on, as epoch ms."""
    zone = ZoneInfo(weekly.zone)
    today = datetime.fromtimestamp(now / 1000, zone).date()
    days = (today + timedelta(days=n) for n in range(-1, _LOOK_AHEAD_DAYS))
    start, end = time.fromisoformat(weekly.start), time.fromisoformat(weekly.end)
    spans = []
    for day in days:
        if day.weekday() in weekly.days:
            last = day if end > start else day + timedelta(days=1)
            spans.append((_at(day, start, zone), _at(last, end, zone)))
    return spans


def _at(day: date, wall: time, zone: ZoneInfo) -> int:
    """Return a moment of the wall clock; one that summer time leaves out is as far behind it as it says."""
    return round(datetime.combine(day, wall, zone).astimezone(UTC).timestamp() * 1000)


def check_mute(mute: Mute) -> None:
    """Raise InvalidInput unless a mute can be: it ends after it begins, its hours are hours, it says why."""
    if not mute.matcher.given:
        raise InvalidInput(
            f"matcher: say which alerts; allowed: {', '.join(each.name for each in fields(Matcher))}"
        )
    if mute.end is not None and mute.end <= mute.start:
        raise InvalidInput("end: it must be after the start")
    if mute.end is not None and mute.end - mute.start > MOST_MS:
        raise InvalidInput("end: more than a year after the start; allowed: up to 366 days")
    if mute.end is None and not mute.until_resolved and mute.weekly is None:
        raise InvalidInput("end: say until when; allowed: a time, until_resolved, or hours of the week")
    if is_safety(mute.matcher.fault) and not mute.is_narrow:
        raise InvalidInput(
            f"fault: {mute.matcher.fault} is a worker in danger; allowed: one device, for 1 h at most"
        )
    if mute.weekly is not None:
        _check_hours(mute.weekly)


def check_long(mute: Mute, *, confirmed: bool) -> None:
    """Raise InvalidInput where a mute is so long that it has to be confirmed, and was not."""
    if mute.end is not None and mute.end - mute.start > LONG_MS and not confirmed:
        days = round((mute.end - mute.start) / DAY_MS)
        raise InvalidInput(
            f"confirmed: {days} days are long for a mute; allowed: up to 90 days, or confirm it"
        )


def _check_hours(weekly: Weekly) -> None:
    if not weekly.days or not set(weekly.days) <= set(range(7)):
        raise InvalidInput("weekly.days: allowed: one or more of 0 (Monday) to 6")
    for name, text in (("start", weekly.start), ("end", weekly.end)):
        try:
            time.fromisoformat(text)
        except ValueError:
            raise InvalidInput(f"weekly.{name}: {text!r} is no time; allowed: 00:00 to 23:59") from None
    try:
        ZoneInfo(weekly.zone)
    except (ValueError, OSError, KeyError):
        raise InvalidInput(
            f"weekly.zone: {weekly.zone!r} is none; allowed: IANA names (Asia/Shanghai)"
        ) from None


def matcher_of(given: Mapping[str, str]) -> Matcher:
    """Return the matcher of its parts by name; unknown names are left out."""
    known = {each.name for each in fields(Matcher)}
    return Matcher(**{name: str(value) for name, value in given.items() if name in known and value})
