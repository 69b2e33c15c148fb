"""What came in and what did not, as lists and pages need it."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import IdText, Paged
from fleet.errors import ConfigError, InvalidInput
from fleet.wire import Dropped, Reason
from storage.records.database import DeskDatabase
from storage.records.dropped_values import DroppedPage, DroppedValues, count_dropped
from storage.records.gaps import GapKey, GapPage, Gaps, count_gaps
from storage.records.paging import decode_cursor, encode_cursor
from storage.records.quarantine import Quarantine, QuarantinePage, count_quarantined
from storage.records.topics_beside import TopicPage, TopicsBeside, count_topics_beside


class GapQuery(Paged):
    """Whose gaps."""

    device: IdText | None = None


class QuarantineQuery(Paged):
    """Which rows of the quarantine."""

    device: IdText | None = None
    reason: Reason | None = None
    topic: str | None = Field(
        None, pattern=r"^[^\x00]{1,512}$", description="Text that the topic contains, in either case"
    )


class DroppedQuery(Paged):
    """Which dropped values."""

    device: IdText | None = None
    signal: IdText | None = Field(
        None, description="Or a key of info or of an event", examples=["battery_pct"]
    )
    reason: Dropped | None = None


class BesideQuery(Paged):
    """Topics beside ours: all."""


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """How many gaps there are, how many readings are missing in them, and how long the other lists are."""

    gaps: int
    missing: int
    quarantined: int
    dropped: int
    beside: int


def find_gaps(desk: DeskDatabase, query: GapQuery) -> tuple[GapPage, str | None]:
    """Return one page of gaps, and the cursor of the next."""
    page = Gaps(desk).find(query.device, query.limit, _gap_key(query))
    return page, encode_cursor(query.query(), page.after) if page.after else None


def find_quarantined(desk: DeskDatabase, query: QuarantineQuery) -> QuarantinePage:
    """Return one page of the quarantine, the most recently seen first."""
    try:
        return Quarantine(desk).find(query.device, query.reason, query.limit, query.cursor, query.topic)
    except ConfigError as error:
        raise InvalidInput(str(error)) from error


def find_dropped(desk: DeskDatabase, query: DroppedQuery) -> tuple[DroppedPage, str | None]:
    """Return one page of dropped values, the most recently seen first, and the cursor of the next."""
    after = None if query.cursor is None else _two_of(query, int, int)
    page = DroppedValues(desk).find(query.device, query.signal, query.reason, query.limit, after)
    return page, encode_cursor(query.query(), page.after) if page.after else None


def find_beside(desk: DeskDatabase, query: BesideQuery) -> tuple[TopicPage, str | None]:
    """Return one page of topics beside ours, the most recently heard first, and the cursor of the next."""
    page = TopicsBeside(desk).find(query.limit, None if query.cursor is None else _two_of(query, int, str))
    return page, encode_cursor(query.query(), page.after) if page.after else None


def _two_of(query: Paged, *types: type) -> tuple[Any, Any]:
    first, second = decode_cursor(query.query(), query.cursor or "", 2)
    if (type(first), type(second)) != types:
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return first, second


def count_ingest(session: Session, device: str | None = None) -> IngestCounts:
    """Count gaps, quarantine and dropped values of one device, or of all."""
    gaps, missing = count_gaps(session, device)
    return IngestCounts(
        gaps=gaps,
        missing=missing,
        quarantined=count_quarantined(session, device),
        dropped=count_dropped(session, device),
        beside=count_topics_beside(session) if device is None else 0,
    )


def _gap_key(query: GapQuery) -> GapKey | None:
    if query.cursor is None:
        return None
    device, run, first = decode_cursor(query.query(), query.cursor, 3)
    if not isinstance(device, str) or not all(type(n) is int and 0 <= n < 2**63 for n in (run, first)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return device, run, first
