"""The console's page of calls: low scores to look after, and repairs that nobody said anything about."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTickets
from api.routes.common import RowId
from api.services import Services
from fleet.feedback import LONGEST_REMARK, SCORES
from fleet.grants import Sites

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/callbacks")
def callbacks_page(request: Request, pages: Console, sites: ChangesTickets) -> Response:
    """List low scores to look after, and repairs to call about."""
    asked(request, NoQuery)
    return _callbacks(pages, request, sites)


@router.post("/follow-ups/{follow_up_id}/done")
def end_follow_up(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    follow_up_id: RowId,
    said: Annotated[str, Form(max_length=2 * LONGEST_REMARK)] = "",
) -> Response:
    """Note what came of a follow-up."""

    def change() -> Response:
        services.closing.feedback.end_follow_up(follow_up_id, principal, said, sites)
        return RedirectResponse("/callbacks", status_code=303)

    return tried(change, lambda status, why: _callbacks(pages, request, sites, status, why))


@router.post("/tickets/{ticket_id}/not-reached")
def not_reached(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTickets,
    principal: ActingByForm,
    ticket_id: RowId,
) -> Response:
    """Note that nobody was reached by a call."""

    def change() -> Response:
        services.closing.feedback.not_reached(ticket_id, principal, sites)
        return RedirectResponse("/callbacks", status_code=303)

    return tried(change, lambda status, why: _callbacks(pages, request, sites, status, why))


def _callbacks(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    feedback = pages.services.closing.feedback
    values: dict[str, Any] = {"follow_ups": feedback.follow_ups(sites), "calls": feedback.call_list(sites)}
    return pages.render(
        request,
        "desk/callbacks.html",
        status,
        **values,
        error=error,
        status=status,
        scores=SCORES,
        longest=LONGEST_REMARK,
    )
