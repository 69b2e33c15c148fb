"""The console's forms of the desk: what people change about tickets and alerts."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import show_ticket
from api.console.pages.tried import tried
from api.console.render.templates import Console
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.common import RowId
from api.services import Services
from fleet.errors import InvalidInput
from fleet.text import quoted
from fleet.tickets import TicketState
from storage.records.tickets import ticket

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/state")
def change_state(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    state: Annotated[str, Form()] = "",
    why: Annotated[str, Form(max_length=1000)] = "",
    version: Annotated[int | None, Form()] = None,
    confirmed_fault: Annotated[list[str], Form(max_length=32)] = [],  # noqa: B006 - FastAPI copies it
    deferred_fault: Annotated[list[str], Form(max_length=32)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Move a ticket on; what is refused comes back in the form with the reason."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)
    confirmed, deferred = (_chosen(codes) for codes in (confirmed_fault, deferred_fault))
    entered: dict[str, Any] = {"state": state, "why": why, "confirmed": confirmed, "deferred": deferred}

    def change() -> Response:
        # What was chosen for another state before this one was, is not meant.
        is_said = state in (TicketState.REPAIRED, TicketState.CONFIRMED)
        services.tickets.change_state(
            ticket_id,
            _state(state),
            principal,
            why,
            version=version,
            confirmed=confirmed or None if is_said else None,
            deferred=deferred if is_said and (confirmed or deferred) else None,
        )
        return _back(f"/tickets/{ticket_id}")

    return tried(
        change,
        lambda status, told: show_ticket(
            pages, request, visitor, ticket_id, sites, status, error=told, **entered
        ),
    )


@router.post("/tickets/{ticket_id}/keep-open")
def keep_open(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Object to the end of a ticket that cleared itself."""
    with services.desk.transaction() as session:
        ticket(session, ticket_id, sites)

    def change() -> Response:
        services.tickets.keep_open(ticket_id, principal, why)
        return _back(f"/tickets/{ticket_id}")

    return tried(
        change,
        lambda status, told: show_ticket(
            pages, request, visitor, ticket_id, sites, status, error=told, why=why
        ),
    )


def _chosen(codes: list[str]) -> list[str]:
    return list(dict.fromkeys(code for code in codes if code))


def _state(text: str) -> TicketState:
    try:
        return TicketState(text)
    except ValueError:
        raise InvalidInput(f"state: {quoted(text)} is none; allowed: {', '.join(TicketState)}") from None


def _back(path: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again."""
    return RedirectResponse(path, status_code=303)
