"""The console's pages of inspections: which are to be done, one with its form, how engineers stand."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.doors import Visitor
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known, SeesFleet
from api.queries.upkeep import inspections, scores
from api.routes.common import RowId
from api.services import Services
from api.upkeep_schemas import InspectionQuery
from desk.inspections.desk import LONGEST_REMARK, may_do
from fleet.grants import Sites
from fleet.service import InspectionLevel
from storage.records.inspections import inspection

_MOST_ITEMS = 50


class InspectionsView(InspectionQuery):
    """The page's address: what is to be done, unless another is asked for."""

    open: bool | None = True


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/inspections")
def inspections_page(request: Request, pages: Console, services: Services, sites: SeesFleet) -> Response:
    """List the inspections, what is due first first, and how each engineer's work was judged."""
    view = asked(request, InspectionsView)
    page = inspections(services, view, sites)
    return pages.render(
        request,
        "desk/inspections.html",
        200,
        query=view,
        found=page.rows,
        next_cursor=page.next_cursor,
        levels=tuple(InspectionLevel),
        scores=scores(services, None, None, sites),
    )


@router.get("/inspections/{inspection_id}")
def inspection_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, inspection_id: RowId
) -> Response:
    """Show one inspection, and its form."""
    asked(request, SavedView)
    return _one(pages, request, visitor, sites, inspection_id)


@router.post("/inspections/{inspection_id}")
def do(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    inspection_id: RowId,
    ok: Annotated[list[str], Form(max_length=_MOST_ITEMS)] = [],  # noqa: B006 - FastAPI copies it
    remark: Annotated[str, Form(max_length=LONGEST_REMARK)] = "",
) -> Response:
    """Keep what was found."""

    def change() -> Response:
        services.work.inspections.do(inspection_id, ok, remark, principal, sites)
        return RedirectResponse(f"/inspections/{inspection_id}?saved=1", status_code=303)

    return tried(
        change,
        lambda status, told: _one(pages, request, visitor, sites, inspection_id, status, told, ok, remark),
        403,
    )


def _one(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    number: int,
    status: int = 200,
    error: str | None = None,
    ok: list[str] | None = None,
    remark: str = "",
) -> Response:
    with pages.services.desk.transaction() as session:
        found = inspection(session, number, sites)
    items = pages.services.work.inspections.items(found)
    return pages.render(
        request,
        "desk/inspection.html",
        status,
        found.site,
        status=status,
        error=error,
        found=found,
        items=items,
        ticked=ok or [],
        remark=remark,
        may_do=may_do(found, visitor.principal),
    )
