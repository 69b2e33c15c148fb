"""What came in and what did not, as lists and pages need it."""

from dataclasses import dataclass

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import IdText, Paged
from fleet.errors import ConfigError, InvalidInput
from fleet.wire import Reason
from storage.records.database import DeskDatabase
from storage.records.gaps import GapKey, GapPage, Gaps, count_gaps
from storage.records.paging import decode_cursor, encode_cursor
from storage.records.quarantine import Quarantine, QuarantinePage, count_quarantined


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


@dataclass(frozen=True, slots=True)
class IngestCounts:
    """How many gaps there are, how many readings are missing in them, and how many rows of quarantine."""

    gaps: int
    missing: int
    quarantined: int


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


def count_ingest(session: Session, device: str | None = None) -> IngestCounts:
    """Count gaps and quarantine of one device, or of all."""
    gaps, missing = count_gaps(session, device)
    return IngestCounts(gaps, missing, count_quarantined(session, device))


def _gap_key(query: GapQuery) -> GapKey | None:
    if query.cursor is None:
        return None
    device, run, first = decode_cursor(query.query(), query.cursor, 3)
    if not isinstance(device, str) or not all(type(n) is int and 0 <= n < 2**63 for n in (run, first)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return device, run, first
