"""The console's forms of feedback on a case's page: a link for the customer, and what staff was told."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.desk import show_ticket
from api.console.pages.feedback_link import EnteredFeedback
from api.console.pages.second_factor import qr_code
from api.console.pages.tried import tried
from api.console.render.templates import Console
from api.doors import ActingByForm, ChangesTickets, Known
from api.routes.cases import within
from api.routes.common import RowId, said_of
from api.services import Services
from fleet.errors import InvalidInput
from fleet.feedback import FeedbackSource
from fleet.text import quoted

_FORM_SOURCES = (FeedbackSource.CALL, FeedbackSource.STAFF)


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/tickets/{ticket_id}/feedback")
def record(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
    entered: EnteredFeedback,
    source: Annotated[str, Form(max_length=16)] = FeedbackSource.STAFF,
) -> Response:
    """Record what staff was told of a repair."""
    within(services, ticket_id, sites)

    def change() -> Response:
        said = said_of(entered.score, entered.solved, entered.remark)
        services.closing.feedback.record(ticket_id, said, _source(source), principal, sites)
        called = source == FeedbackSource.CALL
        return RedirectResponse("/callbacks" if called else f"/tickets/{ticket_id}", status_code=303)

    return tried(
        change,
        lambda status, why: show_ticket(
            pages, request, visitor, ticket_id, sites, status, closing_error=why, feedback=entered
        ),
    )


@router.post("/tickets/{ticket_id}/feedback-link")
def new_link(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
) -> Response:
    """Make a link by which the customer judges a repair; it is shown this once."""
    within(services, ticket_id, sites)

    def change() -> Response:
        link = (
            f"{services.closing.address}f/{services.closing.feedback.new_link(ticket_id, principal, sites)}"
        )
        return pages.render(
            request, "desk/feedback_link.html", ticket_id=ticket_id, link=link, drawn=qr_code(link)
        )

    return tried(
        change,
        lambda status, why: show_ticket(pages, request, visitor, ticket_id, sites, status, closing_error=why),
    )


def _source(text: str) -> FeedbackSource:
    if text not in _FORM_SOURCES:
        raise InvalidInput(f"source: {quoted(text)} is none; allowed: {', '.join(_FORM_SOURCES)}")
    return FeedbackSource(text)
