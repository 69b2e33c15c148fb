"""The console's pages of stock: what is short, what is where, what vans take along; places, counts."""

import io
from typing import Any
from urllib.parse import quote

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.charts import svg
from api.console.pages.service_forms import Entered, Said, Tried, version_in
from api.console.pages.stock_forms import movement_said, number_in, place_said
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesParts, OrdersParts, SeesParts
from api.queries.stock import done_to_stock
from api.routes.common import Key
from api.services import Services
from api.stock_schemas import StockQuery
from desk.parts.stock import Moving
from fleet.grants import Sites
from fleet.stock import MovementKind, PlaceKind, serials_in
from storage.records.discrepancies import open_discrepancies
from storage.records.engineers import regions_of
from storage.records.paging import Asked
from storage.records.part_serials import serials_at
from storage.records.stock import all_stock, find_stock, stock_of
from storage.records.stock_movements import MovementFilter, find_movements
from storage.records.stock_places import place_columns, stock_place

_NEWEST = Asked("-id", 20, None, "newest")
_BY_HAND = tuple(each for each in MovementKind if each not in (MovementKind.COUNTED, MovementKind.USED))
_NO_PLACE = dict.fromkeys(("id", "name_en", "name_zh", "region", "lat", "lon", "version"), "")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/stock")
def stock_page(request: Request, pages: Console, sites: SeesParts) -> Response:
    """List what is short, what is where, and what is to be moved."""
    return _list(pages, request, sites)


@router.post("/stock/places")
def add_place(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    said: Said,
) -> Response:
    """Describe a depot or van that nobody has described yet."""

    def change() -> Response:
        return _to(services.parts.stock.place(place_said(said.get("id", ""), said), principal, 0, sites).id)

    return tried(change, lambda status, why: _list(pages, request, sites, Tried(status, why, said)))


@router.get("/stock/places/{place_id}")
def place_page(request: Request, pages: Console, sites: SeesParts, place_id: Key) -> Response:
    """Show a place: what is there, its labels, how pieces came and went."""
    return _one(pages, request, sites, place_id, Tried(saved=asked(request, SavedView).saved))


@router.post("/stock/places/{place_id}")
def change_place(
    request: Request,
    pages: Console,
    services: Services,
    sites: OrdersParts,
    principal: ActingByForm,
    place_id: Key,
    said: Said,
) -> Response:
    """Say what a place is, in place of what was said before."""

    def change() -> Response:
        services.parts.stock.place(place_said(place_id, said), principal, version_in(said), sites)
        return _to(place_id, saved=True)

    return tried(change, lambda status, why: _one(pages, request, sites, place_id, Tried(status, why, said)))


@router.post("/stock/places/{place_id}/movements")
def move(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesParts,
    principal: ActingByForm,
    place_id: Key,
    said: Said,
) -> Response:
    """Receive, move, give back or write off pieces."""
    _seen(services, place_id, sites)

    def change() -> Response:
        done_to_stock(services, movement_said(place_id, said), principal, sites)
        return _to(place_id, saved=True)

    def again(status: int, why: str) -> Response:
        return _one(pages, request, sites, place_id, Tried(status, why, beside=said))

    return tried(change, again, 404)


@router.get("/stock/places/{place_id}/count/{part}")
def count_page(request: Request, pages: Console, sites: ChangesParts, place_id: Key, part: Key) -> Response:
    """Ask how many pieces of a part are at a place: what its label opens."""
    return _count(pages, request, sites, place_id, part, Tried(saved=asked(request, SavedView).saved))


@router.post("/stock/places/{place_id}/count/{part}")
def count(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesParts,
    principal: ActingByForm,
    place_id: Key,
    part: Key,
    said: Said,
) -> Response:
    """Let a counted figure replace what was thought."""
    _seen(services, place_id, sites)

    def change() -> Response:
        serials, why = serials_in(said.get("serials", "")), said.get("why", "")
        counted = Moving(place_id, part, number_in(said, "on_hand"), serials, why)
        services.parts.stock.count(counted, principal, sites, read_serials=bool(serials))
        address = f"/stock/places/{quote(place_id, safe='')}/count/{quote(part, safe='')}"
        return RedirectResponse(f"{address}?saved=1", status_code=303)

    return tried(
        change, lambda status, why: _count(pages, request, sites, place_id, part, Tried(status, why, said))
    )


