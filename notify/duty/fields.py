"""How the plan writes times: hours, handovers, lengths of turns, days, dates; each names its mistake."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator

from fleet.config import duration_ms
from fleet.text import near, quoted
from notify.duty.localtime import DAY_MIN

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS, RESTDAYS = "workdays", "restdays"
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_LENGTH = re.compile(r"(\d{1,3}) days?")
_LENGTHS = {"day": 1, "week": 7}
_LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Handover:
    """When a turn ends: at a minute of the day, on a weekday (0: Monday) where one is named."""

    minute: int
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the day, in minutes; they last into the next day where `to` is not after `begin`."""

    begin: int
    to: int

    @property
    def end(self) -> int:
        """The minute at which they end, counted from the day on which they begin."""
        return self.to if self.to > self.begin else self.to + DAY_MIN


def _minute(text: str, *, last: bool = False) -> int:
    """Return the minute of a time of the day; `last` allows 24:00."""
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else DAY_MIN + 1
    if minute > DAY_MIN or (minute == DAY_MIN and not last):
        raise ValueError(f"{quoted(text)} is no time of the day; write 08:00 or 22:30")
    return minute


def _handover(value: object) -> Handover:
    words = str(value).split()
    if len(words) == 1:
        return Handover(_minute(words[0]))
    if len(words) != 2:
        raise ValueError(f"{quoted(value)} is no handover; write 08:00, or mon 08:00")
    if words[0] not in WEEKDAYS:
        raise ValueError(
            f"{quoted(words[0])} is no weekday; allowed: {', '.join(WEEKDAYS)}{near(words[0], WEEKDAYS)}"
        )
    return Handover(_minute(words[1]), WEEKDAYS.index(words[0]))


def _hours(value: object) -> Hours:
    begin, dash, to = str(value).partition("-")
    if not dash:
        raise ValueError(f"{quoted(value)} are no hours; write 18:00-08:00, or 08:00-24:00")
    return Hours(_minute(begin.strip()), _minute(to.strip(), last=True))


def _length(value: object) -> int:
    found = _LENGTH.fullmatch(str(value))
    days = int(found[1]) if found else _LENGTHS.get(str(value), 0)
    if not 1 <= days <= _LONGEST_DAYS:
        raise ValueError(
            f"{quoted(value)} is no length of a turn; write day, week, or 1 to {_LONGEST_DAYS} days: 14 days"
        )
    return days


def _days(value: object) -> frozenset[str]:
    """Return weekdays, or one of the two kinds of days."""
    if isinstance(value, str) and value in {WORKDAYS, RESTDAYS}:
        return frozenset({str(value)})
    named = value if isinstance(value, list) else [value]
    for each in named:
        if each not in WEEKDAYS:
            allowed = (*WEEKDAYS, WORKDAYS, RESTDAYS)
            raise ValueError(
                f"{quoted(each)} are no days; write {WORKDAYS}, {RESTDAYS}, or a list of "
                f"{', '.join(WEEKDAYS)}{near(each, allowed)}"
            )
    if not named:
        raise ValueError("write a day at least, or leave the key out: every day")
    return frozenset(named)


def _date(value: object) -> date:
    try:
        if _DATE.fullmatch(str(value)):
            return date.fromisoformat(str(value))
    except ValueError:
        pass
    raise ValueError(f"{quoted(value)} is no date; write 2026-01-05")


def _zone(value: object) -> ZoneInfo:
    name = str(value)
    known = [each for each in available_timezones() if "/" in each or each == "UTC"]
    if name not in known:
        raise ValueError(
            f"{quoted(name)} is no time zone; allowed are names such as Asia/Shanghai{near(name, known)}"
        )
    return ZoneInfo(name)


def _delay(value: object) -> int:
    return 0 if value == 0 else duration_ms(value)


def _or_never(value: object) -> int | None:
    return None if value == "never" else duration_ms(value)


HandoverField = Annotated[Handover, BeforeValidator(_handover)]
HoursField = Annotated[Hours, BeforeValidator(_hours)]
LengthField = Annotated[int, BeforeValidator(_length)]
DaysField = Annotated[frozenset[str], BeforeValidator(_days)]
DateField = Annotated[date, BeforeValidator(_date)]
ZoneField = Annotated[ZoneInfo, BeforeValidator(_zone)]
Delay = Annotated[int, BeforeValidator(_delay)]
"""A duration; 0 needs no unit."""
OrNever = Annotated[int | None, BeforeValidator(_or_never)]
"""A duration, or `never`."""
