"""The browser itself as a destination: its subscription is taken, and its worker is handed out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from api.console.pages.told import mine, saved, told_page
from api.console.pages.tried import tried
from api.console.render.browsers import browser_name
from api.console.render.templates import STATIC, Console
from api.doors import ActingByForm, Known
from api.routes.destinations import person_of
from api.services import Services
from fleet.errors import NotFound

_PART = Annotated[str, Form(max_length=2_000)]


router = APIRouter(include_in_schema=False)


@router.get("/worker.js")
def worker() -> Response:
    """Hand out what shows notices in browsers; it stands at the root, since it works for all pages."""
    return FileResponse(
        STATIC / "worker.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"}
    )


@router.get("/account/notices/browser")
def subscribing(services: Services, visitor: Known) -> Response:
    """Tell a browser's worker what it needs to subscribe again by itself."""
    person_of(visitor)
    key = services.notices.push_key()
    if key is None:
        raise NotFound("nobody is told in browsers here")
    return JSONResponse({"key": key, "csrf": visitor.csrf}, headers={"Cache-Control": "no-store"})


@router.post("/account/notices/browser")
def take_browser(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    principal: ActingByForm,
    endpoint: _PART = "",
    p256dh: _PART = "",
    auth: _PART = "",
    before: _PART = "",
) -> Response:
    """Let notices go to this browser."""
    whose = mine(person_of(visitor))
    name = browser_name(request.headers.get("user-agent", ""))
    address = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth}

    def change() -> Response:
        services.notices.add_browser(person_of(visitor), name, address, principal, before)
        return saved(whose)

    return tried(change, lambda status, why: told_page(pages, request, whose, status, why))
