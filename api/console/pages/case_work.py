"""The console's forms about cases beside moving them on: comments, owners, checklists, causes, bulk."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from access.doors import Visitor
from api.case_schemas import BulkAsked
from api.console.pages.desk import list_tickets, show_ticket
from api.console.pages.tried import tried
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.cases import change_each, within
from api.routes.common import RowId
from api.services import Services
from desk.tickets.conversation import LONGEST_COMMENT, Audience
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.sla import Milestone
from fleet.text import quoted

Why = Annotated[str, Form(max_length=1000)]
Number = Annotated[str, Form(max_length=18)]
E = TypeVar("E", bound=StrEnum)
_MOST_ITEMS = 100


def changing(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    ticket_id: int,
    sites: Sites,
    section: str = "work",
    **entered: Any,
) -> Callable[[Callable[[], object]], Response]:
    """Return what runs a change of a case and answers with its page; what is refused stands on that.

    It stands in a `section` of the page, whose form is filled with what was `entered`.
    """
    place = "" if section == "work" else f"#{section}"

    def run(change: Callable[[], object]) -> Response:
        def changed() -> Response:
            change()
            return RedirectResponse(f"/tickets/{ticket_id}{place}", status_code=303)

        return tried(
            changed,
            lambda status, told: show_ticket(
                pages, request, visitor, ticket_id, sites, status, **{f"{section}_error": told} | entered
            ),
            404,
        )

    within(pages.services, ticket_id, sites)
    return run


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/comment")
def comment(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    text: Annotated[str, Form(max_length=LONGEST_COMMENT)] = "",
    audience: Annotated[str, Form(max_length=16)] = Audience.INTERNAL,
) -> Response:
    """Say something about a case."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(
        lambda: services.work.conversation.comment(ticket_id, text, chosen(Audience, audience), principal)
    )


@router.post("/tickets/{ticket_id}/owner")
def hand_over(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    person: Number = "",
    why: Why = "",
) -> Response:
    """Let somebody answer for a case."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(
        lambda: services.work.conversation.hand_over(ticket_id, number(person, "person"), principal, why)
    )


@router.post("/tickets/{ticket_id}/checklist")
def tick(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    done: Annotated[list[str], Form(max_length=_MOST_ITEMS)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Leave the items of a case's checklist as they are ticked."""

    def change() -> None:
        case = services.tickets.read(ticket_id)
        for item, left in services.work.procedure.checklist(case):
            if (item.id in done) != bool(left and left.done):
                services.work.procedure.tick(ticket_id, item.id, principal, done=item.id in done)

    return changing(pages, request, visitor, ticket_id, sites)(change)


@router.post("/tickets/{ticket_id}/late")
def explain(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    milestone: Annotated[str, Form(max_length=16)] = "",
    cause: Annotated[str, Form(max_length=64)] = "",
    note: Why = "",
) -> Response:
    """Say why a milestone was late."""
    run = changing(pages, request, visitor, ticket_id, sites)
    return run(
        lambda: services.work.procedure.explain(
            ticket_id, chosen(Milestone, milestone), cause, principal, note
        )
    )


@router.post("/tickets")
def change_many(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    id: Annotated[list[int], Form(max_length=200)] = [],  # noqa: A002, B006 - as the API has it
    state: Annotated[str, Form(max_length=16)] = "",
    why: Why = "",
) -> Response:
    """Move many cases on, each by itself; the list says what was refused."""
    try:
        asked = BulkAsked.model_validate({"ids": id, "state": state, "reason": why})
    except ValidationError:
        told = "ids, state: choose at least one ticket, and the state that they go to"
        return list_tickets(pages, request, visitor, sites, 422, error=told)
    outcomes = change_each(services, sites, principal, asked)
    return list_tickets(pages, request, visitor, sites, outcomes=outcomes)


def chosen(kind: type[E], text: str) -> E:
    """Return what somebody chose of a list. Raises InvalidInput for what is not of it."""
    try:
        return kind(text)
    except ValueError:
        raise InvalidInput(f"{quoted(text)} is none; allowed: {', '.join(kind)}") from None


def number(text: str, name: str) -> int:
    """Return the number that somebody typed. Raises InvalidInput."""
    if not text.strip().removeprefix("#").isdecimal():
        raise InvalidInput(f"{name}: {quoted(text)} is no number")
    return int(text.strip().removeprefix("#"))
