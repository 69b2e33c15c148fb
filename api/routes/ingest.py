"""What came in: the ledger, gaps, names nobody knows, and the quarantine of what could not be read."""

from base64 import b64encode
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException

from api.doors import Known, SeesIngest, everywhere
from api.personal import Sight
from api.queries.ingest import (
    BesideQuery,
    DroppedQuery,
    GapQuery,
    QuarantineQuery,
    find_beside,
    find_dropped,
    find_gaps,
    find_quarantined,
)
from api.routes.common import Nothing, problems
from api.schemas import (
    DroppedValueItem,
    Evictable,
    GapItem,
    GapList,
    LedgerAnswer,
    ListOf,
    QuarantineEntry,
    TopicBesideItem,
    UnknownSignalItem,
)
from api.services import Services
from storage.records.unknown_signals import UnknownSignals

router = APIRouter(prefix="/api/v1/ingest", tags=["ingest"])


@router.get("/ledger", responses=problems(unavailable="No ingester runs in this process"))
def show_ledger(services: Services, sites: SeesIngest, _: Nothing) -> LedgerAnswer:
    """Show what came in since the process started: received = written + duplicate + quarantined."""
    everywhere(sites)
    ledger = services.ledger()
    if ledger is None:
        raise HTTPException(503, "no ingester runs in this process; each serves its own /metrics")
    return LedgerAnswer.model_validate(ledger)


@router.get("/gaps", responses=problems())
def list_gaps(services: Services, sites: SeesIngest, query: Annotated[GapQuery, Query()]) -> GapList:
    """List the readings that devices counted and that never arrived; a late arrival closes its gap."""
    page, following = find_gaps(services.desk, query, sites)
    items = [GapItem.model_validate(gap) for gap in page.items]
    return GapList(items=items, next_cursor=following, dropped=page.dropped)


@router.get("/unknown-signals", responses=problems())
def list_unknown_signals(services: Services, sites: SeesIngest, _: Nothing) -> ListOf[UnknownSignalItem]:
    """List the first 100 names that devices sent and no signal has, the newest found first."""
    found = UnknownSignals(services.desk).all(sites)
    return ListOf(items=[UnknownSignalItem.model_validate(one) for one in found])


@router.get("/dropped-values", responses=problems())
def list_dropped_values(
    services: Services, visitor: Known, sites: SeesIngest, query: Annotated[DroppedQuery, Query()]
) -> Evictable[DroppedValueItem]:
    """List values that were dropped while the rest of their message stayed, the most recently seen first.

    The example of a wristband's is empty for whoever is not of the safety role of its site.
    """
    page = find_dropped(services.desk, query, sites)
    seen = Sight(services, visitor).dropped(page.items)
    items = [DroppedValueItem.model_validate(one) for one in seen]
    return Evictable(items=items, next_cursor=page.next_cursor, evicted=page.evicted)


@router.get("/topics-beside", responses=problems())
def list_topics_beside(
    services: Services, visitor: Known, sites: SeesIngest, query: Annotated[BesideQuery, Query()]
) -> Evictable[TopicBesideItem]:
    """List topics under our root that are none of ours (misspelt, another version): nobody takes them.

    A payload that may be a wristband's is empty for whoever is not of the safety role at every site.
    """
    everywhere(sites)
    page = find_beside(services.desk, query)
    items = [
        TopicBesideItem.model_validate(asdict(one) | {"payload": b64encode(one.payload).decode()})
        for one in Sight(services, visitor).beside(page.items)
    ]
    return Evictable(items=items, next_cursor=page.next_cursor, evicted=page.evicted)


@router.get("/quarantine", responses=problems())
def list_quarantine(
    services: Services, visitor: Known, sites: SeesIngest, query: Annotated[QuarantineQuery, Query()]
) -> Evictable[QuarantineEntry]:
    """List messages that were turned away, the most recently seen first.

    Payload and detail of a wristband's are empty for whoever is not of the safety role of its site; those of
    no known device that may be a wristband's, for whoever is not of it at every site.
    """
    page = find_quarantined(services.desk, query, sites)
    items = [
        QuarantineEntry.model_validate(asdict(item) | {"payload": b64encode(item.payload).decode()})
        for item in Sight(services, visitor).quarantined(page.items)
    ]
    return Evictable(items=items, next_cursor=page.next_cursor, evicted=page.evicted)
