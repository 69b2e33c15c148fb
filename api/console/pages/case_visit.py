"""Who goes to a case: suggestions, assignment and appointment on pages of their case."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import changing, chosen
from api.console.pages.desk import show_ticket
from api.console.pages.second_factor import qr_code
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesDispatch, ChangesTickets, Known
from api.routes.common import RowId
from api.routes.dispatch import appointment_link, assigned
from api.services import ApiServices, Services
from desk.dispatch.assigning import Sent
from fleet.assignments import LONGEST_REMARK, AppointmentState, Rather
from fleet.clock import MINUTE_MS
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.localtime import moment_of
from storage.records.engineers import engineers
from storage.records.tickets import ticket

_LONGEST = 200
"""As long a reason is kept with an assignment."""
_Reason = Annotated[str, Form(max_length=2 * _LONGEST)]
_Remark = Annotated[str, Form(max_length=2 * LONGEST_REMARK)]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/tickets/{ticket_id}/dispatch")
def suggestions(
    request: Request, pages: Console, services: Services, sites: ChangesDispatch, ticket_id: RowId
) -> Response:
    """Show who could go to a case, the best first, each with a button."""
    asked(request, NoQuery)
    return _suggestions(pages, request, ticket_id, sites)


@router.post("/tickets/{ticket_id}/dispatch")
def assign(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesDispatch,
    principal: ActingByForm,
    ticket_id: RowId,
    engineer: Annotated[str, Form(max_length=64)] = "",
    arrives: Annotated[str, Form(max_length=32)] = "",
    travel_min: Annotated[int, Form(ge=0, le=24 * 60)] = 0,
    helper: Annotated[str, Form(max_length=64)] = "",
    held: Annotated[str, Form(max_length=8)] = "",
    tell: Annotated[str, Form(max_length=8)] = "",
    why: _Reason = "",
) -> Response:
    """Let an engineer go to a case."""
    entered = {"engineer": engineer, "arrives": arrives, "travel_min": travel_min, "helper": helper}
    entered |= {"held": held, "tell": tell, "why": why}

    def change() -> Response:
        sent = Sent(
            engineer=engineer.strip(),
            arrives=_moment(services, ticket_id, sites, arrives),
            travel_ms=travel_min * MINUTE_MS,
            helpers=(helper.strip(),) if helper.strip() else (),
            held=bool(held),
            reason=why,
        )
        assigned(services, ticket_id, sent, principal, sites, tell=bool(tell))
        return RedirectResponse(f"/tickets/{ticket_id}#visit", status_code=303)

    return tried(
        change,
        lambda status, error: _suggestions(pages, request, ticket_id, sites, status, error, entered),
        404,
    )


@router.post("/tickets/{ticket_id}/dispatch/release")
def release(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesDispatch,
    principal: ActingByForm,
    ticket_id: RowId,
    why: _Reason = "",
) -> Response:
    """Let nobody go to a case for now."""
    run = changing(pages, request, visitor, ticket_id, sites, "visit", release_why=why)
    return run(lambda: services.dispatch.release(ticket_id, principal, why, sites))


@router.post("/tickets/{ticket_id}/appointment")
def tell_appointment(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
) -> Response:
    """Tell the customer of the window in which somebody comes."""
    run = changing(pages, request, visitor, ticket_id, sites, "visit")
    return run(lambda: services.dispatch.appointments.tell(ticket_id, principal, sites))


@router.post("/tickets/{ticket_id}/appointment-link")
def make_link(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
) -> Response:
    """Show a link to the appointment, this once."""

    def change() -> Response:
        link = appointment_link(services, ticket_id, sites).link or ""
        return pages.render(
            request, "desk/appointment_link.html", ticket_id=ticket_id, link=link, drawn=qr_code(link)
        )

    return tried(
        change,
        lambda status, error: show_ticket(
            pages, request, visitor, ticket_id, sites, status, visit_error=error
        ),
    )


@router.post("/tickets/{ticket_id}/appointment/answer")
def record_answer(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    answer: Annotated[str, Form(max_length=16)] = "",
    rather: Annotated[list[str] | None, Form(max_length=len(Rather))] = None,
    remark: _Remark = "",
) -> Response:
    """Keep what staff was told of the window."""

    def change() -> None:
        wishes = [chosen(Rather, each) for each in rather or []]
        state = chosen(AppointmentState, answer)
        services.dispatch.appointments.record(ticket_id, state, principal, wishes, remark, sites)

    return changing(pages, request, visitor, ticket_id, sites, "visit", appointment_remark=remark)(change)


def _suggestions(
    pages: Pages,
    request: Request,
    ticket_id: int,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
    entered: dict[str, Any] | None = None,
) -> Response:
    services = pages.services
    found = services.dispatch.suggest(ticket_id, sites)
    with services.desk.transaction() as session:
        case = ticket(session, ticket_id, sites)
        names = {each.id: each.name for each in engineers(session, sites)}
    zone = services.zones.of(case.site)
    return pages.render(
        request,
        "desk/suggestions.html",
        status,
        case.site,
        ticket=case,
        found=found,
        names=names,
        wall={
            each.engineer: datetime.fromtimestamp(each.arrives / 1000, zone).strftime("%Y-%m-%dT%H:%M")
            for each in found.candidates
            if each.arrives is not None
        },
        status=status,
        error=error,
        entered=entered or {},
        longest=_LONGEST,
    )


def _moment(services: ApiServices, ticket_id: int, sites: Sites, text: str) -> int:
    """Return the time of a form, by the clock of the case's site. Raises InvalidInput."""
    with services.desk.transaction() as session:
        site = ticket(session, ticket_id, sites).site
    try:
        return moment_of(text, services.zones.of(site))
    except ValueError as error:
        raise InvalidInput("arrives: give a date and a time, such as 2026-12-01 14:30") from error
