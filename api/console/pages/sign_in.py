"""The sign-in form of the console."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.sessions import LASTS_MS, Browser
from api.console.render.asked import asked
from api.console.render.templates import Pages
from api.doors import address_of, cookie_name, is_secure, visitor_or_none
from api.params import Params
from api.problems import status_of
from api.services import ApiServices
from fleet.clock import SECOND_MS
from fleet.errors import SweepwatchError


class SignInView(Params):
    """The address of the sign-in page: where to go on."""

    next: str = "/"


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the form; with those of one-time links they are all that have no door."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    @router.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        """Ask who it is."""
        onward = _here(asked(request, SignInView).next)
        if visitor_or_none(request, services) is not None:
            return RedirectResponse(onward, status_code=303)
        return _sign_in_page(pages, request, onward)

    @router.post("/sign-in")
    def sign_in(
        request: Request,
        email: Annotated[str, Form(max_length=254)] = "",
        password: Annotated[str, Form(max_length=1024)] = "",
        next: Annotated[str, Form(max_length=2048)] = "/",  # noqa: A002 - the name that addresses have
    ) -> Response:
        """Let somebody in by address and password."""
        onward = _here(next)
        try:
            services.rates.sign_in(address_of(request))
            _, secret = services.doors.sessions.sign_in(email, password, browser_of(request))
        except SweepwatchError as error:
            if status_of(error) not in (401, 429):
                raise
            return _sign_in_page(pages, request, onward, status_of(error), email=email, error=str(error))
        return let_in(request, services, secret, onward)

    return router


def browser_of(request: Request) -> Browser:
    """Return what is known of the browser that asks."""
    return Browser(request.headers.get("user-agent", ""), address_of(request))


def let_in(request: Request, services: ApiServices, secret: str, onward: str) -> Response:
    """Hand the cookie of a session that begins to a browser, and lead it on."""
    response = RedirectResponse(onward, status_code=303)
    response.set_cookie(
        cookie_name(request, services),
        secret,
        max_age=LASTS_MS // SECOND_MS,
        path="/",
        secure=is_secure(request, services),
        httponly=True,
        samesite="lax",
    )
    return response


def _sign_in_page(
    pages: Pages, request: Request, onward: str, status: int = 200, email: str = "", error: str | None = None
) -> Response:
    nobody = not pages.services.demo and not pages.services.doors.people.have_admin()
    return pages.render(
        request, "access/sign_in.html", status, onward=onward, email=email, error=error, nobody=nobody
    )


def _here(address: str) -> str:
    """Return an address of this server: where a form leads on must not be another's."""
    parts = urlsplit(address)
    here = not parts.scheme and not parts.netloc and address.startswith("/")
    usable = here and not address.startswith(("//", "/\\")) and "\\" not in address and address.isprintable()
    return address if usable else "/"
