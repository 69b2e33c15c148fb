"""The console's page of oneself: who one is here, where one is signed in, and signing out."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.doors import Visitor
from api.console.pages.sign_in import browser_of
from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, cookie_name, visitor_of
from api.services import Services
from fleet.errors import NotFound

_PASSWORD = Annotated[str, Form(max_length=1024)]
_KEY = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/account")
def account_page(request: Request, pages: Console, services: Services) -> Response:
    """Show who one is here, and where one is signed in."""
    visitor = visitor_of(request, services)
    saved = asked(request, SavedView).saved
    return _page(pages, request, visitor, saved=saved)


@router.post("/account/sessions/{key}/end")
def end_session(request: Request, services: Services, _principal: ActingByForm, key: _KEY) -> Response:
    """End one of one's own sessions."""
    visitor = visitor_of(request, services)
    if visitor.person is not None:
        services.doors.sessions.end(visitor.person, key)
        services.doors.forget()
    return RedirectResponse("/account", status_code=303)


@router.post("/account/sign-out-everywhere")
def sign_out_everywhere(request: Request, services: Services, _principal: ActingByForm) -> Response:
    """End all of one's own sessions."""
    visitor = visitor_of(request, services)
    if visitor.person is not None:
        services.doors.sessions.end_all(visitor.person)
        services.doors.forget()
    return RedirectResponse("/sign-in", status_code=303)


@router.post("/sign-out")
def sign_out(request: Request, services: Services, principal: ActingByForm) -> Response:
    """End this browser's session."""
    visitor = visitor_of(request, services)
    if visitor.person is not None and visitor.session is not None:
        services.doors.sessions.end(visitor.person, visitor.session)
        services.doors.forget()
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(cookie_name(request, services), path="/")
    return response


@router.post("/account/password")
def change_password(
    request: Request,
    pages: Console,
    services: Services,
    _principal: ActingByForm,
    current: _PASSWORD = "",
    password: _PASSWORD = "",
) -> Response:
    """Set one's own password anew, and sign out everywhere else."""
    visitor = visitor_of(request, services)
    who, key = visitor.person, visitor.session
    if who is None or key is None:
        raise NotFound("a password is of people who sign in, not of tokens")

    def change() -> Response:
        services.doors.people.change_password(who, current, password, browser_of(request).address, key)
        return RedirectResponse("/account?saved=1", status_code=303)

    return tried(change, lambda status, why: _page(pages, request, visitor, status, why), 429, proof=True)


def _page(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    status: int = 200,
    error: str | None = None,
    *,
    saved: bool = False,
) -> Response:
    doors = pages.services.doors
    values: dict[str, Any] = {
        "person": None if visitor.person is None else doors.people.one(visitor.person),
        "sessions": [] if visitor.person is None else doors.sessions.of(visitor.person),
        "current": visitor.session,
        "error": error,
        "saved": saved,
    }
    return pages.render(request, "access/account.html", status, **values)
