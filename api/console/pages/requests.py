"""The console's pages of requests: those that wait for their device, and one with all that it came with."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known, ReportsFaults
from api.params import Paged
from api.routes.common import RowId
from api.services import Services
from fleet.errors import InvalidInput
from fleet.faults import FAULTS
from fleet.grants import Sites
from fleet.requests import Request as Reported
from fleet.requests import RequestState
from fleet.signals import Kind
from fleet.symptoms import match
from storage.records.device_names import devices_at_site
from storage.records.devices import place_of
from storage.records.files import files_of_request
from storage.records.requests import find_requests, request_of

_FIELD = Annotated[str, Form(max_length=64)]


class RequestView(Paged):
    """The address of the list; those that wait, unless said otherwise."""

    show: Literal["waiting", "placed", "dismissed", "all"] = "waiting"
    sort: Literal["-id", "id"] = "-id"


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/requests")
def requests_page(
    request: Request, pages: Console, services: Services, _visitor: Known, sites: ReportsFaults
) -> Response:
    """List requests."""
    view = asked(request, RequestView)
    state = None if view.show == "all" else RequestState(view.show)
    with services.desk.transaction() as session:
        page = find_requests(session, state, view.asked(), sites)
    return pages.render(
        request, "desk/requests.html", query=view, requests=page.rows, next_cursor=page.next_cursor
    )


@router.get("/requests/{request_id}")
def request_page(
    request: Request, pages: Console, _visitor: Known, sites: ReportsFaults, request_id: RowId
) -> Response:
    """Show one request."""
    asked(request, NoQuery)
    return _page(pages, request, request_id, sites)


@router.post("/requests/{request_id}/place")
def place(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    request_id: RowId,
    device_id: _FIELD = "",
    fault: _FIELD = "",
) -> Response:
    """Say about which device it is; of one that is placed what is wrong with it."""
    found = _within(pages, request_id, sites)

    def change() -> Response:
        if found.ticket_id is None:
            wanted = device_id.replace("\0", "").strip()
            if not wanted:
                raise InvalidInput("device_id: required")
            done = services.intake.reports.place(request_id, wanted, fault or None, principal, sites)
        elif not fault:
            raise InvalidInput("fault: choose one")
        else:
            done = services.intake.reports.name_fault(request_id, fault, principal, sites)
        return RedirectResponse(f"/tickets/{done.ticket_id}", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, request_id, sites, status, why), 404)


@router.post("/requests/{request_id}/dismiss")
def dismiss(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    request_id: RowId,
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Say that it asks for nothing."""
    _within(pages, request_id, sites)

    def change() -> Response:
        services.intake.reports.dismiss(request_id, principal, why, sites)
        return RedirectResponse(f"/requests/{request_id}", status_code=303)

    return tried(change, lambda status, told: _page(pages, request, request_id, sites, status, told))


def _within(pages: Pages, request_id: int, sites: Sites) -> Reported:
    with pages.services.desk.transaction() as session:
        return request_of(session, request_id, sites)


def _page(
    pages: Pages, request: Request, request_id: int, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        found = request_of(session, request_id, sites)
        files = files_of_request(session, request_id)
        device = found.said.device_id
        place = place_of(session, device) if device else None
        near = devices_at_site(session, found.said.site) if found.said.site and not device else ()
    kind = place.kind if place else None
    return pages.render(
        request,
        "desk/request.html",
        status,
        found.said.site,
        found=found,
        files=files,
        proposed=match(found.said.words, kind),
        doubles=services.intake.reports.doubles(found, sites),
        dossier=services.intake.dossiers.of(device, sites) if device else None,
        choices=[fault for fault in FAULTS.values() if fault.kind is (kind or Kind.ROBOT)],
        near=near,
        error=error,
        status=status,
    )
