"""The console's page of reporting something: who and where, what is wrong, when it suits."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.report_form import (
    MOST_PICTURES,
    Entered,
    Said,
    checked_pictures,
    choices,
    new_request,
)
from api.console.pages.tried import tried
from api.console.render.asked import asked
from api.console.render.language import language_of
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, Known, ReportsFaults
from api.params import Params, SearchText
from api.services import Services
from fleet.devices import Device
from fleet.errors import InvalidInput, NotFound
from fleet.grants import Sites
from fleet.requests import Channel, NewRequest, Suits
from fleet.requests import Request as Reported
from fleet.text import quoted
from storage.records.device_names import devices_called
from storage.records.sites import sites_within


class ReportView(Params):
    """The address of the page: the device that it is about, where somebody came from its page."""

    device: SearchText | None = None


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/report")
def report_page(request: Request, pages: Console, _visitor: Known, sites: ReportsFaults) -> Response:
    """Ask what is wrong, and with which device."""
    view = asked(request, ReportView)
    return _page(pages, request, sites, Entered(device=view.device or ""), None)


@router.post("/report")
def report(
    request: Request,
    pages: Console,
    services: Services,
    _visitor: Known,
    sites: ReportsFaults,
    principal: ActingByForm,
    entered: Said,
) -> Response:
    """Propose what it may be; with the other button take the report."""

    def change() -> Response:
        device = _device(pages, entered, sites)
        if not entered.words:
            raise InvalidInput("words: say what is wrong; required")
        if device is None and not entered.site and sites is not None:
            raise InvalidInput("site: required, where no device is named")
        if entered.stage != "send":
            return _page(pages, request, sites, entered, device, step=2)
        said = new_request(
            entered,
            Channel.STAFF,
            language_of(request),
            device.id if device else None,
            device.site if device else entered.site or None,
        )
        files = checked_pictures(services, entered)
        taken = services.intake.reports.take(said, principal, files, sites=sites)
        to = f"/tickets/{taken.ticket_id}" if taken.ticket_id else f"/requests/{taken.id}"
        return RedirectResponse(to, status_code=303)

    step = 2 if entered.stage == "send" else 1
    return tried(
        change,
        lambda status, why: _page(
            pages, request, sites, entered, _found(pages, entered, sites), status, error=why, step=step
        ),
        404,
    )


def _device(pages: Pages, entered: Entered, sites: Sites) -> Device | None:
    """Return the device that the form names, by its id or serial number. Raises NotFound, InvalidInput."""
    name = entered.joins or entered.device
    if not name:
        return None
    with pages.services.desk.transaction() as session:
        found = devices_called(session, [name], sites)
    exact = [one for one in found if one.id == name] or found
    if not exact:
        raise NotFound(f"there is no device {quoted(name)}")
    if len(exact) > 1:
        raise InvalidInput(f"device: {quoted(name)} is the serial number of several")
    return exact[0]


def _found(pages: Pages, entered: Entered, sites: Sites) -> Device | None:
    try:
        return _device(pages, entered, sites)
    except (NotFound, InvalidInput):
        return None


def _page(
    pages: Pages,
    request: Request,
    sites: Sites,
    entered: Entered,
    device: Device | None,
    status: int = 200,
    *,
    error: str | None = None,
    step: int = 1,
) -> Response:
    services = pages.services
    if device is None and step == 1:
        device = _found(pages, entered, sites)
    with services.desk.transaction() as session:
        places = sites_within(session, sites)
    values: dict[str, Any] = {
        "places": places,
        "device": device,
        "dossier": services.intake.dossiers.of(device.id, sites) if device else None,
        "doubles": _doubles(pages, entered, device, sites) if step == 2 else (),
        "most_pictures": MOST_PICTURES,
        "windows": tuple(Suits),
    }
    values |= choices(entered.words, device.kind if device else None)
    return pages.render(
        request,
        "desk/report.html",
        status,
        device.site if device else entered.site or None,
        entered=entered,
        error=error,
        status=status,
        step=step,
        **values,
    )


def _doubles(pages: Pages, entered: Entered, device: Device | None, sites: Sites) -> Sequence[Any]:
    """Return open cases of the site that a report of no device may be about."""
    if device is not None or not entered.site:
        return ()
    said = NewRequest(Channel.STAFF, entered.words, site=entered.site, fault=entered.chosen)
    return pages.services.intake.reports.doubles(Reported(0, 0, said, ""), sites).cases
