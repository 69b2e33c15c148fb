"""The page of a feedback link: what was repaired, and how it was. Whoever has the link may say so."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import address_of
from api.routes.common import NO_SCORE, said_of
from api.services import Services
from fleet.errors import NotFound
from fleet.feedback import CORRECT_WITHIN_MS, LONGEST_REMARK, SCORES

_LONGEST = 64
"""No secret of ours is longer."""


@dataclass(frozen=True)
class Entered:
    """What a form says of a repair, as it was typed."""

    score: int = NO_SCORE
    solved: str = ""
    remark: str = ""


def entered_feedback(
    score: Annotated[int, Form()] = NO_SCORE,
    solved: Annotated[str, Form(max_length=8)] = "",
    remark: Annotated[str, Form(max_length=2 * LONGEST_REMARK)] = "",
) -> Entered:
    """Return what a form says of a repair."""
    return Entered(score, solved, remark)


EnteredFeedback = Annotated[Entered, Depends(entered_feedback)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/f/{secret}")
def feedback_page(request: Request, pages: Console, services: Services, secret: str) -> Response:
    """Show what a repair can be judged by. To look records nothing: mail programs look at links too."""
    services.rates.sign_in(address_of(request))
    return _page(pages, request, secret[:_LONGEST], saved=asked(request, SavedView).saved)


@router.post("/f/{secret}")
def say(
    request: Request, pages: Console, services: Services, secret: str, entered: EnteredFeedback
) -> Response:
    """Record what the holder of the link says.

    The secret is the right to, and no cookie: a page of another site could post nothing that whoever
    opens it does not know, and is refused like all of them (api/guards.py).
    """
    services.rates.sign_in(address_of(request))
    key = secret[:_LONGEST]

    def change() -> Response:
        services.closing.feedback.open(key)  # what opens nothing is told first, whatever else is wrong
        services.closing.feedback.say(key, said_of(entered.score, entered.solved, entered.remark))
        return RedirectResponse(f"/f/{key}?saved=1", status_code=303)

    return tried(
        change,
        lambda status, why: _page(pages, request, key, entered, status, why),
        404,
    )


def _page(
    pages: Pages,
    request: Request,
    secret: str,
    entered: Entered | None = None,
    status: int = 200,
    error: str | None = None,
    *,
    saved: bool = False,
) -> Response:
    try:
        opened = pages.services.closing.feedback.open(secret)
    except NotFound as why:
        return pages.render(request, "desk/feedback_closed.html", 404, error=str(why))
    return pages.render(
        request,
        "desk/feedback_open.html",
        status,
        opened.ticket.site,
        opened=opened,
        secret=secret,
        entered=entered or Entered(),
        error=error,
        saved=saved,
        scores=SCORES,
        longest=LONGEST_REMARK,
        correct_within=CORRECT_WITHIN_MS,
    )
