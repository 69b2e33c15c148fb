"""The console's page of orders: what to order from whom, what is on its way, what arrived."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.service_forms import Said
from api.console.pages.stock_forms import number_in
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, OrdersParts, SeesParts
from api.routes.common import RowId
from api.services import Services
from fleet.grants import Sites
from fleet.stock import OrderState, day_in, serials_in
from storage.records.paging import Asked
from storage.records.stock_orders import find_orders
from storage.records.stock_orders import order as stored_order

_OPEN = (OrderState.PROPOSED, OrderState.ORDERED, OrderState.PARTLY_ARRIVED)
_ENDED = (OrderState.ARRIVED, OrderState.CANCELLED)
_SHOWN = Asked("-id", 200, None, "open")
_FEW = Asked("-id", 20, None, "ended")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/orders")
def orders_page(request: Request, pages: Console, sites: SeesParts) -> Response:
    """List what to order by supplier, and what is ordered."""
    return _list(pages, request, sites, saved=asked(request, SavedView).saved)


@router.post("/orders")
def propose(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    said: Said,
) -> Response:
    """Write down what is to be ordered."""

    def change() -> Response:
        part, place = said.get("part", ""), said.get("place", "")
        services.parts.orders.propose(part, place, number_in(said, "quantity", 1), principal, sites)
        return _saved()

    return tried(change, lambda status, why: _list(pages, request, sites, status, why), 404)


@router.post("/orders/{order_id}/order")
def place_order(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    order_id: RowId,
    said: Said,
) -> Response:
    """Note that it was ordered."""
    orders = services.parts.orders
    return _changed(
        pages,
        request,
        order_id,
        sites,
        lambda: orders.order(order_id, principal, day_in(said.get("expected", "")), sites),
    )


@router.post("/orders/{order_id}/arrive")
def arrive(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    order_id: RowId,
    said: Said,
) -> Response:
    """Take in what arrived."""

    def take_in() -> None:
        serials = serials_in(said.get("serials", ""))
        services.parts.orders.arrive(order_id, number_in(said, "quantity", 1), serials, principal, sites)

    return _changed(pages, request, order_id, sites, take_in)


@router.post("/orders/{order_id}/cancel")
def cancel(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    order_id: RowId,
    said: Said,
) -> Response:
    """Give an order up."""
    orders = services.parts.orders
    return _changed(
        pages,
        request,
        order_id,
        sites,
        lambda: orders.cancel(order_id, principal, said.get("why", ""), sites),
    )


def _changed(
    pages: Pages, request: Request, order_id: int, sites: Sites, change: Callable[[], object]
) -> Response:
    """Change an order; raises NotFound for one for a place that serves none of somebody's sites."""
    with pages.services.desk.transaction() as session:
        stored_order(session, order_id, sites)

    def run() -> Response:
        change()
        return _saved()

    return tried(run, lambda status, why: _list(pages, request, sites, status, why))


def _saved() -> Response:
    return RedirectResponse("/orders?saved=1", status_code=303)


def _list(
    pages: Pages,
    request: Request,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
    *,
    saved: bool = False,
) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        values: dict[str, Any] = {
            "orders": find_orders(session, _SHOWN, sites, states=_OPEN).rows,
            "ended": find_orders(session, _FEW, sites, states=_ENDED).rows,
        }
    return pages.render(
        request,
        "stock/orders.html",
        status,
        status=status,
        error=error,
        saved=saved,
        proposals=services.parts.planning.proposals(sites),
        months=services.parts.planning.months(),
        catalogue=services.parts.planning.catalogue(),
        depots=[each for each in services.parts.stock.places(sites) if each.kind == "depot" and each.active],
        **values,
    )
