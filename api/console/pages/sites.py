"""The console's pages of sites: what each is called, where it is, for whom, and by which clock."""

from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, SavedView, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ChangesSites
from api.routes.common import SiteId
from api.routes.sites import add_site, check_within, describe
from api.services import Services
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.service import SITE_TYPES
from fleet.sites import Site
from fleet.text import Text, quoted
from storage.records.sites import site_of, sites_within

Entered = dict[str, str]


def entered_site(
    name_en: Annotated[str, Form(max_length=128)] = "",
    name_zh: Annotated[str, Form(max_length=128)] = "",
    region: Annotated[str, Form(max_length=64)] = "",
    customer: Annotated[str, Form(max_length=64)] = "",
    address: Annotated[str, Form(max_length=255)] = "",
    lat: Annotated[str, Form(max_length=24)] = "",
    lon: Annotated[str, Form(max_length=24)] = "",
    zone: Annotated[str, Form(max_length=64)] = "",
    type: Annotated[str, Form(max_length=16)] = "",  # noqa: A002 - the name that sites have it by
) -> Entered:
    """Return what a form says of a site, as it was typed."""
    given = {"name_en": name_en, "name_zh": name_zh, "region": region, "customer": customer}
    given |= {"address": address, "lat": lat, "lon": lon, "zone": zone, "type": type}
    return {name: text.replace("\0", "").strip() for name, text in given.items()}


_Said = Annotated[Entered, Depends(entered_site)]


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/sites")
def sites_page(request: Request, pages: Console, sites: ChangesSites) -> Response:
    """List the sites that somebody may describe."""
    asked(request, NoQuery)
    return _list(pages, request, sites)


@router.post("/sites")
def add(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesSites,
    principal: ActingByForm,
    said: _Said,
    id: Annotated[str, Form(max_length=64)] = "",  # noqa: A002 - the name that sites have it by
) -> Response:
    """Describe a site whose devices are still to come."""
    check_within(id, sites)

    def change() -> Response:
        add_site(services, principal, _site(id, said))
        return RedirectResponse("/sites", status_code=303)

    return tried(change, lambda status, why: _list(pages, request, sites, status, why, said | {"id": id}))


@router.get("/sites/{site_id}")
def site_page(request: Request, pages: Console, sites: ChangesSites, site_id: SiteId) -> Response:
    """Show what is said of a site, to be changed."""
    saved = asked(request, SavedView).saved
    site = _known(pages, sites, site_id)
    return _one(pages, request, sites, site, _typed(site), saved=saved)


@router.post("/sites/{site_id}")
def change(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesSites,
    principal: ActingByForm,
    site_id: SiteId,
    said: _Said,
) -> Response:
    """Say what a site is, in place of what was said before."""
    site = _known(pages, sites, site_id)

    def describe_it() -> Response:
        describe(services, principal, sites, _site(site_id, said))
        return RedirectResponse(f"/sites/{quote(site_id, safe='')}?saved=1", status_code=303)

    return tried(
        describe_it, lambda status, why: _one(pages, request, sites, site, said, status, error=why), 403
    )


def _known(pages: Pages, sites: Sites, site_id: str) -> Site:
    check_within(site_id, sites)
    with pages.services.desk.transaction() as session:
        return site_of(session, site_id)


def _list(
    pages: Pages,
    request: Request,
    sites: Sites,
    status: int = 200,
    error: str | None = None,
    entered: Entered | None = None,
) -> Response:
    values: dict[str, Any] = {
        "may_add": sites is None,
        "error": error,
        "entered": entered or _typed(Site("")) | {"id": ""},
    }
    return pages.render(request, "access/sites.html", status, **_choices(pages, sites), **values)


def _one(
    pages: Pages, request: Request, sites: Sites, site: Site, entered: Entered, status: int = 200, **more: Any
) -> Response:
    values: dict[str, Any] = {"error": None, "saved": False, "entered": entered, "described": site} | more
    choices = _choices(pages, sites)
    return pages.render(request, "access/site.html", status, site.id, **choices, **values)


def _choices(pages: Pages, sites: Sites) -> dict[str, Any]:
    """Return the sites that somebody may describe, and what is said of them already, to choose from."""
    with pages.services.desk.transaction() as session:
        found = sites_within(session, sites)
    return {
        "sites": found,
        "regions": sorted({each.region for each in found if each.region}),
        "customers": sorted({each.customer for each in found if each.customer}),
        "types": SITE_TYPES,
        "zones": sorted(name for name in available_timezones() if "/" in name),
    }


def _typed(site: Site) -> Entered:
    """Return a site as its form holds it."""
    return {
        "name_en": site.name.en,
        "name_zh": site.name.zh,
        "region": site.region,
        "customer": site.customer,
        "address": site.address,
        "lat": "" if site.lat is None else str(site.lat),
        "lon": "" if site.lon is None else str(site.lon),
        "zone": site.zone,
        "type": site.type,
    }


def _site(site_id: str, said: Entered) -> Site:
    """Return the site that a form describes. Raises InvalidInput."""
    return Site(
        site_id,
        Text(said["name_en"], said["name_zh"]),
        said["region"],
        said["customer"],
        said["address"],
        _degrees(said, "lat", 90, "-90 to 90, in degrees"),
        _degrees(said, "lon", 180, "-180 to 180, in degrees"),
        said["zone"],
        said["type"],
    )


def _degrees(said: Entered, name: str, most: int, allowed: str) -> float | None:
    if not said[name]:
        return None
    try:
        found = float(said[name])
    except ValueError:
        found = float("nan")
    if not -most <= found <= most:
        raise InvalidInput(f"{name}: {quoted(said[name])} is none; allowed: {allowed}")
    return found
