"""Sites, and the regions and customers that they belong to. Callers bring the transaction.

Devices name their site by its id; a site that nobody described yet has a row from when a device first did.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Float, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.sites import Site
from fleet.text import Text, quoted
from storage.records.base import Base
from storage.records.devices import Device
from storage.records.parts import parts_of


class SiteRow(Base):
    """A site that somebody described (fleet.sites.Site)."""

    __tablename__ = "site"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    region: Mapped[str] = mapped_column(String(64), index=True)
    customer: Mapped[str] = mapped_column(String(64), index=True)
    name_en: Mapped[str] = mapped_column(String(128))
    name_zh: Mapped[str] = mapped_column(String(128))
    address: Mapped[str] = mapped_column(String(255))
    lat: Mapped[float | None] = mapped_column(Float)
    lon: Mapped[float | None] = mapped_column(Float)
    zone: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(String(16), default="", server_default="")


def describe_site(session: Session, site: Site) -> None:
    """Keep what is said of a site, in place of what was said before."""
    session.merge(
        SiteRow(
            id=site.id,
            region=site.region,
            customer=site.customer,
            name_en=site.name.en,
            name_zh=site.name.zh,
            address=site.address,
            lat=site.lat,
            lon=site.lon,
            zone=site.zone,
            type=site.type,
        )
    )
    session.flush()


def site_of(session: Session, site_id: str) -> Site:
    """Return one site, plain where only its devices name it. Raises NotFound where neither is so."""
    row = session.get(SiteRow, site_id)
    if row is not None:
        return _site(row)
    if session.scalar(select(Device.id).where(Device.site == site_id).limit(1)) is None:
        raise NotFound(f"there is no site {quoted(site_id)}")
    return Site(site_id)


def known_zones(session: Session) -> dict[str, str]:
    """Return the IANA names of the time zones of the sites of which somebody said it."""
    return {row.id: row.zone for row in session.execute(select(SiteRow.id, SiteRow.zone)) if row.zone}


def type_of_site(session: Session, site_id: str) -> str:
    """Return of which type a site is, empty where nobody said it."""
    return session.scalar(select(SiteRow.type).where(SiteRow.id == site_id)) or ""


def all_sites(session: Session) -> Sequence[Site]:
    """Return every site that is described or that a device names, by id."""
    known = {row.id: _site(row) for row in session.scalars(select(SiteRow))}
    named = session.scalars(select(Device.site).distinct())
    return [known.get(each, Site(each)) for each in sorted({*known, *named})]


def sites_within(session: Session, sites: Sites) -> Sequence[Site]:
    """Return those of all sites at which somebody may act, by id."""
    return [each for each in all_sites(session) if sites is None or each.id in sites]


def sites_in(session: Session, regions: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the ids of the sites in each of these regions."""
    if not regions:
        return {}
    found: dict[str, set[str]] = {}
    for row in session.execute(select(SiteRow.region, SiteRow.id).where(SiteRow.region.in_(regions))):
        found.setdefault(row.region, set()).add(row.id)
    return {region: frozenset(ids) for region, ids in found.items()}


def _site(row: SiteRow) -> Site:
    name = Text(row.name_en, row.name_zh)
    return Site(row.id, name, row.region, row.customer, row.address, row.lat, row.lon, row.zone, row.type)


@dataclass(frozen=True, slots=True)
class DeviceScope:
    """What a device is and where it belongs, as rules are scoped; "" where nobody said it."""

    site: str = ""
    region: str = ""
    customer: str = ""
    model: str = ""
    firmware: str = ""


def scopes_of(session: Session, device_ids: Iterable[str]) -> dict[str, DeviceScope]:
    """Return what these devices are and where they belong; those that are not registered are left out."""
    found: dict[str, DeviceScope] = {}
    for part in parts_of(device_ids):
        query = (
            select(Device.id, Device.site, SiteRow.region, SiteRow.customer, Device.model, Device.firmware)
            .outerjoin(SiteRow, SiteRow.id == Device.site)
            .where(Device.id.in_(part))
        )
        for device_id, *words in session.execute(query):
            found[device_id] = DeviceScope(*(word or "" for word in words))
    return found
