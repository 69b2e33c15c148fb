"""The console's page of claiming a device, to which the QR code on its label leads."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from access.devices.claims import Claims
from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, AdmitsDevices
from api.services import Services
from fleet.device_doors import Wanted
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.sites import Site
from fleet.text import quoted
from storage.records.sites import sites_within

_FIELD = Annotated[str, Form(max_length=64)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/claim")
def claim_page(request: Request, pages: Console, sites: AdmitsDevices) -> Response:
    """Ask for what is on a device's label, and where it is to work.

    Serial number and code come behind the `#` of the label's address, which no browser sends: console.js
    puts them into the form.
    """
    asked(request, NoQuery)
    return _page(pages, request, sites)


@router.post("/claim")
def claim(
    request: Request,
    pages: Console,
    services: Services,
    sites: AdmitsDevices,
    principal: ActingByForm,
    serial: _FIELD = "",
    code: _FIELD = "",
    site: _FIELD = "",
    id: _FIELD = "",  # noqa: A002 - the name that devices have it by
) -> Response:
    """Take a device to a site, and show the password that is to be put into it, this once."""

    def change() -> Response:
        if site not in {each.id for each in _places(pages, sites)}:
            raise InvalidInput(f"there is no site {quoted(site)}")
        claiming = Claims(services.desk, services.clock, services.devices)
        asked_for, device = (serial.strip(), code), (id.strip(), site.strip())
        handed = claiming.claim(asked_for, device, Wanted(), principal, sites)
        return pages.render(request, "access/claimed.html", handed=handed)

    entered = {"serial": serial, "code": code, "site": site, "id": id}
    return tried(
        change, lambda status, why: _page(pages, request, sites, status, why, entered), 403, 404, 429
    )


def _page(
    pages: Pages,
    request: Request,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
    entered: dict[str, str] | None = None,
) -> Response:
    values: dict[str, Any] = {
        "places": _places(pages, sites),
        "error": error,
        "entered": entered or {"serial": "", "code": "", "site": "", "id": ""},
    }
    return pages.render(request, "access/claim.html", status, **values)


def _places(pages: Pages, sites: Sites) -> Sequence[Site]:
    with pages.services.desk.transaction() as session:
        return sites_within(session, sites)
