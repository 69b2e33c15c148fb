"""The second step of signing in: the code of a phone, asked of the browser that took the first."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.secrets import derived, same
from api.console.pages.sign_in import STEP, browser_of, let_in_by, sign_in_page, take_cookie
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import address_of, cookie_name, visitor_or_none
from api.problems import status_of
from api.services import Services
from fleet.errors import NotAllowed, NotFound, SweepwatchError

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/sign-in/code")
def code_form(request: Request, pages: Console, services: Services) -> Response:
    """Ask for the code."""
    asked(request, NoQuery)
    secret = request.cookies.get(cookie_name(request, services, STEP), "")
    if visitor_or_none(request, services) is not None:
        return RedirectResponse("/", status_code=303)
    if not services.doors.sessions.waits_for_code(secret):
        return RedirectResponse("/sign-in", status_code=303)
    return _page(pages, request, secret)


@router.post("/sign-in/code")
def end_sign_in(
    request: Request,
    pages: Console,
    services: Services,
    code: Annotated[str, Form(max_length=64)] = "",
    csrf: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Let somebody in by their code."""
    secret = request.cookies.get(cookie_name(request, services, STEP), "")
    if not same(csrf, derived(secret, "csrf")):
        raise NotAllowed("this page is of another session: load it again, and repeat what you did")
    try:
        services.rates.sign_in(address_of(request))
        ended = services.doors.sessions.end_sign_in(secret, code, browser_of(request))
    except NotFound as error:
        if visitor_or_none(request, services) is not None:  # sent twice, or ended in another tab
            return RedirectResponse("/", status_code=303)
        return sign_in_page(pages, request, status=401, error=str(error))
    except SweepwatchError as error:
        if status_of(error) not in (401, 429):
            raise
        return _page(pages, request, secret, status_of(error), str(error))
    response = let_in_by(request, services, ended.secret, ended.onward)
    take_cookie(request, services, response, STEP)
    return response


def _page(
    pages: Pages, request: Request, secret: str, status: int = 200, error: str | None = None
) -> Response:
    return pages.render(request, "access/code.html", status, csrf=derived(secret, "csrf"), error=error)
