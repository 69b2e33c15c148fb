"""Depots and vans."""

from fastapi import APIRouter, Response

from api.doors import Acting, OrdersParts, SeesParts
from api.etags import IfMatch, IfNoneMatch, etag_of, version_of
from api.queries.stock import place_item, place_said
from api.routes.common import Key, Nothing, problems
from api.schemas import ListOf
from api.services import Services
from api.stock_schemas import PlaceChange, PlaceItem
from storage.records.stock_places import stock_place

router = APIRouter(prefix="/api/v1/places", tags=["parts"])


@router.get("", responses=problems())
def list_places(services: Services, sites: SeesParts, _: Nothing) -> ListOf[PlaceItem]:
    """List the depots and vans of your sites' regions, by id."""
    return ListOf(items=[place_item(each) for each in services.parts.stock.places(sites)])


@router.get("/{place_id}", responses=problems(not_found="There is no such place"))
def show_place(
    services: Services, sites: SeesParts, response: Response, place_id: Key, _: Nothing
) -> PlaceItem:
    """Show one place; its ETag goes into If-Match to change it."""
    with services.desk.transaction() as session:
        found = stock_place(session, place_id, sites)
    response.headers["ETag"] = etag_of(found.version)
    return place_item(found)


@router.put(
    "/{place_id}",
    responses=problems(
        body="The body cannot be read",
        not_found="It serves none of your sites",
        precondition="It was changed since the version in If-Match",
    ),
)
def change_place(
    services: Services,
    sites: OrdersParts,
    principal: Acting,
    response: Response,
    place_id: Key,
    said: PlaceChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> PlaceItem:
    """Say what a place is, in place of what was said before."""
    version = version_of(if_match, if_none_match)
    kept = services.parts.stock.place(place_said(place_id, said), principal, version, sites)
    response.headers["ETag"] = etag_of(kept.version)
    return place_item(kept)
