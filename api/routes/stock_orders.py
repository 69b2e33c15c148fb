"""Orders of parts: what should be ordered from whom, what is on its way, what arrived."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.doors import Acting, OrdersParts, SeesParts
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from api.stock_schemas import (
    ArrivalAsked,
    OrderAsked,
    OrderEnd,
    OrderItem,
    OrderPlaced,
    OrderQuery,
    ProposalItem,
)
from storage.records.answers import KeptAnswer
from storage.records.stock_orders import find_orders
from storage.records.stock_orders import order as stored_order

router = APIRouter(prefix="/api/v1/orders", tags=["parts"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such order or place",
    conflict=f"The order is not as this needs it; {BUSY}",
)


@router.get("", responses=problems())
def list_orders(
    services: Services, sites: SeesParts, query: Annotated[OrderQuery, Query()]
) -> ListOf[OrderItem]:
    """List orders, the newest first."""
    states = () if query.state is None else (query.state,)
    with services.desk.transaction() as session:
        page = find_orders(session, query.asked(), sites, states=states, place=query.place, part=query.part)
    return ListOf(items=[OrderItem.model_validate(each) for each in page.rows], next_cursor=page.next_cursor)


@router.get("/proposals", responses=problems())
def list_proposals(services: Services, sites: SeesParts, _: Nothing) -> ListOf[ProposalItem]:
    """List what to order, by supplier, part and depot."""
    found = services.parts.planning.proposals(sites)
    return ListOf(items=[ProposalItem.model_validate(each) for each in found])


@router.post("", status_code=201, response_model=OrderItem, responses=_CHANGE)
def add_order(
    services: Services,
    sites: OrdersParts,
    principal: Acting,
    asked: OrderAsked,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Write down what is to be ordered for a depot; for a discontinued part what replaces it."""

    def add() -> KeptAnswer:
        kept = services.parts.orders.propose(
            asked.part, asked.place, asked.quantity, principal, sites, asked.reason
        )
        headers = {"Location": f"/api/v1/orders/{kept.id}"}
        return KeptAnswer(201, headers, OrderItem.model_validate(kept).model_dump_json())

    return once(services, operation_of("orders", principal, sites), idempotency_key, asked, add)


@router.get("/{order_id}", responses=problems(not_found="There is no such order"))
def show_order(services: Services, sites: SeesParts, order_id: RowId, _: Nothing) -> OrderItem:
    """Show one order."""
    with services.desk.transaction() as session:
        return OrderItem.model_validate(stored_order(session, order_id, sites))


@router.post("/{order_id}/order", responses=_CHANGE)
def place_order(
    services: Services,
    sites: OrdersParts,
    principal: Acting,
    order_id: RowId,
    asked: OrderPlaced,
    _: Nothing,
) -> OrderItem:
    """Note that it was ordered, and when it should be there."""
    return OrderItem.model_validate(services.parts.orders.order(order_id, principal, asked.expected, sites))


@router.post("/{order_id}/arrive", responses=_CHANGE)
def take_arrival(
    services: Services,
    sites: OrdersParts,
    principal: Acting,
    order_id: RowId,
    asked: ArrivalAsked,
    _: Nothing,
) -> OrderItem:
    """Take in what arrived, all or a part of it: it is in stock at once."""
    serials = tuple(asked.serials)
    found = services.parts.orders.arrive(order_id, asked.quantity, serials, principal, sites)
    return OrderItem.model_validate(found)


@router.post("/{order_id}/cancel", responses=_CHANGE)
def cancel_order(
    services: Services,
    sites: OrdersParts,
    principal: Acting,
    order_id: RowId,
    asked: OrderEnd,
    _: Nothing,
) -> OrderItem:
    """Give an order up; what arrived of it stays."""
    return OrderItem.model_validate(services.parts.orders.cancel(order_id, principal, asked.reason, sites))
