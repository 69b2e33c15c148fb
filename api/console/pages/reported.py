"""The page behind the code on a robot or a customer's link: what is wrong is told without a sign-in."""

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
from api.console.render.asked import SavedView, asked
from api.console.render.language import language_of
from api.console.render.templates import Console, Pages
from api.doors import address_of
from api.services import Services
from fleet.devices import Device
from fleet.errors import InvalidInput
from fleet.principals import Principal, PrincipalKind
from fleet.requests import Channel, ReportLink, Suits
from fleet.text import quoted
from storage.records.device_lists import device_of
from storage.records.device_names import devices_at_site
from storage.records.tickets import open_case_of

_LONGEST = 64


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/r/{secret}")
def reported_page(request: Request, pages: Console, services: Services, secret: str) -> Response:
    """Ask what is wrong."""
    services.rates.sign_in(address_of(request))
    link = services.intake.links.open(secret[:_LONGEST])
    saved = asked(request, SavedView).saved
    return _page(pages, request, link, secret[:_LONGEST], Entered(), saved=saved)


@router.post("/r/{secret}")
def report_by_link(
    request: Request, pages: Console, services: Services, secret: str, entered: Said
) -> Response:
    """Propose what it may be; with the other button take the report."""
    services.rates.sign_in(address_of(request))
    secret = secret[:_LONGEST]
    link = services.intake.links.open(secret)

    def change() -> Response:
        device = _device(pages, link, entered)
        if not entered.words:
            raise InvalidInput("words: say what is wrong; required")
        if entered.stage != "send":
            return _page(pages, request, link, secret, entered, step=2)
        services.intake.reports.check_link(link.id)
        channel = Channel.QR if link.device_id else Channel.CUSTOMER
        said = new_request(
            entered,
            channel,
            language_of(request),
            device.id if device else None,
            device.site if device else link.site,
            link.id,
        )
        name = entered.who[:64] or "customer"
        by = Principal(PrincipalKind.CUSTOMER, f"report-link-{link.id}", name)
        services.intake.reports.take(said, by, checked_pictures(services, entered))
        return RedirectResponse(f"/r/{secret}?saved=1", status_code=303)

    step = 2 if entered.stage == "send" else 1
    return tried(
        change,
        lambda status, why: _page(pages, request, link, secret, entered, status, error=why, step=step),
        404,
        429,
    )


def _device(pages: Pages, link: ReportLink, entered: Entered) -> Device | None:
    """Return the device that a report is about: the link's, or the one chosen of the link's site."""
    wanted = link.device_id or entered.device
    if not wanted:
        return None
    with pages.services.desk.transaction() as session:
        if link.device_id is not None:
            return device_of(session, wanted)
        here = {one.id: one for one in devices_at_site(session, link.site)}
    if wanted not in here:
        raise InvalidInput(f"device: {quoted(wanted)} is none of this site; choose one of the list")
    return here[wanted]


def _page(
    pages: Pages,
    request: Request,
    link: ReportLink,
    secret: str,
    entered: Entered,
    status: int = 200,
    *,
    error: str | None = None,
    step: int = 1,
    saved: bool = False,
) -> Response:
    with pages.services.desk.transaction() as session:
        if link.device_id is not None:
            devices = [device_of(session, link.device_id)]
        else:
            devices = list(devices_at_site(session, link.site))
        cases = {one.id: open_case_of(session, one.id) for one in devices}
    chosen = next((one for one in devices if one.id == (link.device_id or entered.device)), None)
    values: dict[str, Any] = {
        "devices": devices,
        "reported": {name: case.opened_at for name, case in cases.items() if case is not None},
        "chosen": chosen,
        "most_pictures": MOST_PICTURES,
        "windows": tuple(Suits),
    }
    values |= choices(entered.words, chosen.kind if chosen else None)
    return pages.render(
        request,
        "desk/reported.html",
        status,
        chosen.site if chosen else link.site,
        link=link,
        secret=secret,
        entered=entered,
        error=error,
        status=status,
        step=step,
        saved=saved,
        **values,
    )
