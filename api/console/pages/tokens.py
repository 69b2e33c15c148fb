"""The console's page of tokens: what each machine may do, until when, and when it last did."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.tokens import Asked
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ManagesTokens
from api.routes.common import RowId
from api.routes.people import address_here
from api.services import Services
from fleet.errors import InvalidInput
from fleet.grants import Permission
from fleet.people import Token
from fleet.text import quoted
from storage.records.sites import all_sites

_LISTED = Annotated[list[str], Form(max_length=1000)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/tokens")
def tokens_page(request: Request, pages: Console, _sites: ManagesTokens) -> Response:
    """List the tokens."""
    asked(request, NoQuery)
    return _page(pages, request)


@router.post("/tokens")
def make_token(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesTokens,
    principal: ActingByForm,
    name: Annotated[str, Form(max_length=64)] = "",
    scope: _LISTED = [],  # noqa: B006 - FastAPI copies it
    site: _LISTED = [],  # noqa: B006
    days: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Make a token, and show its secret, this once."""

    def change() -> Response:
        wanted = Asked(name.strip(), tuple(scope), frozenset(site) if site else None, _days(days))
        return _made(pages, request, *services.doors.tokens.make(wanted, principal))

    entered = {"name": name, "scope": scope, "site": site, "days": days}
    return tried(change, lambda status, why: _page(pages, request, status, why, entered), 403)


@router.post("/tokens/{token_id}/rotate")
def rotate_token(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesTokens,
    principal: ActingByForm,
    token_id: RowId,
) -> Response:
    """Make a token like another, which goes on for an hour, and show its secret, this once."""
    return tried(
        lambda: _made(pages, request, *services.doors.tokens.rotate(token_id, principal), renewed=True),
        lambda status, why: _page(pages, request, status, why),
        403,
    )


@router.post("/tokens/{token_id}/revoke")
def revoke_token(
    services: Services, _sites: ManagesTokens, principal: ActingByForm, token_id: RowId
) -> Response:
    """End a token now."""
    services.doors.tokens.revoke(token_id, principal)
    services.doors.forget()
    return RedirectResponse("/tokens", status_code=303)


def _days(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal():
        raise InvalidInput(f"days: {quoted(text)} is no number of days")
    return int(text)


def _page(
    pages: Pages,
    request: Request,
    status: int = 200,
    error: str | None = None,
    entered: Mapping[str, Any] | None = None,
) -> Response:
    with pages.services.desk.transaction() as session:
        sites = all_sites(session)
    return pages.render(
        request,
        "access/tokens.html",
        status,
        tokens=pages.services.doors.tokens.all(),
        scopes=tuple(Permission),
        sites=sites,
        error=error,
        entered=dict(entered or {"name": "", "scope": [], "site": [], "days": "365"}),
    )


def _made(pages: Pages, request: Request, token: Token, secret: str, *, renewed: bool = False) -> Response:
    address = address_here(request, "/api/v1/me")
    return pages.render(
        request, "access/token.html", token=token, secret=secret, renewed=renewed, address=address
    )
