"""The sign-in form of the console."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.sessions import CODE_WITHIN_MS, LASTS_MS, Browser, Entry
from api.console.render.asked import asked
from api.console.render.templates import Console, Pages
from api.doors import address_of, cookie_name, is_secure, visitor_or_none
from api.params import Params
from api.problems import headers_for, status_of
from api.services import ApiServices, Services
from fleet.clock import SECOND_MS
from fleet.errors import SweepwatchError

_LONGEST = 2048
STEP, PROVIDER = "step", "provider"
"""Cookies beside the session's: of a sign-in that waits for its code, or for the provider."""


class SignInView(Params):
    """The address of the sign-in page: where to go on."""

    next: str = "/"


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/sign-in")
def sign_in_form(request: Request, pages: Console, services: Services) -> Response:
    """Ask who it is."""
    onward = here(asked(request, SignInView).next)
    if visitor_or_none(request, services) is not None:
        return RedirectResponse(onward, status_code=303)
    return sign_in_page(pages, request, onward)


@router.post("/sign-in")
def sign_in(
    request: Request,
    pages: Console,
    services: Services,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    next: Annotated[str, Form(max_length=2048)] = "/",  # noqa: A002 - the name that addresses have
) -> Response:
    """Let somebody in by address and password."""
    onward = here(next)
    try:
        services.rates.sign_in(address_of(request))
        entry = services.doors.sessions.sign_in(email, password, browser_of(request), onward)
    except SweepwatchError as error:
        if status_of(error) not in (401, 429):
            raise
        page = sign_in_page(pages, request, onward, status_of(error), email=email, error=str(error))
        page.headers.update(headers_for(error))
        return page
    return let_in(request, services, entry, onward)


def browser_of(request: Request) -> Browser:
    """Return what is known of the browser that asks."""
    return Browser(request.headers.get("user-agent", ""), address_of(request))


def let_in(request: Request, services: ApiServices, entry: Entry, onward: str) -> Response:
    """Hand a browser the cookie of what one factor opened: a session, or the step that asks for a code."""
    if entry.code_asked:
        response = RedirectResponse("/sign-in/code", status_code=303)
        hand_cookie(request, services, response, entry.secret, CODE_WITHIN_MS, STEP)
        return response
    return let_in_by(request, services, entry.secret, onward)


def let_in_by(request: Request, services: ApiServices, secret: str, onward: str) -> Response:
    """Hand the cookie of a session that begins to a browser, and lead it on."""
    before = request.cookies.get(cookie_name(request, services))
    if before:
        services.doors.sign_out(before)
    response = RedirectResponse(onward, status_code=303)
    hand_cookie(request, services, response, secret, LASTS_MS)
    return response


def hand_cookie(
    request: Request, services: ApiServices, response: Response, secret: str, lasts_ms: int, use: str = ""
) -> None:
    """Set a cookie that no script and no other site can use."""
    response.set_cookie(
        cookie_name(request, services, use),
        secret,
        max_age=lasts_ms // SECOND_MS,
        path="/",
        secure=is_secure(request, services),
        httponly=True,
        samesite="lax",
    )


def take_cookie(request: Request, services: ApiServices, response: Response, use: str) -> None:
    """Take a cookie back that was for once."""
    response.delete_cookie(
        cookie_name(request, services, use),
        path="/",
        secure=is_secure(request, services),
        httponly=True,
        samesite="lax",
    )


def sign_in_page(
    pages: Pages,
    request: Request,
    onward: str = "/",
    status: int = 200,
    email: str = "",
    error: str | None = None,
) -> Response:
    """Return the form, with what was refused."""
    doors = pages.services.doors
    nobody = not pages.services.demo and not doors.people.have_admin(able=True)
    provider = None if doors.federation is None else doors.federation.provider.registration.label
    return pages.render(
        request,
        "access/sign_in.html",
        status,
        onward=onward,
        email=email,
        error=error,
        nobody=nobody,
        provider=provider,
    )


def here(address: str) -> str:
    """Return an address of this server: where a form leads on must not be another's."""
    try:
        parts = urlsplit(address)
    except ValueError:  # "//[" and the like
        return "/"
    ours = not parts.scheme and not parts.netloc and address.startswith("/") and len(address) <= _LONGEST
    usable = ours and not address.startswith(("//", "/\\")) and "\\" not in address and address.isprintable()
    return address if usable else "/"
