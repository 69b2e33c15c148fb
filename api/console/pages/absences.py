"""The forms of an engineer's page that say when they are away."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.doors import Visitor
from api.console.pages.engineers import show_engineer
from api.console.pages.service_forms import Tried
from api.console.pages.tried import tried
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesDispatch, Known
from api.routes.common import Key, RowId
from api.services import ApiServices, Services
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.localtime import DAY_MIN, day_in, ms_of

_Day = Annotated[str, Form(max_length=10)]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/engineers/{engineer_id}/absences")
def add_absence(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesDispatch,
    principal: ActingByForm,
    engineer_id: Key,
    first: _Day = "",
    last: _Day = "",
) -> Response:
    """Keep that an engineer is away, from a day to a day."""

    def change() -> Response:
        begins = max(services.clock.now_ms(), _ms(services, "first", first, 0))
        services.absences.away(engineer_id, begins, _ms(services, "last", last, DAY_MIN), principal, sites)
        return RedirectResponse(f"/engineers/{engineer_id}?saved=1", status_code=303)

    return tried(change, _page(request, pages, visitor, sites, engineer_id))


@router.post("/engineers/{engineer_id}/absences/{absence_id}/end")
def end_absence(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesDispatch,
    principal: ActingByForm,
    engineer_id: Key,
    absence_id: RowId,
) -> Response:
    """Note that they are back."""

    def change() -> Response:
        services.absences.back(engineer_id, absence_id, principal, sites)
        return RedirectResponse(f"/engineers/{engineer_id}?saved=1", status_code=303)

    return tried(change, _page(request, pages, visitor, sites, engineer_id))


def _page(
    request: Request, pages: Pages, visitor: Visitor, sites: Sites, engineer_id: str
) -> Callable[[int, str], Response]:
    """Return what shows the engineer again, with why something was refused."""
    return lambda status, why: show_engineer(pages, request, visitor, sites, engineer_id, Tried(status, why))


def _ms(services: ApiServices, name: str, day: str, minute: int) -> int:
    """Return a minute of a form's day, by the clock of the house. Raises InvalidInput."""
    try:
        return ms_of(day_in(day), minute, services.zones.of(None))
    except ValueError as error:
        raise InvalidInput(f"{name}: give a date such as 2026-12-01") from error
