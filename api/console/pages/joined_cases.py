"""The console's forms of cases that belong together: linked, taken apart, merged, split."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.console.pages.case_work import Number, Why, changing, chosen, number
from api.console.render.templates import Console
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.cases import within
from api.routes.common import RowId
from api.services import Services
from fleet.tickets import TicketLink

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/link")
def link(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    other: Number = "",
    kind: Annotated[str, Form(max_length=16)] = TicketLink.RELATED,
) -> Response:
    """Say that two cases belong together."""

    def change() -> None:
        within(services, number(other, "other"), sites)
        services.work.joining.link(ticket_id, number(other, "other"), chosen(TicketLink, kind), principal)

    return changing(pages, request, visitor, ticket_id, sites)(change)


@router.post("/tickets/{ticket_id}/unlink")
def unlink(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    other: Number = "",
) -> Response:
    """Say that two cases do not belong together after all."""

    def change() -> None:
        within(services, number(other, "other"), sites)
        services.work.joining.unlink(ticket_id, number(other, "other"), principal)

    return changing(pages, request, visitor, ticket_id, sites)(change)


@router.post("/tickets/{ticket_id}/merge")
def merge(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    into: Number = "",
    why: Why = "",
) -> Response:
    """Let another case take over what this one holds."""

    def change() -> None:
        within(services, number(into, "into"), sites)
        services.work.joining.merge(ticket_id, number(into, "into"), principal, why)

    return changing(pages, request, visitor, ticket_id, sites)(change)


@router.post("/tickets/{ticket_id}/split")
def split(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    fault: Annotated[list[str], Form(max_length=32)] = [],  # noqa: B006 - FastAPI copies it
    device: Annotated[str, Form(max_length=64)] = "",
    why: Why = "",
) -> Response:
    """Take what people reported of another robot out of a case."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(lambda: services.work.joining.split(ticket_id, fault, device, principal, why))
