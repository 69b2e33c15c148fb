"""Stock of parts: what is where, how it came and went, and what is held for whom."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.doors import Acting, ChangesParts, SeesParts
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.queries.stock import done_to_stock, serials_asked, stock_item
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from api.stock_schemas import (
    DiscrepancyItem,
    MovementAsked,
    MovementItem,
    MovementQuery,
    ReleaseAsked,
    ReservationAsked,
    ReservationItem,
    ReservationQuery,
    SerialItem,
    SerialQuery,
    ShortageItem,
    StockItem,
    StockQuery,
    TransferItem,
    VanListItem,
    VanQuery,
)
from storage.records.answers import KeptAnswer
from storage.records.discrepancies import open_discrepancies
from storage.records.reservations import find_reservations
from storage.records.stock import find_stock
from storage.records.stock_movements import MovementFilter, find_movements

router = APIRouter(prefix="/api/v1", tags=["parts"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such place or ticket",
    conflict=f"Fewer are free than are asked for; {BUSY}",
)


@router.get("/stock", responses=problems())
def list_stock(
    services: Services, sites: SeesParts, query: Annotated[StockQuery, Query()]
) -> ListOf[StockItem]:
    """List how many pieces of each part are where."""
    with services.desk.transaction() as session:
        page = find_stock(session, query.place, query.part, query.asked(), sites)
    return ListOf(items=[stock_item(each) for each in page.rows], next_cursor=page.next_cursor)


@router.get("/stock/shortages", responses=problems())
def list_shortages(services: Services, sites: SeesParts, _: Nothing) -> ListOf[ShortageItem]:
    """List the parts that no place has in time, with the open cases that this endangers."""
    found = services.parts.planning.shortages(sites)
    return ListOf(items=[ShortageItem.model_validate(each) for each in found])


@router.get("/stock/van-lists", responses=problems())
def list_vans(
    services: Services, sites: SeesParts, query: Annotated[VanQuery, Query()]
) -> ListOf[VanListItem]:
    """List what each van takes along on a day, and what it brings back."""
    found = services.parts.planning.van_lists(sites, query.day)
    return ListOf(items=[VanListItem.model_validate(each) for each in found])


@router.get("/stock/transfers", responses=problems())
def list_transfers(services: Services, sites: SeesParts, _: Nothing) -> ListOf[TransferItem]:
    """List what to move between places, so that it is there a month ahead."""
    found = services.parts.planning.transfers(sites)
    return ListOf(items=[TransferItem.model_validate(each) for each in found])


@router.get("/stock/discrepancies", responses=problems())
def list_discrepancies(services: Services, sites: SeesParts, _: Nothing) -> ListOf[DiscrepancyItem]:
    """List what visits used that the ledger did not know of, until somebody counts; the newest first."""
    with services.desk.transaction() as session:
        found = open_discrepancies(session, sites)
    return ListOf(items=[DiscrepancyItem.model_validate(each) for each in found])


@router.get("/stock/serials", responses=problems(not_found="There is no such place or device"))
def list_serials(
    services: Services, sites: SeesParts, query: Annotated[SerialQuery, Query()]
) -> ListOf[SerialItem]:
    """Show where a piece is, which are at a place, or which were put into a device."""
    with services.desk.transaction() as session:
        found = serials_asked(session, query, sites)
    return ListOf(items=[SerialItem.model_validate(each) for each in found])


@router.get("/movements", responses=problems())
def list_movements(
    services: Services, sites: SeesParts, query: Annotated[MovementQuery, Query()]
) -> ListOf[MovementItem]:
    """List how pieces came and went: the ledger, the newest first."""
    wanted = MovementFilter(query.place, query.part, query.kind, query.ticket)
    with services.desk.transaction() as session:
        page = find_movements(session, wanted, query.asked(), sites)
    return ListOf(
        items=[MovementItem.model_validate(each) for each in page.rows], next_cursor=page.next_cursor
    )


@router.post("/movements", status_code=201, response_model=StockItem, responses=_CHANGE)
def add_movement(
    services: Services,
    sites: ChangesParts,
    principal: Acting,
    asked: MovementAsked,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Receive, move, count, use, give back or write off pieces; answers what is at the place then."""

    def add() -> KeptAnswer:
        found = stock_item(done_to_stock(services, asked, principal, sites))
        return KeptAnswer(201, {}, found.model_dump_json())

    return once(services, operation_of("movements", principal, sites), idempotency_key, asked, add)


@router.get("/reservations", responses=problems())
def list_reservations(
    services: Services, sites: SeesParts, query: Annotated[ReservationQuery, Query()]
) -> ListOf[ReservationItem]:
    """List what is and was held for cases, the newest first."""
    with services.desk.transaction() as session:
        page = find_reservations(
            session,
            query.asked(),
            sites,
            ticket=query.ticket,
            place=query.place,
            part=query.part,
            state=query.state,
        )
    return ListOf(
        items=[ReservationItem.model_validate(each) for each in page.rows], next_cursor=page.next_cursor
    )


@router.post("/reservations", status_code=201, response_model=ReservationItem, responses=_CHANGE)
def add_reservation(
    services: Services,
    sites: ChangesParts,
    principal: Acting,
    asked: ReservationAsked,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Hold pieces for an open case: of many who want the last one, one gets it."""

    def add() -> KeptAnswer:
        held = services.parts.stock.reserve(
            asked.ticket, asked.part, asked.quantity, asked.places, principal, sites, asked.ends
        )
        return KeptAnswer(201, {}, ReservationItem.model_validate(held).model_dump_json())

    return once(services, operation_of("reservations", principal, sites), idempotency_key, asked, add)


@router.post("/reservations/{reservation_id}/release", responses=_CHANGE)
def release_reservation(
    services: Services,
    sites: ChangesParts,
    principal: Acting,
    reservation_id: RowId,
    asked: ReleaseAsked,
    _: Nothing,
) -> ReservationItem:
    """Let go of what is held for a case."""
    found = services.parts.stock.release(reservation_id, principal, asked.reason, sites)
    return ReservationItem.model_validate(found)
