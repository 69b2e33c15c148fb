"""The console's page of maintenance: what is due, by date and site; left out, or done with a repair."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import Why, changing
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known, SeesFleet
from api.queries.upkeep import maintenance_due
from api.routes.common import DeviceId, RowId
from api.services import Services
from api.upkeep_schemas import MaintenanceQuery
from fleet.grants import Sites
from storage.records.device_lists import device_of
from storage.records.sites import sites_within

PlanId = Annotated[str, Form(max_length=64)]


class MaintenanceView(MaintenanceQuery):
    """The page's address; `skipped` after somebody left something out."""

    skipped: bool = False


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/maintenance")
def maintenance_page(request: Request, pages: Console, sites: SeesFleet) -> Response:
    """List what is due, what is overdue first."""
    return _list(pages, request, sites)


@router.post("/devices/{device_id}/maintenance/skip")
def skip(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    device_id: DeviceId,
    plan: PlanId = "",
    why: Why = "",
) -> Response:
    """Leave maintenance out this time."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)

    def change() -> Response:
        services.work.maintenance.skip(device_id, plan, principal, why)
        return RedirectResponse("/maintenance?skipped=true", status_code=303)

    return tried(change, lambda status, told: _list(pages, request, sites, status, told))


@router.post("/tickets/{ticket_id}/maintenance")
def done_with(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    plan: PlanId = "",
) -> Response:
    """Note that the visit of a repair did maintenance too."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(lambda: services.work.maintenance.done_with(ticket_id, plan, principal))


def _list(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    services = pages.services
    view = asked(request, MaintenanceView)
    page = maintenance_due(services, view, sites)
    with services.desk.transaction() as session:
        places = [each.id for each in sites_within(session, sites)]
    return pages.render(
        request,
        "desk/maintenance.html",
        status,
        status=status,
        error=error,
        query=view,
        dues=page.rows,
        next_cursor=page.next_cursor,
        plans=services.work.maintenance.asked.plans,
        places=places,
    )
