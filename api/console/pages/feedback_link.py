"""The page of a feedback link: what was repaired, and how it was. Whoever has the link may say so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.console.pages.by_link import LinkPage
from api.console.render.templates import Console
from api.routes.common import NO_SCORE, said_of
from api.services import ApiServices, Services
from desk.feedback.desk import Opened
from fleet.feedback import CORRECT_WITHIN_MS, LONGEST_REMARK, SCORES


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


def _opened(services: ApiServices, key: str) -> Opened:
    return services.closing.feedback.open(key)


def _values(_opened: Opened, entered: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entered": entered.get("entered") or Entered(),
        "scores": SCORES,
        "longest": LONGEST_REMARK,
        "correct_within": CORRECT_WITHIN_MS,
    }


_PAGE = LinkPage("f", "feedback", _opened, _values)


@router.get("/f/{secret}")
def feedback_page(request: Request, pages: Console, secret: str) -> Response:
    """Show what a repair can be judged by."""
    return _PAGE.look(pages, request, secret)


@router.post("/f/{secret}")
def say(
    request: Request, pages: Console, services: Services, secret: str, entered: EnteredFeedback
) -> Response:
    """Record what the holder of the link says."""
    return _PAGE.answer(
        pages,
        request,
        secret,
        lambda key: services.closing.feedback.say(
            key, said_of(entered.score, entered.solved, entered.remark)
        ),
        {"entered": entered},
    )
