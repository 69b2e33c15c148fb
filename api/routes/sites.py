"""Sites: what they are called, for whom they are, where, and by which clock people live there."""

import re
from dataclasses import asdict
from typing import Any
from zoneinfo import available_timezones

from fastapi import APIRouter
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from api.access_schemas import SiteChange, SiteItem
from api.doors import Acting, ChangesSites, SeesFleet
from api.routes.common import Nothing, SiteId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.contacts import LINE
from fleet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.service import SITE_TYPES
from fleet.sites import Site
from fleet.text import Text, near, quoted
from fleet.wire import RESERVED_SITE, is_id
from storage.records.events import tell
from storage.records.sites import all_sites, describe_site, site_of

_NO_PLACES = frozenset({"Factory", "localtime"})
"""Time zones of the database that are none of a place."""
router = APIRouter(prefix="/api/v1/sites", tags=["sites"])


@router.get("", responses=problems())
def list_sites(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[SiteItem]:
    """List the sites, by id: those that somebody described, and those that devices name."""
    with services.desk.transaction() as session:
        found = all_sites(session)
    return ListOf(items=[_item(each) for each in found if sites is None or each.id in sites])


@router.get("/{site_id}", responses=problems(not_found="There is no such site"))
def show_site(services: Services, sites: SeesFleet, site_id: SiteId, _: Nothing) -> SiteItem:
    """Show one site."""
    check_within(site_id, sites)
    with services.desk.transaction() as session:
        return _item(site_of(session, site_id))


@router.put(
    "/{site_id}", responses=problems(body="The body cannot be read", not_found="There is no such site")
)
def change_site(
    services: Services,
    sites: ChangesSites,
    principal: Acting,
    site_id: SiteId,
    change: SiteChange,
    _: Nothing,
) -> SiteItem:
    """Say what a site is, in place of what was said before; one may be named before its devices are."""
    check_within(site_id, sites)
    site = Site(
        site_id,
        Text(change.name.en, change.name.zh),
        change.region,
        change.customer,
        change.address,
        change.lat,
        change.lon,
        change.zone,
        change.type,
    )
    describe(services, principal, sites, site)
    return _item(site)


def describe(services: ApiServices, principal: Principal, sites: Sites, site: Site) -> None:
    """Keep what somebody says of a site.

    Raises InvalidInput for a time zone that there is not, NotAllowed for another region: roles hold in
    regions, so that whoever moves a site gives and takes them.
    """
    _check(site)
    with services.desk.transaction() as session:
        before = {each.id: each.region for each in all_sites(session)}.get(site.id, "")
        if sites is not None and site.region != before:
            raise NotAllowed("region: only who may act everywhere moves a site: roles hold in regions")
        _keep(session, services, principal, site)
    services.doors.forget()  # regions reach other sites now


def add_site(services: ApiServices, principal: Principal, site: Site) -> None:
    """Describe a site that nobody knows yet. Raises InvalidInput, and Conflict where there is one."""
    if not is_id(site.id):
        raise InvalidInput(f"id: {quoted(site.id)} is none; allowed: 1 to 64 letters, digits, _ and -")
    _check(site)
    with services.desk.transaction() as session:
        if any(each.id == site.id for each in all_sites(session)):
            raise Conflict(f"there is a site {quoted(site.id)} already")
        try:
            _keep(session, services, principal, site)
        except IntegrityError as error:  # another request was first
            raise Conflict(f"there is a site {quoted(site.id)} already") from error
    services.doors.forget()


def _keep(session: Session, services: ApiServices, principal: Principal, site: Site) -> None:
    describe_site(session, site)
    now, data = services.clock.now_ms(), _said(site)
    tell(session, Event(now, Subject.SITE, site.id, "described", principal, "described", site.id, data=data))


def _said(site: Site) -> dict[str, Any]:
    return {name: value for name, value in asdict(site).items() if name != "id"}


def _check(site: Site) -> None:
    if site.id == RESERVED_SITE:
        raise InvalidInput(f"id: no device can be at {RESERVED_SITE}; choose another")
    if site.zone and (site.zone in _NO_PLACES or site.zone not in available_timezones()):
        raise InvalidInput(
            f"zone: {quoted(site.zone)} is no time zone; allowed are names such as Asia/Shanghai"
        )
    if site.type and site.type not in SITE_TYPES:
        allowed = ", ".join(SITE_TYPES)
        raise InvalidInput(
            f"type: {quoted(site.type)} is none; allowed: {allowed}{near(site.type, SITE_TYPES)}"
        )
    words = {"region": site.region, "customer": site.customer, "address": site.address}
    for field, text in (words | {"name.en": site.name.en, "name.zh": site.name.zh}).items():
        if not re.fullmatch(LINE, text):
            raise InvalidInput(f"{field}: {quoted(text)} is none; allowed: text on one line")
    if (site.lat is None) != (site.lon is None):
        raise InvalidInput("lat, lon: allowed: both or none")


def check_within(site_id: str, sites: frozenset[str] | None) -> None:
    """Raise NotFound for a site that is not among those of whoever asks."""
    if sites is not None and site_id not in sites:
        raise NotFound(f"there is no site {quoted(site_id)}")


def _item(site: Site) -> SiteItem:
    return SiteItem.model_validate(asdict(site))
