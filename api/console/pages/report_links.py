"""The console's buttons that make, and end, the links by which something is reported without a sign-in."""

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesDevices, ChangesSites
from api.routes.common import DeviceId, SiteId
from api.routes.people import address_here
from api.routes.sites import check_within
from api.services import Services
from fleet.grants import Sites
from storage.records.device_lists import device_of
from storage.records.sites import site_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/devices/{device_id}/report-link")
def link_device(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesDevices,
    principal: ActingByForm,
    device_id: DeviceId,
) -> Response:
    """Make a link of a device, and show its code this once."""
    secret = services.intake.links.for_device(device_id, principal, sites)
    return _made(pages, request, secret, device_id, f"/devices/{device_id}")


@router.post("/devices/{device_id}/report-link/revoke")
def unlink_device(
    services: Services, sites: ChangesDevices, principal: ActingByForm, device_id: DeviceId
) -> Response:
    """End all links of a device."""
    with services.desk.transaction() as session:
        site = device_of(session, device_id, sites).site
    services.intake.links.revoke(device_id, site, principal)
    return RedirectResponse(f"/devices/{device_id}", status_code=303)


@router.post("/sites/{site_id}/report-link")
def link_site(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesSites,
    principal: ActingByForm,
    site_id: SiteId,
) -> Response:
    """Make a link of a site, and show it this once."""
    _site(pages, site_id, sites)
    secret = services.intake.links.for_site(site_id, principal)
    return _made(pages, request, secret, site_id, f"/sites/{site_id}")


@router.post("/sites/{site_id}/report-link/revoke")
def unlink_site(
    pages: Console, services: Services, sites: ChangesSites, principal: ActingByForm, site_id: SiteId
) -> Response:
    """End all links of a site as a whole."""
    _site(pages, site_id, sites)
    services.intake.links.revoke(None, site_id, principal)
    return RedirectResponse(f"/sites/{site_id}", status_code=303)


def _site(pages: Pages, site_id: str, sites: Sites) -> None:
    check_within(site_id, sites)
    with pages.services.desk.transaction() as session:
        site_of(session, site_id)


def _made(pages: Pages, request: Request, secret: str, name: str, back: str) -> Response:
    public = pages.services.reach.public_url
    address = address_here(request, f"/r/{secret}") if public is None else f"{public}/r/{secret}"
    drawn = segno.make(address, error="m", micro=False).svg_data_uri(border=2, scale=6)
    return pages.render(request, "desk/report_link.html", name=name, address=address, drawn=drawn, back=back)
