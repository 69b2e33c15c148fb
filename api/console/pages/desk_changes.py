"""The console's forms of the desk: what people change about tickets and alerts."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import WHO_COOKIE, show_ticket
from api.console.render.templates import Pages
from api.params import PersonName
from api.problems import status_of
from api.routes.common import RowId
from fleet.errors import InvalidInput, SweepwatchError
from fleet.principals import person
from fleet.text import quoted
from fleet.tickets import TicketState

_YEAR_S = 365 * 86_400


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the desk's forms."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    @router.post("/tickets/{ticket_id}/state")
    def change_state(
        request: Request,
        ticket_id: RowId,
        state: Annotated[str, Form()] = "",
        why: Annotated[str, Form(max_length=1000)] = "",
        who: Annotated[PersonName, Form()] = "",
        version: Annotated[int | None, Form()] = None,
        confirmed_fault: Annotated[list[str], Form(max_length=32)] = [],  # noqa: B006 - FastAPI copies it
    ) -> Response:
        """Move a ticket on; what is refused comes back in the form with the reason."""
        confirmed = list(dict.fromkeys(code for code in confirmed_fault if code))
        try:
            # What was chosen for another state before this one was, is not meant.
            said = confirmed if state in (TicketState.REPAIRED, TicketState.CONFIRMED) else None
            services.tickets.change_state(
                ticket_id, _state(state), person(who), why, version=version, confirmed=said or None
            )
        except SweepwatchError as error:
            if status_of(error) not in (409, 422):
                raise
            entered = {"state": state, "why": why, "who": who, "confirmed": confirmed}
            return show_ticket(pages, request, ticket_id, status_of(error), error=str(error), **entered)
        return _back(f"/tickets/{ticket_id}", who)

    @router.post("/tickets/{ticket_id}/keep-open")
    def keep_open(
        request: Request,
        ticket_id: RowId,
        why: Annotated[str, Form(max_length=1000)] = "",
        who: Annotated[PersonName, Form()] = "",
    ) -> Response:
        """Object to the end of a ticket that cleared itself."""
        try:
            services.tickets.keep_open(ticket_id, person(who), why)
        except SweepwatchError as error:
            if status_of(error) not in (409, 422):
                raise
            return show_ticket(
                pages, request, ticket_id, status_of(error), error=str(error), why=why, who=who
            )
        return _back(f"/tickets/{ticket_id}", who)

    @router.post("/alerts/{alert_id}/{action}")
    def change_alert(
        request: Request,
        alert_id: RowId,
        action: Literal["acknowledge", "resolve"],
        why: Annotated[str, Form(max_length=1000)] = "",
        who: Annotated[PersonName, Form()] = "",
    ) -> Response:
        """Acknowledge or end an alert."""
        change = services.alerts.acknowledge if action == "acknowledge" else services.alerts.resolve
        try:
            change(str(alert_id), person(who), why)
        except SweepwatchError as error:
            return pages.error(request, status_of(error), str(error))
        return _back("/alerts", who)

    return router


def _state(text: str) -> TicketState:
    try:
        return TicketState(text)
    except ValueError:
        raise InvalidInput(f"state: {quoted(text)} is none; allowed: {', '.join(TicketState)}") from None


def _back(path: str, who: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again; remember who it was."""
    response = RedirectResponse(path, status_code=303)
    response.set_cookie(WHO_COOKIE, quote(who.strip()), max_age=_YEAR_S, samesite="strict", httponly=True)
    return response
