"""The console's page of one's own second step: setting it up, recovery codes, turning it off."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from access.doors import Visitor
from api.console.pages.sign_in import browser_of
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, visitor_of
from api.services import Services
from fleet.errors import NotFound
from fleet.people import Person

_PAGE = "/account/second-factor"
_PROOF = Annotated[str, Form(max_length=1024)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get(_PAGE)
def second_factor_page(request: Request, pages: Console, services: Services) -> Response:
    """Show whether a code is asked for, and how to set that up."""
    visitor_of(request, services)
    asked(request, NoQuery)
    return _page(pages, request)


@router.post(f"{_PAGE}/begin")
def begin(
    request: Request, pages: Console, services: Services, _principal: ActingByForm, password: _PROOF = ""
) -> Response:
    """Offer a second factor, to be confirmed by its first code."""
    person, key = _own(pages, request)

    def change() -> Response:
        services.doors.second_factors.offer(person, key, password, browser_of(request).address)
        return RedirectResponse(_PAGE, status_code=303)

    return _tried(pages, request, change)


@router.post(f"{_PAGE}/confirm")
def confirm(
    request: Request,
    pages: Console,
    services: Services,
    _principal: ActingByForm,
    code: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Let it count, and show the recovery codes, this once."""
    person, key = _own(pages, request)

    def change() -> Response:
        codes = services.doors.second_factors.confirm(person, key, code, browser_of(request).address)
        services.doors.forget()
        request.state.visitor = None  # who came in as one who had to set this up is so no more
        return _codes(pages, request, codes)

    return _tried(pages, request, change)


@router.post(f"{_PAGE}/codes")
def new_codes(
    request: Request, pages: Console, services: Services, _principal: ActingByForm, proof: _PROOF = ""
) -> Response:
    """Make new recovery codes, and show them, this once."""
    person, _ = _own(pages, request)
    return _tried(
        pages,
        request,
        lambda: _codes(
            pages,
            request,
            services.doors.second_factors.new_codes(person, proof, browser_of(request).address),
        ),
    )


@router.post(f"{_PAGE}/off")
def turn_off(
    request: Request, pages: Console, services: Services, _principal: ActingByForm, proof: _PROOF = ""
) -> Response:
    """Ask for no code any more."""
    person, _ = _own(pages, request)

    def change() -> Response:
        services.doors.second_factors.turn_off(person, proof, browser_of(request).address)
        services.doors.forget()
        return RedirectResponse(_PAGE, status_code=303)

    return _tried(pages, request, change)


def _own(pages: Pages, request: Request) -> tuple[Person, str]:
    """Return whose page it is, and the key of their session. Raises NotFound for machines: they have none."""
    visitor: Visitor = visitor_of(request, pages.services)
    if visitor.person is None or visitor.session is None:
        raise NotFound("a second step is of people who sign in, not of tokens")
    return pages.services.doors.people.one(visitor.person), visitor.session


def _tried(pages: Pages, request: Request, change: Callable[[], Response]) -> Response:
    return tried(change, lambda status, why: _page(pages, request, status, why), 429, proof=True)


def _page(pages: Pages, request: Request, status: int = 200, error: str | None = None) -> Response:
    person, key = _own(pages, request)
    factors = pages.services.doors.second_factors
    offer = None if person.second_factor else factors.pending(person, key)
    values: dict[str, Any] = {
        "person": person,
        "offer": offer,
        "drawn": None if offer is None else qr_code(offer.uri),
        "left": factors.codes_left(person.id) if person.second_factor else 0,
        "ask_password": person.has_password and not factors.is_fresh(key),
        "stale": not person.has_password and not factors.is_fresh(key),
        "required": pages.services.doors.second_factor_required,
        "error": error,
    }
    return pages.render(request, "access/second_factor.html", status, **values)


def _codes(pages: Pages, request: Request, codes: Sequence[str]) -> Response:
    return pages.render(request, "access/recovery_codes.html", codes=codes)


def qr_code(text: str) -> Markup:
    """Return a QR code as SVG, black on white whatever the page's colours are: cameras want it so."""
    drawn = segno.make(text, error="m", micro=False)
    # segno draws rectangles; nothing of the text stands in what it returns.
    return Markup(drawn.svg_inline(border=4, dark="#000", light="#fff", svgclass="qr", omitsize=True))  # nosec B704
