"""The catalogue of parts."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.doors import Acting, ManagesService, SeesFleet
from api.etags import IfMatch, IfNoneMatch, etag_of, version_of
from api.queries.service import PartQuery, part_item, part_said
from api.routes.common import Key, Nothing, problems
from api.schemas import ListOf
from api.service_schemas import PartChange, PartItem
from api.services import Services
from storage.records.part_catalogue import find_parts, part_of

router = APIRouter(prefix="/api/v1/parts", tags=["service"])


@router.get("", responses=problems())
def list_parts(
    services: Services, _sites: SeesFleet, query: Annotated[PartQuery, Query()]
) -> ListOf[PartItem]:
    """List the parts that can be ordered, by code."""
    with services.desk.transaction() as session:
        page = find_parts(session, query.asked())
    return ListOf(items=[part_item(each) for each in page.rows], next_cursor=page.next_cursor)


@router.get("/{code}", responses=problems(not_found="There is no such part"))
def show_part(services: Services, _sites: SeesFleet, response: Response, code: Key, _: Nothing) -> PartItem:
    """Show one part; its ETag goes into If-Match to change it."""
    with services.desk.transaction() as session:
        found = part_of(session, code)
    response.headers["ETag"] = etag_of(found.version)
    return part_item(found)


@router.put(
    "/{code}",
    responses=problems(
        body="The body cannot be read", precondition="It was changed since the version in If-Match"
    ),
)
def change_part(
    services: Services,
    _sites: ManagesService,
    principal: Acting,
    response: Response,
    code: Key,
    said: PartChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> PartItem:
    """Say what a part is, in place of what was said before."""
    version = version_of(if_match, if_none_match)
    kept = services.service.part(part_said(code, said), principal, version)
    response.headers["ETag"] = etag_of(kept.version)
    return part_item(kept)
