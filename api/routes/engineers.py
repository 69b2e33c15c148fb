"""Engineers, what falls due for them, and the regions that they answer for."""

from fastapi import APIRouter, Response

from access.doors import Visitor
from api.doors import Acting, Known, ManagesService, SeesFleet, SeesService
from api.etags import IfMatch, IfNoneMatch, etag_of, version_of
from api.queries.service import due_item, engineer_item, engineer_said, region_item, region_said
from api.routes.common import Key, Nothing, problems
from api.routes.customers import sees_service
from api.schemas import ListOf
from api.service_schemas import DueItem, EngineerChange, EngineerItem, RegionChange, RegionItem
from api.services import ApiServices, Services
from fleet.engineers import Engineer
from storage.records.engineers import engineer_of, engineers, region_of, regions

router = APIRouter(prefix="/api/v1/engineers", tags=["service"])
due = APIRouter(prefix="/api/v1/falls-due", tags=["service"])
regional = APIRouter(prefix="/api/v1/regions", tags=["service"])
_CHANGE = problems(
    body="The body cannot be read", precondition="It was changed since the version in If-Match"
)


@router.get("", responses=problems())
def list_engineers(services: Services, visitor: Known, sites: SeesFleet, _: Nothing) -> ListOf[EngineerItem]:
    """List the engineers of your sites' regions, by id."""
    with services.desk.transaction() as session:
        found = engineers(session, sites)
    return ListOf(items=[_item(services, visitor, each) for each in found])


@due.get("", responses=problems())
def list_due(services: Services, sites: SeesService, _: Nothing) -> ListOf[DueItem]:
    """List what falls due: certificates within 60 days, missing ones, and training of this year."""
    return ListOf(items=[due_item(each) for each in services.service.dues(sites)])


@router.get("/{engineer_id}", responses=problems(not_found="There is no such engineer"))
def show_engineer(
    services: Services, visitor: Known, sites: SeesFleet, response: Response, engineer_id: Key, _: Nothing
) -> EngineerItem:
    """Show one engineer; the ETag goes into If-Match to change them."""
    with services.desk.transaction() as session:
        found = engineer_of(session, engineer_id, sites)
    response.headers["ETag"] = etag_of(found.version)
    return _item(services, visitor, found)


@router.put("/{engineer_id}", responses=_CHANGE)
def change_engineer(
    services: Services,
    visitor: Known,
    _sites: ManagesService,
    principal: Acting,
    response: Response,
    engineer_id: Key,
    said: EngineerChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> EngineerItem:
    """Say who an engineer is and what they are able to do, in place of what was said before."""
    version = version_of(if_match, if_none_match)
    kept = services.service.engineer(engineer_said(engineer_id, said), principal, version)
    response.headers["ETag"] = etag_of(kept.version)
    return _item(services, visitor, kept)


@regional.get("", responses=problems())
def list_regions(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[RegionItem]:
    """List the regions of your sites, by id."""
    with services.desk.transaction() as session:
        return ListOf(items=[region_item(each) for each in regions(session, sites)])


@regional.get("/{region_id}", responses=problems(not_found="There is no such region"))
def show_region(
    services: Services, sites: SeesFleet, response: Response, region_id: Key, _: Nothing
) -> RegionItem:
    """Show who leads a region, and who answers for it."""
    with services.desk.transaction() as session:
        found = region_of(session, region_id, sites)
    response.headers["ETag"] = etag_of(found.version)
    return region_item(found)


@regional.put("/{region_id}", responses=_CHANGE)
def change_region(
    services: Services,
    _sites: ManagesService,
    principal: Acting,
    response: Response,
    region_id: Key,
    said: RegionChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> RegionItem:
    """Say who leads a region, and who answers for it, in place of what was said before."""
    version = version_of(if_match, if_none_match)
    kept = services.service.region(region_said(region_id, said), principal, version)
    response.headers["ETag"] = etag_of(kept.version)
    return region_item(kept)


def _item(services: ApiServices, visitor: Visitor, engineer: Engineer) -> EngineerItem:
    book = services.service
    dues = book.dues_of(engineer)
    return engineer_item(engineer, dues, book.demands, book.today(), sees=sees_service(visitor))
