"""The console's page of feedback: scores by month, what remarks are about, and what is to be made better."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.closing_schemas import FeedbackQuery
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesTasks, SeesFleet
from api.routes.closing import found_feedback
from api.routes.common import RowId
from api.services import Services
from desk.feedback.tasks import LOOKS_BACK_MS
from desk.feedback.themes import month_of
from fleet.grants import Sites
from storage.records.feedback import score_times

_SHOWN_MONTHS = 12


class FeedbackView(FeedbackQuery):
    """The address of the page: the remarks that it lists."""

    limit: int = 20


@dataclass(frozen=True, slots=True)
class Month:
    """The scores of one month: how many, their mean, the share of good ones (4 and 5), of unsolved faults."""

    name: str
    count: int
    mean: float
    good: float
    unsolved: int


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/feedback")
def feedback_page(request: Request, pages: Console, sites: SeesFleet) -> Response:
    """Show what customers say."""
    return _page(pages, request, sites)


@router.post("/tasks/{task_id}/done")
def end_task(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesTasks,
    principal: ActingByForm,
    task_id: RowId,
) -> Response:
    """Note that a task is done."""

    def change() -> Response:
        services.closing.remarks.end_task(task_id, principal)
        return RedirectResponse("/feedback", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, sites, status, why))


def _page(
    pages: Pages, request: Request, sites: Sites, status: int = 200, error: str | None = None
) -> Response:
    services = pages.services
    view = asked(request, FeedbackView)
    now, zone = services.clock.now_ms(), services.zones.of(None)
    with services.desk.transaction() as session:
        page = found_feedback(session, view, sites)
        times = score_times(session, now - LOOKS_BACK_MS, sites)
    scored = ((month_of(at, zone), score, solved) for at, score, solved in times)
    return pages.render(
        request,
        "desk/feedback.html",
        status,
        query=view,
        found=page.rows,
        next_cursor=page.next_cursor,
        months=months_of(scored)[-_SHOWN_MONTHS:],
        themes=services.closing.remarks.themes(sites),
        tasks=services.closing.remarks.tasks() if sites is None else None,
        error=error,
        status=status,
    )


def months_of(scored: Iterable[tuple[str, int, bool]]) -> list[Month]:
    """Return what each month's scores come to, the oldest first."""
    by: dict[str, list[tuple[int, bool]]] = {}
    for name, score, solved in scored:
        by.setdefault(name, []).append((score, solved))
    return [
        Month(
            name,
            len(those),
            sum(score for score, _ in those) / len(those),
            sum(score >= 4 for score, _ in those) / len(those),
            sum(not solved for _, solved in those),
        )
        for name, those in sorted(by.items())
    ]
