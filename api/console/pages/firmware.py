"""The console's pages of firmware: what devices run, roll-outs, and what can be done to them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from access.firmware.comparing import RATES
from access.firmware.judging import FALSE_STOPS
from access.firmware.planning import Asked
from access.firmware.words import NAMES, verdict_in_words
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ManagesFirmware, SeesFleet
from api.queries.firmware import find_rollout, versions_by_model
from api.routes.common import RowId
from api.services import Services
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.rollouts import STAGES, Firmware, OfferState, Stage
from fleet.text import quoted
from storage.records.paging import Asked as Part
from storage.records.rollouts import find_rollout_devices
from storage.records.sites import sites_within

_SHOWN_DEVICES = 50
Step = Literal["start", "pause", "resume", "skip", "roll_back", "cancel"]
_EMPTY = {
    "model": "",
    "version": "",
    "url": "",
    "sha256": "",
    "size": "",
    "place": "",
    "older_than": "",
    "stages": " ".join(f"{each.share:.0%}".rstrip("%") for each in STAGES),
    "soak": " ".join(f"{each.soak_h:g}" for each in STAGES),
    "by_hand": "",
}


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/firmware")
def firmware_page(request: Request, pages: Console, sites: SeesFleet) -> Response:
    """List what devices run, and the roll-outs."""
    asked(request, NoQuery)
    return show_firmware(pages, request, sites)


@router.post("/firmware")
def plan_rollout(
    request: Request,
    pages: Console,
    services: Services,
    sites: ManagesFirmware,
    principal: ActingByForm,
    model: Annotated[str, Form(max_length=64)] = "",
    version: Annotated[str, Form(max_length=64)] = "",
    url: Annotated[str, Form(max_length=2100)] = "",
    sha256: Annotated[str, Form(max_length=64)] = "",
    size: Annotated[str, Form(max_length=16)] = "",
    place: Annotated[str, Form(max_length=80)] = "",
    older_than: Annotated[str, Form(max_length=64)] = "",
    stages: Annotated[str, Form(max_length=100)] = "",
    soak: Annotated[str, Form(max_length=100)] = "",
    by_hand: Annotated[str, Form(max_length=8)] = "",
) -> Response:
    """Plan a roll-out; what is refused comes back in the form with the reason."""
    entered = {
        "model": model,
        "version": version,
        "url": url,
        "sha256": sha256,
        "size": size,
        "place": place,
        "older_than": older_than,
        "stages": stages,
        "soak": soak,
        "by_hand": by_hand,
    }

    def change() -> Response:
        scope, _, name = place.partition(" ")
        plan = Asked(
            Firmware(version.strip(), url.strip(), sha256.strip().lower(), _whole(size)),
            model,
            frozenset({name}) if scope == "site" else None,
            name if scope == "region" else "",
            older_than.strip() or None,
            _stages(stages, soak),
            bool(by_hand),
        )
        return _to(services.rollouts.create(plan, principal, sites).id)

    return tried(change, lambda code, why: show_firmware(pages, request, sites, code, why, entered))


@router.get("/firmware/rollouts/{rollout_id}")
def rollout_page(request: Request, pages: Console, sites: SeesFleet, rollout_id: RowId) -> Response:
    """Show one roll-out: its stages, what was compared, who is on what, what happened."""
    asked(request, NoQuery)
    return show_rollout(pages, request, rollout_id, sites)


@router.post("/firmware/rollouts/{rollout_id}/{step}")
def change_rollout(
    request: Request,
    pages: Console,
    services: Services,
    sites: ManagesFirmware,
    principal: ActingByForm,
    rollout_id: RowId,
    step: Step,
    why: Annotated[str, Form(max_length=1000)] = "",
    version: Annotated[str, Form(max_length=64)] = "",
    url: Annotated[str, Form(max_length=2100)] = "",
    sha256: Annotated[str, Form(max_length=64)] = "",
    size: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Do to a roll-out what was asked for."""
    services.rollouts.one(rollout_id, sites)

    def change() -> Response:
        if step == "roll_back":
            named = Firmware(version.strip(), url.strip(), sha256.strip().lower(), _whole(size or "0"))
            services.rollouts.roll_back(rollout_id, principal, why, sites, named if version.strip() else None)
        else:
            getattr(services.rollouts, step)(rollout_id, principal, why, sites)
        return _to(rollout_id)

    return tried(change, lambda code, said: show_rollout(pages, request, rollout_id, sites, code, said))


def show_firmware(
    pages: Pages,
    request: Request,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
    entered: dict[str, str] | None = None,
) -> Response:
    """Return the page of firmware, with what was refused and had been entered."""
    services = pages.services
    with services.desk.transaction() as session:
        places = sites_within(session, sites)
    return pages.render(
        request,
        "firmware/firmware.html",
        status,
        versions=versions_by_model(services, sites),
        rollouts=services.rollouts.every(sites),
        sites=places,
        regions=sorted({each.region for each in places if each.region}),
        false_stops=FALSE_STOPS,
        error=error,
        entered=_EMPTY | (entered or {}),
    )


def show_rollout(
    pages: Pages,
    request: Request,
    rollout_id: int,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
) -> Response:
    """Return the page of one roll-out, with what was refused."""
    shown = find_rollout(pages.services, rollout_id, sites)
    with pages.services.desk.transaction() as session:
        first = Part("place", _SHOWN_DEVICES, None, "")
        found = find_rollout_devices(session, rollout_id, None, first, begun=True)
    return pages.render(
        request,
        "firmware/rollout.html",
        status,
        shown=shown,
        rollout=shown.rollout,
        devices=found.rows,
        more=found.next_cursor is not None,
        verdict=verdict_in_words,
        states=tuple(OfferState),
        rates=RATES,
        names=NAMES,
        false_stops=FALSE_STOPS,
        error=error,
    )


def _whole(text: str) -> int:
    if not text.strip().isdecimal():
        raise InvalidInput(f"size: {quoted(text)} is none; allowed: bytes, a whole number")
    return int(text)


def _stages(shares: str, soak: str) -> tuple[Stage, ...]:
    """Return the stages of a form: shares in per cent and hours, as many of each."""
    try:
        parts = [float(each) / 100 for each in shares.replace("%", " ").replace(",", " ").split()]
        hours = [float(each) for each in soak.replace(",", " ").split()]
    except ValueError:
        raise InvalidInput("stages: allowed: numbers, such as 1 10 50 100 and 72 48 24 24") from None
    if len(hours) == 1:
        hours *= len(parts)
    if len(parts) != len(hours):
        raise InvalidInput("soak: as many hours as there are stages, or one for all of them")
    return tuple(Stage(share, soak_h) for share, soak_h in zip(parts, hours, strict=True))


def _to(rollout_id: int) -> Response:
    """Return to the page of a roll-out by GET, so that a reload posts nothing again."""
    return RedirectResponse(f"/firmware/rollouts/{rollout_id}", status_code=303)
