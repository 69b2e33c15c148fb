"""One-time links: into a demo, for the first admin, for an invitation or a new password."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from api.console.pages.sign_in import browser_of, let_in
from api.console.render.templates import Console, Pages
from api.doors import address_of
from api.services import ApiServices, Services
from fleet.errors import InvalidInput, NotFound
from fleet.people import Person, Purpose

_LONGEST = 64
"""No link of ours is longer."""


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/enter/{secret}")
def link_page(request: Request, pages: Console, services: Services, secret: str) -> Response:
    """Show what a one-time link is for. Looking uses nothing up: mail programs look at links too."""
    services.rates.sign_in(address_of(request))
    return _link_page(pages, request, secret)


@router.post("/enter/{secret}")
def follow_link(
    request: Request,
    pages: Console,
    services: Services,
    secret: str,
    email: Annotated[str, Form(max_length=254)] = "",
    name: Annotated[str, Form(max_length=_LONGEST)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Use a one-time link up, and sign in whoever it is for."""
    services.rates.sign_in(address_of(request))
    try:
        person = _enter(services, secret, email, name, password)
    except InvalidInput as error:
        return _link_page(pages, request, secret, 422, email=email, name=name, error=str(error))
    entry = services.doors.sessions.enter(person, browser_of(request))
    return let_in(request, services, entry, "/")


def _enter(services: ApiServices, secret: str, email: str, name: str, password: str) -> Person:
    people = services.doors.people
    purpose = people.look_at(secret[:_LONGEST]).purpose
    if purpose is Purpose.DEMO:
        return people.enter_demo(secret)
    if purpose is Purpose.FIRST_ADMIN:
        return people.enter_first(secret, email, name, password)
    return people.set_password(secret, password)


def _link_page(pages: Pages, request: Request, secret: str, status: int = 200, **entered: Any) -> Response:
    try:
        opened = pages.services.doors.people.look_at(secret[:_LONGEST])
    except NotFound as error:
        return pages.error(request, 404, str(error))
    values = {"email": "", "name": "", "error": None} | entered
    return pages.render(request, "access/enter.html", status, opened=opened, secret=secret, **values)
