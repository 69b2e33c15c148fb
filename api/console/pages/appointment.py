"""The customer's page of an appointment, behind a link."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.console.pages.by_link import LinkPage
from api.console.pages.case_work import chosen
from api.console.render.templates import Console
from api.services import ApiServices, Services
from desk.dispatch.appointments import Arranged
from fleet.assignments import LONGEST_REMARK, AppointmentState, Rather
from fleet.faults import FAULTS

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def _opened(services: ApiServices, key: str) -> Arranged:
    with services.desk.transaction() as session:
        return services.dispatch.appointments.open(session, key)


def _values(opened: Arranged, entered: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fault": FAULTS.get(opened.ticket.fault),
        "wishes": tuple(Rather),
        "remark": entered.get("remark", ""),
        "longest": LONGEST_REMARK,
    }


_PAGE = LinkPage("a", "appointment", _opened, _values)


@router.get("/a/{secret}")
def appointment_page(request: Request, pages: Console, secret: str) -> Response:
    """Show when somebody comes."""
    return _PAGE.look(pages, request, secret)


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
    """Keep what the holder of the link says."""

    def keep(key: str) -> None:
        wishes = [chosen(Rather, each) for each in rather or []]
        services.dispatch.appointments.answer(key, chosen(AppointmentState, answer), wishes, remark)

    return _PAGE.answer(pages, request, secret, keep, {"remark": remark})
