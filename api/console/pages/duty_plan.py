"""The console's page of the duty plan: an editor that checks it line by line, and its versions."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import Field

from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, PlansDuty, everywhere
from api.params import Params
from api.routes.duty import apply, checked, plan_item
from api.services import Services
from notify.duty.plan import LONGEST


class PlanView(Params):
    """Which version the editor begins with; the one in force unless given. `saved` after a change."""

    version: int | None = Field(None, ge=1, lt=2**31)
    saved: bool = False


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/duty/plan")
def plan_page(request: Request, pages: Console, services: Services, sites: PlansDuty) -> Response:
    """Show the plan in an editor, and its versions."""
    everywhere(sites)
    view = asked(request, PlanView)
    newest = plan_item(services.planning.newest())
    text = newest.text if view.version is None else services.planning.version(view.version).text
    return _plan(pages, request, text, newest.number, saved=view.saved, version=view.version)


@router.post("/duty/plan")
def change_plan(
    request: Request,
    pages: Console,
    services: Services,
    sites: PlansDuty,
    principal: ActingByForm,
    text: Annotated[str, Form(max_length=2 * LONGEST)] = "",
    after: Annotated[int, Form(ge=0, lt=2**31)] = 0,
    reason: Annotated[str, Form(max_length=1000)] = "",
    do: Annotated[str, Form(max_length=8)] = "check",
) -> Response:
    """Check the plan of the editor, or put it in force."""
    everywhere(sites)
    plain = text.replace("\r\n", "\n")
    result = checked(services, plain)
    if do != "apply" or not result.usable:
        status = 200 if result.usable else 422
        return _plan(pages, request, plain, after, status, checked=result, reason=reason)

    def change() -> Response:
        apply(services, sites, principal, plain, after, reason)
        return RedirectResponse("/duty/plan?saved=1", status_code=303)

    def again(status: int, why: str) -> Response:
        return _plan(pages, request, plain, after, status, error=why, reason=reason)

    return tried(change, again)


def _plan(pages: Pages, request: Request, text: str, after: int, status: int = 200, **more: Any) -> Response:
    versions = pages.services.planning.versions()
    values: dict[str, Any] = {"error": None, "saved": False, "checked": None, "reason": "", "version": None}
    return pages.render(
        request,
        "duty/plan.html",
        status,
        text=text,
        after=after,
        versions=versions,
        longest=LONGEST,
        **values | more,
    )
