"""The console's page of mutes: which there are, what one would hide, and the form that begins one."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesAlerts, SeesFleet
from api.queries.care import check_matcher, mute_seen, mutes_seen
from api.queries.matchers import hints
from api.routes.common import RowId
from api.services import Services
from fleet.config import duration_ms
from fleet.errors import InvalidInput
from fleet.faults import FAULTS, Level
from fleet.grants import Sites
from fleet.mutes import Mute, Weekly, matcher_of
from fleet.text import quoted

_LISTED = 200
_PARTS = ("site", "region", "model", "firmware", "fault", "rule", "level", "device")
LENGTHS = ("1h", "4h", "8h", "1d", "7d", "30d")
UNTIL_RESOLVED, UNTIL_ENDED = "until_resolved", "until_ended"
Entered = dict[str, Any]


def entered_mute(
    site: Annotated[str, Form(max_length=64)] = "",
    region: Annotated[str, Form(max_length=64)] = "",
    model: Annotated[str, Form(max_length=64)] = "",
    firmware: Annotated[str, Form(max_length=64)] = "",
    fault: Annotated[str, Form(max_length=64)] = "",
    rule: Annotated[str, Form(max_length=64)] = "",
    level: Annotated[str, Form(max_length=2)] = "",
    device: Annotated[str, Form(max_length=64)] = "",
    long: Annotated[str, Form(max_length=16)] = LENGTHS[0],
    days: Annotated[list[str], Form(max_length=7)] = [],  # noqa: B006 - FastAPI copies it
    begin: Annotated[str, Form(max_length=5)] = "",
    end: Annotated[str, Form(max_length=5)] = "",
    zone: Annotated[str, Form(max_length=64)] = "",
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Entered:
    """Return what the form says of a mute, as it was typed."""
    values = (site, region, model, firmware, fault, rule, level, device)
    parts = dict(zip(_PARTS, (each.replace("\0", "").strip() for each in values), strict=True))
    return {**parts, "long": long, "days": days, "begin": begin, "end": end, "zone": zone, "why": why}


_Said = Annotated[Entered, Depends(entered_mute)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/mutes")
def mutes_page(request: Request, pages: Console, sites: SeesFleet) -> Response:
    """List the mutes."""
    asked(request, NoQuery)
    return _page(pages, request, sites)


@router.post("/mutes")
def begin(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesAlerts,
    principal: ActingByForm,
    said: _Said,
    act: Annotated[str, Form(max_length=16)] = "preview",
) -> Response:
    """Begin a mute, or show what it would hide."""

    def do() -> Response:
        mute = _mute(said, services.clock.now_ms())
        with services.desk.transaction() as session:
            check_matcher(session, mute.matcher, sites)
            odd = hints(services, session, mute.matcher)
        if act != "mute":
            return _page(pages, request, sites, said, preview=services.care.preview(mute), odd=odd)
        services.care.mute(mute, principal)
        return RedirectResponse("/mutes", status_code=303)

    return tried(do, lambda status, why: _page(pages, request, sites, said, status=status, error=why), 403)


@router.post("/mutes/{mute_id}/end")
def end(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesAlerts,
    principal: ActingByForm,
    mute_id: RowId,
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """End a mute."""
    with services.desk.transaction() as session:
        check_matcher(session, mute_seen(session, mute_id, sites).matcher, sites)

    def do() -> Response:
        services.care.unmute(mute_id, principal, why)
        return RedirectResponse("/mutes", status_code=303)

    return tried(do, lambda status, told: _page(pages, request, sites, status=status, error=told))


def _page(
    pages: Pages,
    request: Request,
    sites: Sites,
    said: Entered | None = None,
    status: int = 200,
    error: str | None = None,
    preview: object = None,
    odd: Sequence[str] = (),
) -> Response:
    services = pages.services
    with services.desk.transaction() as session:
        found = mutes_seen(session, sites, _LISTED)
        doubtful = {each.id: hints(services, session, each.matcher) for each in found if not each.ended_at}
    named = [(each, duration_ms(each)) for each in LENGTHS]
    return pages.render(
        request,
        "alerts/mutes.html",
        status,
        mutes=found,
        entered=said or entered_mute(zone=str(pages.services.zones.of(None))),
        status=status,
        error=error,
        preview=preview,
        odd=odd,
        doubtful=doubtful,
        faults=FAULTS,
        levels=tuple(Level),
        lengths=named,
        until=(UNTIL_RESOLVED, UNTIL_ENDED),
    )


def _mute(said: Entered, now: int) -> Mute:
    """Return the mute that a form describes. Raises InvalidInput."""
    weekly = None
    if said["days"]:
        weekly = Weekly(tuple(_day(each) for each in said["days"]), said["begin"], said["end"], said["zone"])
    long = said["long"]
    if long not in (*LENGTHS, UNTIL_RESOLVED, UNTIL_ENDED):
        raise InvalidInput(f"long: {quoted(long)} is none; allowed: {', '.join(LENGTHS)}")
    return Mute(
        id=0,
        matcher=matcher_of({name: said[name] for name in _PARTS}),
        start=now,
        end=now + duration_ms(long) if long in LENGTHS else None,
        reason=said["why"],
        who="",
        created_at=now,
        weekly=weekly,
        until_resolved=long == UNTIL_RESOLVED,
    )


def _day(text: str) -> int:
    if text not in set("0123456"):
        raise InvalidInput(f"days: {quoted(text)} is none; allowed: 0 (Monday) to 6")
    return int(text)
