"""An engineer's own day, for a phone: visits in their order, what to bring, and buttons that move them on."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import chosen
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.dispatch_schemas import DayQuery
from api.doors import ActingByForm, ChangesTickets, Known
from api.queries.my_day import my_day
from api.routes.common import RowId
from api.services import Services
from fleet.faults import FAULTS
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.tickets import TicketState
from storage.records.tickets import ticket

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/my-day")
def page(request: Request, pages: Console, visitor: Known, sites: ChangesTickets) -> Response:
    """Show the day of whoever asks."""
    return _page(pages, request, visitor.principal, sites)


@router.post("/my-day/{ticket_id}")
def move_on(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    state: Annotated[str, Form(max_length=32)] = "",
    version: Annotated[int | None, Form()] = None,
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Accept, set out, arrive: as the form of the case does."""
    _seen(services, ticket_id, sites)

    def change() -> Response:
        services.tickets.change_state(ticket_id, chosen(TicketState, state), principal, why, version=version)
        return RedirectResponse(f"/my-day#visit-{ticket_id}", status_code=303)

    return tried(change, _refused(pages, request, principal, sites, ticket_id))


@router.post("/my-day/{ticket_id}/on-the-spot")
def take_over(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    other: Annotated[int, Form(ge=0, lt=2**63)] = 0,
    device: Annotated[str, Form(max_length=64)] = "",
    plan: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Do what else is there in the same visit."""
    _seen(services, ticket_id, sites)

    def change() -> Response:
        made = services.on_the_spot.take(
            ticket_id, principal, sites, other=other, device_id=device, plan=plan
        )
        return RedirectResponse(f"/my-day#visit-{made.ticket_id}", status_code=303)

    return tried(change, _refused(pages, request, principal, sites, ticket_id))


def _refused(
    pages: Pages, request: Request, principal: Principal, sites: Sites, ticket_id: int
) -> Callable[[int, str], Response]:
    """Return what shows the day again, with why something was refused at a visit."""
    return lambda status, told: _page(pages, request, principal, sites, status, error=told, at=ticket_id)


def _seen(services: Services, ticket_id: int, sites: Sites) -> None:
    """Raise NotFound for a case at a site of others."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)


def _page(
    pages: Pages, request: Request, principal: Principal, sites: Sites, status: int = 200, **more: Any
) -> Response:
    services = pages.services
    found = my_day(services, principal, sites, asked(request, DayQuery).day)
    values: dict[str, Any] = {"error": None, "at": 0, "status": status} | more
    return pages.render(
        request,
        "desk/my_day.html",
        status,
        found=found,
        faults=FAULTS,
        catalogue=services.parts.planning.catalogue(),
        plans={plan.id: plan.text for plan in services.work.maintenance.asked.plans},
        **values,
    )
