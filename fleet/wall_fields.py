"""How files write times of the wall's clock: hours of the day, dates, time zones; each names its mistake."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator, WithJsonSchema

from fleet.localtime import DAY_MIN
from fleet.text import near, quoted

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the day, in minutes; they last into the next day where `to` is not after `begin`."""

    begin: int
    to: int

    @property
    def end(self) -> int:
        """The minute at which they end, counted from the day on which they begin."""
        return self.to if self.to > self.begin else self.to + DAY_MIN


def minute_of(text: str, *, last: bool = False) -> int:
    """Return the minute of a time of the day; `last` allows 24:00."""
    found = _CLOCK.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else DAY_MIN + 1
    if minute > DAY_MIN or (minute == DAY_MIN and not last):
        raise ValueError(f"{quoted(text)} is no time of the day; write 08:00 or 22:30")
    return minute


def _hours(value: object) -> Hours:
    begin, dash, to = str(value).partition("-")
    if not dash:
        raise ValueError(f"{quoted(value)} are no hours; write 18:00-08:00, or 08:00-24:00")
    return Hours(minute_of(begin.strip()), minute_of(to.strip(), last=True))


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


HoursField = Annotated[
    Hours,
    BeforeValidator(_hours),
    WithJsonSchema({"type": "string", "examples": ["08:00-18:00"], "pattern": r"^\d\d:\d\d *- *\d\d:\d\d$"}),
]
DateField = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
ZoneField = Annotated[
    ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Asia/Shanghai"]})
]
