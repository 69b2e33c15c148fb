"""What came in and what did not, as lists and pages need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import Paged, SearchText
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.wire import Dropped, Reason
from storage.records.database import DeskDatabase
from storage.records.dropped_values import DroppedValue, DroppedValues, count_dropped
from storage.records.gaps import GapKey, GapPage, Gaps, count_gaps
from storage.records.paging import decode_cursor, encode_cursor
from storage.records.quarantine import Quarantine, QuarantineItem, count_quarantined
from storage.records.seen import SeenKey, SeenPage
from storage.records.topics_beside import TopicBeside, TopicsBeside, count_topics_beside

Item = TypeVar("Item")


class GapQuery(Paged):
    """Whose gaps."""

    device: SearchText | None = None


class QuarantineQuery(Paged):
    """Which rows of the quarantine."""

    device: SearchText | None = None
    reason: Reason | None = None
    topic: str | None = Field(
        None, pattern=r"^[^\x00]{1,512}$", description="Text that the topic contains, in either case"
    )


class DroppedQuery(Paged):
    """Which dropped values."""

    device: SearchText | None = None
    signal: SearchText | None = Field(
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


@dataclass(frozen=True, slots=True)
class Listed(Generic[Item]):
    """One page of a list from which the oldest go to make room; `evicted` is how many ever did."""

    items: Sequence[Item]
    next_cursor: str | None
    evicted: int


def find_gaps(desk: DeskDatabase, query: GapQuery, sites: Sites) -> tuple[GapPage, str | None]:
    """Return one page of gaps, and the cursor of the next."""
    page = Gaps(desk).find(query.device, query.limit, _gap_key(query), sites)
    return page, encode_cursor(query.query(), page.after) if page.after else None


def find_quarantined(desk: DeskDatabase, query: QuarantineQuery, sites: Sites) -> Listed[QuarantineItem]:
    """Return one page of the quarantine, the most recently seen first."""
    after = _two_of(query, int, int)
    found = Quarantine(desk).find(query.device, query.reason, query.limit, after, query.topic, sites)
    return _listed(query, found)


def find_dropped(desk: DeskDatabase, query: DroppedQuery, sites: Sites) -> Listed[DroppedValue]:
    """Return one page of dropped values, the most recently seen first."""
    after = _two_of(query, int, int)
    found = DroppedValues(desk).find(query.device, query.signal, query.reason, query.limit, after, sites)
    return _listed(query, found)


def find_beside(desk: DeskDatabase, query: BesideQuery) -> Listed[TopicBeside]:
    """Return one page of topics beside ours, the most recently heard first."""
    return _listed(query, TopicsBeside(desk).find(query.limit, _two_of(query, int, str)))


def _listed(query: Paged, page: SeenPage[Item]) -> Listed[Item]:
    following = encode_cursor(query.query(), page.after) if page.after else None
    return Listed(page.items, following, page.evicted)


def _two_of(query: Paged, *types: type) -> SeenKey | None:
    if query.cursor is None:
        return None
    first, second = decode_cursor(query.query(), query.cursor, 2)
    if (type(first), type(second)) != types:
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return first, second


def count_ingest(session: Session, device: str | None = None, sites: Sites = None) -> IngestCounts:
    """Count gaps, quarantine and dropped values of one device, or of all at some sites.

    Topics beside ours are of no site.
    """
    gaps, missing = count_gaps(session, device, sites)
    return IngestCounts(
        gaps=gaps,
        missing=missing,
        quarantined=count_quarantined(session, device, sites),
        dropped=count_dropped(session, device, sites),
        beside=count_topics_beside(session) if device is None and sites is None else 0,
    )


def _gap_key(query: GapQuery) -> GapKey | None:
    if query.cursor is None:
        return None
    device, run, first = decode_cursor(query.query(), query.cursor, 3)
    if not isinstance(device, str) or not all(type(n) is int and 0 <= n < 2**63 for n in (run, first)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return device, run, first