@router.get("/stock/places/{place_id}/label/{part}")
def label(request: Request, services: Services, sites: SeesParts, place_id: Key, part: Key) -> Response:
    """Draw the label of a part at a place: a QR code that opens the count."""
    asked(request, NoQuery)
    _seen(services, place_id, sites)
    where = f"stock/places/{quote(place_id, safe='')}/count/{quote(part, safe='')}"
    drawn = io.BytesIO()
    segno.make(f"{services.closing.address}{where}", error="m", micro=False).save(
        drawn, kind="svg", border=4, dark="#000", light="#fff", omitsize=True
    )
    return svg(drawn.getvalue().decode())


def _seen(services: Services, place_id: str, sites: Sites) -> None:
    """Raise NotFound for a place that serves none of somebody's sites."""
    with services.desk.transaction() as session:
        stock_place(session, place_id, sites)


def _to(place_id: str, *, saved: bool = False) -> Response:
    address = f"/stock/places/{quote(place_id, safe='')}"
    return RedirectResponse(f"{address}?saved=1" if saved else address, status_code=303)


def _list(pages: Pages, request: Request, sites: Sites, form: Tried = Tried()) -> Response:  # noqa: B008 - frozen
    services = pages.services
    view = asked(request, StockQuery)
    planning = services.parts.planning
    with services.desk.transaction() as session:
        page = find_stock(session, view.place, view.part, view.asked(), sites)
        missing = open_discrepancies(session, sites)
        areas = sorted(regions_of(session, sites))
    values: dict[str, Any] = {
        "query": view,
        "rows": page.rows,
        "next_cursor": page.next_cursor,
        "places": services.parts.stock.places(sites),
        "missing": missing,
        "shortages": planning.shortages(sites),
        "vans": [each for each in planning.van_lists(sites) if each.take or each.give_back],
        "transfers": planning.transfers(sites),
        "catalogue": planning.catalogue(),
        "areas": areas,
        "error": form.error,
        "status": form.status,
        "entered": _NO_PLACE | {"kind": PlaceKind.DEPOT, "active": "yes"} | (form.entered or {}),
        "tried": form.entered is not None,
        "kinds": tuple(PlaceKind),
    }
    return pages.render(request, "stock/stock.html", form.status, **values)


def _one(pages: Pages, request: Request, sites: Sites, place_id: str, form: Tried) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        place = stock_place(session, place_id, sites)
        rows = all_stock(session, sites, place_id)
        serials = serials_at(session, place_id)
        newest = find_movements(session, MovementFilter(place_id), _NEWEST, sites).rows
        missing = open_discrepancies(session, sites, place_id)
        areas = sorted(regions_of(session, sites))
    lists = services.parts.planning.van_lists(sites) if place.kind is PlaceKind.VAN else []
    known = {name: _typed(value) for name, value in place_columns(place).items()}
    values: dict[str, Any] = {
        "place": place,
        "rows": rows,
        "numbers": _by_part(serials),
        "movements": newest,
        "missing": missing,
        "vans": [each for each in lists if each.van == place_id],
        "places": services.parts.stock.places(sites),
        "catalogue": services.parts.planning.catalogue(),
        "areas": areas,
        "error": form.error,
        "status": form.status,
        "saved": form.saved,
        "entered": known | {"version": str(place.version)} | (form.entered or {}),
        "tried": form.entered is not None,
        "moving": form.beside or {},
        "by_hand": _BY_HAND,
        "kinds": tuple(PlaceKind),
    }
    return pages.render(request, "stock/place.html", form.status, **values)


def _count(pages: Pages, request: Request, sites: Sites, place_id: str, part: str, form: Tried) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        place = stock_place(session, place_id, sites)
        there = stock_of(session, place_id, part)
    return pages.render(
        request,
        "stock/count.html",
        form.status,
        place=place,
        part=part,
        thought=there,
        catalogue=services.parts.planning.catalogue(),
        error=form.error,
        status=form.status,
        saved=form.saved,
        entered=form.entered or {},
    )


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _by_part(serials: list[Any]) -> Entered:
    found: dict[str, list[str]] = {}
    for each in serials:
        found.setdefault(each.part, []).append(each.serial)
    return {part: ", ".join(numbers) for part, numbers in found.items()}
