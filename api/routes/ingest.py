"""What came in: the ledger, gaps, names nobody knows, and the quarantine of what could not be read."""

from base64 import b64encode
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.exceptions import HTTPException

from api.paging import decode_cursor, encode_cursor
from api.params import IdText, Paged
from api.routes.common import Nothing, problems
from api.schemas import (
    GapItem,
    GapList,
    LedgerAnswer,
    ListOf,
    QuarantineEntry,
    QuarantineList,
    UnknownSignalItem,
)
from api.services import Services
from fleet.errors import ConfigError, InvalidInput
from fleet.wire import Reason
from storage.desk.gaps import GapKey, Gaps
from storage.desk.quarantine import Quarantine
from storage.desk.unknown_signals import UnknownSignals

router = APIRouter(prefix="/ingest", tags=["ingest"])


class QuarantineQuery(Paged):
    """Which rows of the quarantine."""

    device: IdText | None = None
    reason: Reason | None = None
    topic: str | None = Field(
        None, pattern=r"^[^\x00]{1,512}$", description="Text that the topic contains, in either case"
    )


class GapQuery(Paged):
    """Whose gaps."""

    device: IdText | None = None


@router.get("/ledger", responses=problems(unavailable="No ingester runs in this process"))
def show_ledger(services: Services, _: Nothing) -> LedgerAnswer:
    """Show what came in since the process started: received = written + duplicate + quarantined."""
    ledger = services.ledger()
    if ledger is None:
        raise HTTPException(503, "no ingester runs in this process; each serves its own /metrics")
    return LedgerAnswer.model_validate(ledger)


@router.get("/gaps", responses=problems())
def list_gaps(services: Services, query: Annotated[GapQuery, Query()]) -> GapList:
    """List the readings that devices counted and that never arrived; a late arrival closes its gap."""
    page = Gaps(services.desk).find(query.device, query.limit, _gap_key(query))
    items = [GapItem.model_validate(gap) for gap in page.items]
    following = encode_cursor(query.query(), page.after) if page.after else None
    return GapList(items=items, next_cursor=following, dropped=page.dropped)


def _gap_key(query: GapQuery) -> GapKey | None:
    if query.cursor is None:
        return None
    device, run, first = decode_cursor(query.query(), query.cursor, 3)
    if not isinstance(device, str) or not all(type(n) is int and 0 <= n < 2**63 for n in (run, first)):
        raise InvalidInput("cursor: not one of ours; pass next_cursor of the page before")
    return device, run, first


@router.get("/unknown-signals", responses=problems())
def list_unknown_signals(services: Services, _: Nothing) -> ListOf[UnknownSignalItem]:
    """List the first 100 names that devices sent and no signal has, the newest found first."""
    found = UnknownSignals(services.desk).all()
    return ListOf(items=[UnknownSignalItem.model_validate(one) for one in found])


@router.get("/quarantine", responses=problems())
def list_quarantine(services: Services, query: Annotated[QuarantineQuery, Query()]) -> QuarantineList:
    """List messages that were turned away, the most recently seen first."""
    try:
        page = Quarantine(services.desk).find(
            query.device, query.reason, query.limit, query.cursor, query.topic
        )
    except ConfigError as error:
        raise InvalidInput(str(error)) from error
    items = [
        QuarantineEntry.model_validate(asdict(item) | {"payload": b64encode(item.payload).decode()})
        for item in page.items
    ]
    return QuarantineList(items=items, next_cursor=page.next_cursor, evicted=page.evicted)
