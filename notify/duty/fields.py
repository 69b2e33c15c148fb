"""How the plan writes times: hours, handovers, lengths of turns, days, dates; each names its mistake."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from fleet.config import duration_ms
from fleet.text import near, quoted
from fleet.wall_fields import WEEKDAYS, minute_of

WORKDAYS, RESTDAYS = "workdays", "restdays"
_LENGTH = re.compile(r"(\d{1,3}) days?")
_LENGTHS = {"day": 1, "week": 7}
_LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Handover:
    """When a turn ends: at a minute of the day, on a weekday (0: Monday) where one is named."""

    minute: int
    weekday: int | None = None


def _handover(value: object) -> Handover:
    words = str(value).split()
    if len(words) == 1:
        return Handover(minute_of(words[0]))
    if len(words) != 2:
        raise ValueError(f"{quoted(value)} is no handover; write 08:00, or mon 08:00")
    if words[0] not in WEEKDAYS:
        raise ValueError(
            f"{quoted(words[0])} is no weekday; allowed: {', '.join(WEEKDAYS)}{near(words[0], WEEKDAYS)}"
        )
    return Handover(minute_of(words[1]), WEEKDAYS.index(words[0]))


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


def _delay(value: object) -> int:
    return 0 if value == 0 else duration_ms(value)


def _or_never(value: object) -> int | None:
    return None if value == "never" else duration_ms(value)


HandoverField = Annotated[Handover, BeforeValidator(_handover)]
LengthField = Annotated[int, BeforeValidator(_length)]
DaysField = Annotated[frozenset[str], BeforeValidator(_days)]
Delay = Annotated[int, BeforeValidator(_delay)]
"""A duration; 0 needs no unit."""
OrNever = Annotated[int | None, BeforeValidator(_or_never)]
"""A duration, or `never`."""
