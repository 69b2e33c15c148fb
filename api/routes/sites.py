"""Sites: what they are called, for whom they are, where, and by which clock people live there."""

from dataclasses import asdict
from zoneinfo import available_timezones

from fastapi import APIRouter

from api.access_schemas import SiteChange, SiteItem
from api.doors import Acting, ChangesSites, SeesFleet
from api.routes.common import Nothing, SiteId, problems
from api.schemas import ListOf
from api.services import Services
from fleet.errors import InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.sites import Site
from fleet.text import Text, quoted
from storage.records.events import tell
from storage.records.sites import all_sites, describe_site, site_of

router = APIRouter(prefix="/sites", tags=["sites"])


@router.get("", responses=problems())
def list_sites(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[SiteItem]:
    """List the sites, by id: those that somebody described, and those that devices name."""
    with services.desk.transaction() as session:
        found = all_sites(session)
    return ListOf(items=[_item(each) for each in found if sites is None or each.id in sites])


@router.get("/{site_id}", responses=problems(not_found="There is no such site"))
def show_site(services: Services, sites: SeesFleet, site_id: SiteId, _: Nothing) -> SiteItem:
    """Show one site."""
    _check_within(site_id, sites)
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
    _check_within(site_id, sites)
    if change.zone and change.zone not in available_timezones():
        raise InvalidInput(
            f"zone: {quoted(change.zone)} is no time zone; allowed are names such as Asia/Shanghai"
        )
    site = Site(
        site_id,
        Text(change.name.en, change.name.zh),
        change.region,
        change.customer,
        change.address,
        change.lat,
        change.lon,
        change.zone,
    )
    with services.desk.transaction() as session:
        describe_site(session, site)
        data = change.model_dump()
        now = services.clock.now_ms()
        tell(
            session,
            Event(now, Subject.SITE, site_id, "described", principal, "described", site_id, data=data),
        )
    services.doors.forget()  # regions reach other sites now
    return _item(site)


def _check_within(site_id: str, sites: frozenset[str] | None) -> None:
    if sites is not None and site_id not in sites:
        raise NotFound(f"there is no site {quoted(site_id)}")


def _item(site: Site) -> SiteItem:
    return SiteItem.model_validate(asdict(site))
