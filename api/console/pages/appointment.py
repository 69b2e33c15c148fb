"""The customer's page of an appointment, behind a link: to look records nothing."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.case_work import chosen
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import address_of
from api.services import Services
from fleet.assignments import LONGEST_REMARK, AppointmentState, Rather
from fleet.errors import NotFound
from fleet.faults import FAULTS

_LONGEST = 64
"""No secret of ours is longer."""

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/a/{secret}")
def appointment_page(request: Request, pages: Console, services: Services, secret: str) -> Response:
    """Show when somebody comes. To look records nothing: mail programs look at links too."""
    services.rates.sign_in(address_of(request))
    return _page(pages, request, secret[:_LONGEST], saved=asked(request, SavedView).saved)


@router.post("/a/{secret}")
def say(
    request: Request,
    pages: Console,
    services: Services,
    secret: str,
    answer: Annotated[str, Form(max_length=16)] = "",
    rather: Annotated[list[str] | None, Form(max_length=len(Rather))] = None,
    remark: Annotated[str, Form(max_length=2 * LONGEST_REMARK)] = "",
) -> Response:
    """Keep what the holder of the link says; the secret is the right to."""
    services.rates.sign_in(address_of(request))
    key = secret[:_LONGEST]

    def change() -> Response:
        appointments = services.dispatch.appointments
        with services.desk.transaction() as session:
            appointments.open(session, key)  # what opens nothing is told first
        wishes = [chosen(Rather, each) for each in rather or []]
        appointments.answer(key, chosen(AppointmentState, answer), wishes, remark)
        return RedirectResponse(f"/a/{key}?saved=1", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, key, status, why, remark), 404)


def _page(
    pages: Pages,
    request: Request,
    secret: str,
    status: int = 200,
    error: str | None = None,
    remark: str = "",
    *,
    saved: bool = False,
) -> Response:
    services = pages.services
    try:
        with services.desk.transaction() as session:
            opened = services.dispatch.appointments.open(session, secret)
    except NotFound as why:
        return pages.render(request, "desk/appointment_closed.html", 404, error=str(why))
    return pages.render(
        request,
        "desk/appointment_open.html",
        status,
        opened.ticket.site,
        opened=opened,
        fault=FAULTS.get(opened.ticket.fault),
        secret=secret,
        wishes=tuple(Rather),
        remark=remark,
        longest=LONGEST_REMARK,
        error=error,
        saved=saved,
    )
