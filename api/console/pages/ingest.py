"""The console's pages of ingest: what came in, what is missing, and what was turned away."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from api.console.render.asked import NoQuery, asked
from api.console.render.payloads import show_payload
from api.console.render.templates import Console, Pages
from api.doors import Known, SeesIngest, everywhere
from api.personal import Sight
from api.queries.ingest import (
    BesideQuery,
    DroppedQuery,
    GapQuery,
    QuarantineQuery,
    count_ingest,
    find_beside,
    find_dropped,
    find_gaps,
    find_quarantined,
)
from api.services import Services
from fleet.grants import Sites
from fleet.ledger import LedgerView
from fleet.wire import Dropped, Reason
from storage.records.device_lists import registered
from storage.records.unknown_signals import MAX_NAMES, UnknownSignals

_INGEST = "ingest"
"""The ingester's name among the components of readiness."""


class GapView(GapQuery):
    """The address of the page of gaps."""

    limit: int = Field(50, ge=1, le=200)


class DroppedView(DroppedQuery):
    """The address of the page of dropped values."""

    limit: int = Field(50, ge=1, le=200)


class BesideView(BesideQuery):
    """The address of the page of topics beside ours."""

    limit: int = Field(50, ge=1, le=200)


class QuarantineView(QuarantineQuery):
    """The address of the page of quarantine."""

    limit: int = Field(25, ge=1, le=100)


router = APIRouter(prefix="/ingest", include_in_schema=False, default_response_class=HTMLResponse)


@router.get("")
def overview(request: Request, pages: Console, services: Services, sites: SeesIngest) -> Response:
    """Show whether the broker is connected, the ledger, and the names that no signal has."""
    asked(request, NoQuery)
    ledger = services.ledger() if sites is None else None
    return _render(
        pages,
        request,
        "ingest/ingest.html",
        sites,
        ledger=ledger,
        unexplained=_unexplained(ledger),
        trouble=None if ledger is None else services.readiness().get(_INGEST),
        unknown=UnknownSignals(services.desk).all(sites),
        most_names=MAX_NAMES,
    )


@router.get("/gaps")
def gaps_page(request: Request, pages: Console, services: Services, sites: SeesIngest) -> Response:
    """List the readings that devices counted and that never arrived."""
    query = asked(request, GapView)
    page, following = find_gaps(services.desk, query, sites)
    return _render(
        pages,
        request,
        "ingest/gaps.html",
        sites,
        query=query,
        gaps=page.items,
        dropped=page.dropped,
        next_cursor=following,
    )


@router.get("/dropped")
def dropped_page(
    request: Request, pages: Console, services: Services, visitor: Known, sites: SeesIngest
) -> Response:
    """List the values that were dropped while the rest of their message stayed."""
    query = asked(request, DroppedView)
    page = find_dropped(services.desk, query, sites)
    return _render(
        pages,
        request,
        "ingest/dropped.html",
        sites,
        query=query,
        items=Sight(services, visitor).dropped(page.items),
        reasons=tuple(Dropped),
        evicted=page.evicted,
        next_cursor=page.next_cursor,
    )


@router.get("/beside")
def beside_page(
    request: Request, pages: Console, services: Services, visitor: Known, sites: SeesIngest
) -> Response:
    """List the topics beside ours that somebody publishes on."""
    query = asked(request, BesideView)
    everywhere(sites)
    page = find_beside(services.desk, query)
    return _render(
        pages,
        request,
        "ingest/beside.html",
        sites,
        items=[
            (one, show_payload(one.payload, one.truncated))
            for one in Sight(services, visitor).beside(page.items)
        ],
        evicted=page.evicted,
        next_cursor=page.next_cursor,
    )


@router.get("/quarantine")
def quarantine_page(
    request: Request, pages: Console, services: Services, visitor: Known, sites: SeesIngest
) -> Response:
    """List the messages that were turned away, with what was in them."""
    query = asked(request, QuarantineView)
    page = find_quarantined(services.desk, query, sites)
    seen = Sight(services, visitor).quarantined(page.items)
    with services.desk.transaction() as session:
        known = registered(session, {item.device_id for item in page.items}, sites)
    return _render(
        pages,
        request,
        "ingest/quarantine.html",
        sites,
        query=query,
        items=[(item, show_payload(item.payload, item.truncated)) for item in seen],
        known=known,
        reasons=tuple(Reason),
        evicted=page.evicted,
        next_cursor=page.next_cursor,
    )


def _unexplained(ledger: LedgerView | None) -> int:
    """Return how many readings the ledger cannot account for; any but 0 is a fault of ours."""
    if ledger is None:
        return 0
    return ledger.received - ledger.written - ledger.duplicate - ledger.quarantined


def _render(pages: Pages, request: Request, template: str, sites: Sites, **values: Any) -> Response:
    with pages.services.desk.transaction() as session:
        counts = count_ingest(session, sites=sites)
    return pages.render(request, template, counts=counts, **values)
