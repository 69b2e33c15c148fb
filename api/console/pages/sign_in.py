"""Coming in and going out: the sign-in form, one-time links, and signing out."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.sessions import LASTS_MS, Browser
from api.console.render.asked import asked
from api.console.render.templates import Pages
from api.doors import ActingByForm, cookie_name, visitor_of, visitor_or_none
from api.params import Params
from api.problems import status_of
from api.services import ApiServices
from fleet.clock import SECOND_MS
from fleet.errors import InvalidInput, NotFound, SweepwatchError
from fleet.people import Person, Purpose

_SHORT = 64


class SignInView(Params):
    """The address of the sign-in page: where to go on."""

    next: str = "/"


def make_router(pages: Pages) -> APIRouter:
    """Return the routes by which people come in; they are the only ones of the console without a door."""
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
            _, secret = services.doors.sessions.sign_in(email, password, browser_of(request))
        except SweepwatchError as error:
            if status_of(error) not in (401, 429):
                raise
            return _sign_in_page(pages, request, onward, status_of(error), email=email, error=str(error))
        return _let_in(request, services, secret, onward)

    @router.post("/sign-out")
    def sign_out(request: Request, principal: ActingByForm) -> Response:
        """End this browser's session."""
        visitor = visitor_of(request, services)
        if visitor.person is not None and visitor.session is not None:
            services.doors.sessions.end(visitor.person, visitor.session)
            services.doors.forget()
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(cookie_name(request, services), path="/")
        return response

    @router.get("/enter/{secret}")
    def link_page(request: Request, secret: str) -> Response:
        """Show what a one-time link is for. Looking uses nothing up: mail programs look at links too."""
        return _link_page(pages, request, secret)

    @router.post("/enter/{secret}")
    def follow_link(
        request: Request,
        secret: str,
        email: Annotated[str, Form(max_length=254)] = "",
        name: Annotated[str, Form(max_length=_SHORT)] = "",
        password: Annotated[str, Form(max_length=1024)] = "",
    ) -> Response:
        """Use a one-time link up, and sign in whoever it is for."""
        try:
            person = _enter(services, secret, email, name, password)
        except InvalidInput as error:
            return _link_page(pages, request, secret, 422, email=email, name=name, error=str(error))
        session = services.doors.sessions.begin(person, browser_of(request))
        return _let_in(request, services, session, "/")

    return router


def browser_of(request: Request) -> Browser:
    """Return what is known of the browser that asks."""
    address = request.client.host if request.client else ""
    return Browser(request.headers.get("user-agent", ""), address)


def _enter(services: ApiServices, secret: str, email: str, name: str, password: str) -> Person:
    people = services.doors.people
    purpose = people.look_at(secret[:_SHORT]).purpose
    if purpose is Purpose.DEMO:
        return people.enter_demo(secret)
    if purpose is Purpose.FIRST_ADMIN:
        return people.enter_first(secret, email, name, password)
    return people.set_password(secret, password)


def _let_in(request: Request, services: ApiServices, secret: str, onward: str) -> Response:
    response = RedirectResponse(onward, status_code=303)
    response.set_cookie(
        cookie_name(request, services),
        secret,
        max_age=LASTS_MS // SECOND_MS,
        path="/",
        secure=services.secure,
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


def _link_page(pages: Pages, request: Request, secret: str, status: int = 200, **entered: Any) -> Response:
    try:
        opened = pages.services.doors.people.look_at(secret[:_SHORT])
    except NotFound as error:
        return pages.error(request, 404, str(error))
    values = {"email": "", "name": "", "error": None} | entered
    return pages.render(request, "access/enter.html", status, opened=opened, secret=secret, **values)


def _here(address: str) -> str:
    """Return an address of this server: where a form leads on must not be another's."""
    parts = urlsplit(address)
    here = not parts.scheme and not parts.netloc and address.startswith("/")
    usable = here and not address.startswith(("//", "/\\")) and "\\" not in address and address.isprintable()
    return address if usable else "/"
