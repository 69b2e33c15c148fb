"""The console's pages of on-call duty: who is on call, gaps, a calendar, overrides."""

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.duty import called, shown_schedule
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, Known, PlansDuty, SeesFleet
from api.routes.common import RowId
from api.services import Services
from fleet.clock import DAY_MS
from fleet.errors import InvalidInput
from fleet.grants import Permission, Sites
from fleet.localtime import moment_of
from notify.duty.planning import Hours

_WALL = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
"""A time as forms send it, without a zone: that of the schedule holds."""
SHOWN_MS = 14 * DAY_MS
Entered = dict[str, str]
_Text64 = Annotated[str, Form(max_length=64)]
_Why = Annotated[str, Form(max_length=1000)]


def entered_hours(
    schedule: _Text64 = "",
    person: Annotated[str, Form(max_length=254)] = "",
    nobody: Annotated[str, Form(max_length=8)] = "",
    begins: Annotated[str, Form(max_length=32)] = "",
    ends: Annotated[str, Form(max_length=32)] = "",
    reason: _Why = "",
) -> Entered:
    """Return what a form says of an override, as it was typed."""
    given = {"schedule": schedule, "person": person, "nobody": nobody, "begins": begins, "ends": ends}
    return {name: text.replace("\0", "").strip() for name, text in (given | {"reason": reason}).items()}


_NOTHING = entered_hours()


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/duty")
def duty_page(request: Request, pages: Console, sites: SeesFleet, visitor: Known) -> Response:
    """Show who is on call, now and in the next two weeks."""
    saved = asked(request, SavedView).saved
    return _page(pages, request, sites, visitor.principal.reach(Permission.DUTY_CHANGE), saved=saved)


@router.post("/duty/overrides")
def override(
    request: Request,
    pages: Console,
    services: Services,
    theirs: PlansDuty,
    principal: ActingByForm,
    said: Annotated[Entered, Depends(entered_hours)],
) -> Response:
    """Let somebody take hours of a schedule."""

    def change() -> Response:
        services.planning.override(_hours(pages, said), principal, said["reason"], theirs)
        return RedirectResponse("/duty?saved=1", status_code=303)

    def again(status: int, why: str) -> Response:
        seen = principal.reach(Permission.FLEET_READ)
        return _page(pages, request, seen, theirs, status, error=why, entered=said)

    return tried(change, again, 403)


@router.post("/duty/overrides/{override_id}/end")
def end(
    request: Request,
    pages: Console,
    services: Services,
    theirs: PlansDuty,
    principal: ActingByForm,
    override_id: RowId,
    reason: _Why = "",
) -> Response:
    """End an override now, or before it begins."""

    def change() -> Response:
        services.planning.end(override_id, principal, reason, theirs)
        return RedirectResponse("/duty?saved=1", status_code=303)

    seen = principal.reach(Permission.FLEET_READ)
    return tried(change, lambda status, why: _page(pages, request, seen, theirs, status, error=why))


def _page(
    pages: Pages, request: Request, seen: Sites, theirs: Sites, status: int = 200, **more: Any
) -> Response:
    now = pages.services.clock.now_ms()
    roster = pages.services.duty.roster(now)
    schedules = roster.seen(seen)
    shown = [
        shown_schedule(roster, each, now, now + SHOWN_MS, roster.is_theirs(each.name, theirs))
        for each in schedules
    ]
    people = {person for each in schedules for layer in each.layers for person in layer.people}
    values: dict[str, Any] = {"error": None, "saved": False, "entered": _NOTHING} | more
    return pages.render(
        request,
        "duty/duty.html",
        status,
        shown=shown,
        number=roster.number,
        people={email: called(roster, email) for email in sorted(people)},
        called=lambda email: called(roster, email),
        may_plan=theirs is None,
        **values,
    )


def _hours(pages: Pages, said: Entered) -> Hours:
    """Return the hours that a form gives somebody, by the schedule's clock. Raises InvalidInput."""
    if not said["person"] and not said["nobody"]:
        raise InvalidInput("person: give an e-mail address, or choose that nobody is on call")
    zone = pages.services.duty.plan().zone_of(said["schedule"])
    return Hours(
        said["schedule"],
        None if said["nobody"] else said["person"],
        _moment(said, "begins", zone),
        _moment(said, "ends", zone),
    )


def _moment(said: Entered, name: str, zone: ZoneInfo) -> int:
    if not _WALL.fullmatch(said[name]):
        raise InvalidInput(f"{name}: write a time such as 2026-11-22T08:00")
    try:
        return moment_of(said[name], zone)
    except ValueError as error:
        raise InvalidInput(f"{name}: write a time such as 2026-11-22T08:00") from error
