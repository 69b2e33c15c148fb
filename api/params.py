"""What requests may ask: query parameters, each checked; an unknown one is an error that lists the known."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from fleet.clock import DAY_MS, SECOND_MS, from_rfc3339
from fleet.config import duration_ms
from fleet.faults import FAULTS
from fleet.localtime import FIRST_DAY, LAST_DAY
from fleet.principals import MAX_NAME
from fleet.text import quoted
from storage.records.paging import Asked

LATEST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z"""
_UNESCAPED_OFFSET = re.compile(r" (?=\d\d:?\d\d$)")


def _fault_code(code: str) -> str:
    if code not in FAULTS:
        raise ValueError(f"no fault of the catalogue; allowed: {', '.join(FAULTS)}")
    return code


def _time_ms(value: object) -> int:
    text = str(value)
    try:
        # A `+` that was not escaped in the query arrives as a space.
        ms = int(text) if text.isdecimal() else from_rfc3339(_UNESCAPED_OFFSET.sub("+", text))
    except (ValueError, OverflowError):
        raise ValueError("no time; allowed: RFC 3339 (2026-11-22T08:00:00Z) or epoch milliseconds") from None
    if not 0 <= ms <= LATEST_MS:
        raise ValueError("no time; allowed: 1970-01-01 to 9999-12-31")
    return ms


def _zoned_ms(value: object) -> int:
    text = str(value)
    try:
        unzoned = not text.isdecimal() and datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        unzoned = False  # it is no time at all, which is told next
    if unzoned:
        raise ValueError(
            "a time without a zone; allowed: RFC 3339 with Z or an offset (2026-11-22T08:00:00Z)"
        )
    return _time_ms(value)


def _every_ms(value: object) -> int:
    ms = duration_ms(value)
    if not SECOND_MS <= ms <= 366 * DAY_MS:
        raise ValueError("out of range; allowed: 1s to 366d")
    return ms


FaultCode = Annotated[str, AfterValidator(_fault_code)]
TimeMs = Annotated[int, BeforeValidator(_time_ms, json_schema_input_type=str)]
"""A time as RFC 3339 or epoch milliseconds, held as the latter."""
ZonedMs = Annotated[int, BeforeValidator(_zoned_ms, json_schema_input_type=str)]
"""The same, for what is changed by it: a time whose zone has to be guessed is refused."""
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A day that is asked for: there are days before and after it, and it has a beginning in each zone."""
EveryMs = Annotated[int, BeforeValidator(_every_ms, json_schema_input_type=str)]
"""A duration such as `10s`, `5m`, `1h`, `1d`, held in milliseconds."""
_NOWHERE = "\uffff"


def _searchable(text: str) -> str:
    """Return a text that databases can look for: none holds a NUL, nor the character that takes its place."""
    return text.replace("\0", _NOWHERE)


def _person(name: str) -> str:
    plain = name.strip().casefold()
    if plain in NO_PERSONS or plain in FAULTS:
        raise ValueError(f"{quoted(name)} is the platform's own name, not a person's; give another")
    if not name.isprintable():
        raise ValueError("allowed: characters that can be seen")
    return name


NO_PERSONS = frozenset(
    {
        *(
            "absence",
            "anomaly",
            "expiry",
            "history",
            "import",
            "model",
            "risk",
            "rule",
            "schedule",
            "sweepwatch",
        ),
        *("system", "training", "trial"),
    }
)
"""Names under which the platform itself acts, or might, as it might under a fault's: nobody passes for one of
them over HTTP."""
# Lengths stand before what checks further: after it they are told as those of a list.
PersonName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_person)]
"""Who does something, as a person says it."""
SearchText = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_searchable)]
"""Text that is looked for, an id or a part of one; one with a NUL is found nowhere."""


class Params(BaseModel):
    """Base of every operation's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VisitQuery(Params):
    """How many visits there can be in a day, and where."""

    budget: int = Field(10, ge=0, le=10_000, description="How many devices can be visited")
    site: SearchText | None = Field(None, description="Only devices of this site")


class NoParams(Params):
    """The parameters of an operation that takes none."""


class Paged(Params):
    """The parameters of a list."""

    limit: int = Field(50, ge=1, le=1000, description="Items a page")
    cursor: str | None = Field(None, max_length=512, description="next_cursor of the page before")

    def query(self) -> str:
        """Return what was asked apart from the page: a cursor is good for the same query alone."""
        return f"{type(self).__name__}{self.model_dump_json(exclude={'limit', 'cursor'})}"

    def asked(self) -> Asked:
        """Return which part of the list is wanted."""
        return Asked(getattr(self, "sort", "id"), self.limit, self.cursor, self.query())


DeviceSort = Literal["risk", "-risk", "id", "-id", "last_seen", "-last_seen"]
TicketSort = Literal["due", "-due", "opened_at", "-opened_at", "id", "-id"]
AlertSort = Literal["since", "-since", "id", "-id"]
