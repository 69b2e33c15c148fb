"""The console's pages of customers: who they are, their sites and contracts, and what is open there."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.doors import Visitor
from api.console.pages.service_forms import Said, Tried, blank, typed, version_in
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, Known, ManagesService, SeesFleet
from api.personal import Sight
from api.queries.service import CustomerQuery
from api.routes.common import Key
from api.routes.customers import sees_service
from api.services import Services
from desk.lists.sheets import row_said
from fleet.customers import Included, PlanName, Tier, Visiting
from fleet.grants import Sites
from fleet.lists import ListKind
from fleet.tickets import CLOSED_STATES, TicketState
from storage.records.customers import (
    contract_columns,
    contract_from,
    contracts_of,
    customer_columns,
    customer_from,
    customer_of,
    find_customers,
    sites_of_customers,
)
from storage.records.paging import Asked
from storage.records.purchases import counts_at
from storage.records.sites import all_sites
from storage.records.ticket_lists import TicketFilter, find_tickets

_SHOWN_CASES = 50
_OPEN = tuple(state for state in TicketState if state not in CLOSED_STATES)
_CHOICES: dict[str, Any] = {
    "tiers": list(map(str, Tier)),
    "plans": list(map(str, PlanName)),
    "visitings": list(map(str, Visiting)),
    "includeds": list(map(str, Included)),
}


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/customers")
def customers_page(request: Request, pages: Console, visitor: Known, sites: SeesFleet) -> Response:
    """List the customers of one's sites."""
    return _list(pages, request, visitor, sites, asked(request, CustomerQuery))


@router.get("/customers/{customer_id}")
def customer_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, customer_id: Key
) -> Response:
    """Show a customer: sites, contracts, open cases."""
    saved = asked(request, SavedView).saved
    return _one(pages, request, visitor, sites, customer_id, Tried(saved=saved))


@router.post("/customers")
def add(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    said: Said,
) -> Response:
    """Describe a customer that nobody has described yet."""

    def change() -> Response:
        row = row_said(ListKind.CUSTOMERS, said.get("id", ""), said)
        return _to(services.service.customer(customer_from(row), principal, 0).id)

    def again(status: int, why: str) -> Response:
        return _list(pages, request, visitor, sites, CustomerQuery(), Tried(status, why, said))

    return tried(change, again)


@router.post("/customers/{customer_id}")
def change_customer(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    customer_id: Key,
    said: Said,
) -> Response:
    """Say what a customer is, in place of what was said before."""

    def change() -> Response:
        row = row_said(ListKind.CUSTOMERS, customer_id, said)
        return _to(services.service.customer(customer_from(row), principal, version_in(said)).id, saved=True)

    def again(status: int, why: str) -> Response:
        return _one(pages, request, visitor, sites, customer_id, Tried(status, why, said))

    return tried(change, again)


@router.post("/customers/{customer_id}/contracts")
def change_contract(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ManagesService,
    principal: ActingByForm,
    customer_id: Key,
    said: Said,
) -> Response:
    """Say what was agreed on with a customer."""

    def change() -> Response:
        row = row_said(ListKind.CONTRACTS, said.get("number", ""), said | {"customer": customer_id})
        services.service.contract(contract_from(row), principal, version_in(said))
        return _to(customer_id, saved=True)

    def again(status: int, why: str) -> Response:
        return _one(pages, request, visitor, sites, customer_id, Tried(status, why, beside=said))

    return tried(change, again)


def _to(customer_id: str, *, saved: bool = False) -> Response:
    address = f"/customers/{quote(customer_id, safe='')}"
    return RedirectResponse(f"{address}?saved=1" if saved else address, status_code=303)


def _list(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    query: CustomerQuery,
    form: Tried = Tried(),  # noqa: B008 - frozen
) -> Response:
    with pages.services.desk.transaction() as session:
        page = find_customers(session, query.asked(), sites, query.q)
        known = {each.id for each in find_customers(session, Asked("id", 1000, None, "all"), sites).rows}
        named = sorted(
            {each.customer for each in all_sites(session) if sites is None or each.id in sites} - {"", *known}
        )
    values: dict[str, Any] = {
        "customers": page.rows,
        "next_cursor": page.next_cursor,
        "query": query,
        "undescribed": named if len(known) < 1000 else [],
        "sees": sees_service(visitor),
        "error": form.error,
        "entered": blank(ListKind.CUSTOMERS) | (form.entered or {}),
    }
    return pages.render(request, "service/customers.html", form.status, **_CHOICES, **values)


def _one(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    customer_id: str,
    form: Tried = Tried(),  # noqa: B008 - frozen
) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        customer = customer_of(session, customer_id, sites)
        within = sites_of_customers(session, [customer_id])
        theirs = within if sites is None else within & sites
        contracts = contracts_of(session, customer_id)
        places = [each for each in all_sites(session) if each.id in theirs]
        devices = counts_at(session, theirs)
        cases = find_tickets(session, TicketFilter(_OPEN), Asked("due", _SHOWN_CASES, None, ""), theirs)
    now = services.clock.now_ms()
    values: dict[str, Any] = {
        "customer": customer,
        "places": places,
        "devices": devices,
        "contracts": [(each, typed(ListKind.CONTRACTS, contract_columns(each))) for each in contracts],
        "cases": [
            (one, next(iter(services.clocks.of(one, now)), None))
            for one in Sight(services, visitor).tickets(cases.rows)
        ],
        "today": services.service.today(),
        "sees": sees_service(visitor),
        "saved": form.saved,
        "error": form.error,
        "entered": typed(ListKind.CUSTOMERS, customer_columns(customer)) | (form.entered or {}),
        "contract": blank(ListKind.CONTRACTS) | {"version": "0"} | (form.beside or {}),
        "contract_tried": form.beside is not None,
    }
    return pages.render(request, "service/customer.html", form.status, **_CHOICES, **values)
