"""Engineers and service regions. Callers bring the transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.engineers import Certificate, Engineer, Stars, Training
from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.regions import Region
from fleet.text import Text, quoted
from storage.records.base import Base
from storage.records.described import Kept, keep
from storage.records.sites import SiteRow


class EngineerRow(Base):
    """An engineer (fleet.engineers.Engineer); dates within the lists are ISO."""

    __tablename__ = "engineer"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    account: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"), unique=True)
    region: Mapped[str] = mapped_column(String(64), index=True)
    leader: Mapped[str] = mapped_column(String(64))
    phone: Mapped[str] = mapped_column(String(32))
    email: Mapped[str] = mapped_column(String(254))
    skills: Mapped[list[str]] = mapped_column(JSON)
    certificates: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    training: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    stars: Mapped[float | None]
    stars_at: Mapped[int | None]
    shifts: Mapped[dict[str, Any]]
    home_lat: Mapped[float | None]
    home_lon: Mapped[float | None]
    van: Mapped[str] = mapped_column(String(64))
    employer: Mapped[str] = mapped_column(String(64), default="", server_default="")
    active: Mapped[bool]
    version: Mapped[int]


class RegionRow(Base):
    """A service region (fleet.regions.Region)."""

    __tablename__ = "service_region"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(128))
    name_zh: Mapped[str] = mapped_column(String(128))
    leader: Mapped[str] = mapped_column(String(64))
    director: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]


def keep_engineer(session: Session, engineer: Engineer, version: int | None = None) -> Kept:
    """Keep what is said of an engineer; how they were judged (stars) stays. Raises Conflict as `keep`."""
    return keep(session, EngineerRow, engineer_columns(engineer), version)


def keep_region(session: Session, region: Region, version: int | None = None) -> Kept:
    """Keep what is said of a region. Raises Conflict as `keep`."""
    return keep(session, RegionRow, region_columns(region), version)


def keep_stars(session: Session, engineer_id: str, stars: Stars | None) -> None:
    """Keep what an engineer's work was judged at; None: nothing is known of it. Raises NotFound."""
    row = _row(session, engineer_id)
    row.stars, row.stars_at = (None, None) if stars is None else (stars.stars, stars.at)


def engineer_of(session: Session, engineer_id: str, sites: Sites = None) -> Engineer:
    """Return an engineer. Raises NotFound, also for one of a region in which none of `sites` is."""
    row = _row(session, engineer_id)
    if sites is not None and row.region and row.region not in regions_of(session, sites):
        raise NotFound(f"there is no engineer {quoted(engineer_id)}")
    return _engineer(row)


def engineers(session: Session, sites: Sites = None) -> Sequence[Engineer]:
    """Return the engineers of the regions of some sites, and those of no region, by id."""
    wanted = select(EngineerRow).order_by(EngineerRow.id)
    if sites is not None:
        within = regions_of(session, sites)
        wanted = wanted.where(or_(EngineerRow.region == "", EngineerRow.region.in_(within)))
    return [_engineer(row) for row in session.scalars(wanted)]


def leaders(session: Session) -> dict[str, str]:
    """Return who leads each engineer, by id; "" where nobody does."""
    return {row.id: row.leader for row in session.execute(select(EngineerRow.id, EngineerRow.leader))}


def account_holders(session: Session) -> dict[int, str]:
    """Return which engineer has an account, by the id of the person."""
    wanted = select(EngineerRow.account, EngineerRow.id).where(EngineerRow.account.is_not(None))
    return {row.account: row.id for row in session.execute(wanted) if row.account is not None}


def engineer_of_account(session: Session, account: int) -> Engineer | None:
    """Return the engineer who signs in as a person; None where nobody does."""
    row = session.scalar(select(EngineerRow).where(EngineerRow.account == account))
    return None if row is None else _engineer(row)


def regions_of(session: Session, sites: Sites) -> frozenset[str]:
    """Return the regions that these sites are in."""
    rows = session.execute(select(SiteRow.id, SiteRow.region).where(SiteRow.region != ""))
    return frozenset(row.region for row in rows if sites is None or row.id in sites)


def region_of(session: Session, region_id: str, sites: Sites = None) -> Region:
    """Return a region. Raises NotFound, also where none of `sites` is in it."""
    row = session.get(RegionRow, region_id) if "\0" not in region_id else None
    if row is None or (sites is not None and region_id not in regions_of(session, sites)):
        raise NotFound(f"there is no region {quoted(region_id)}")
    return _region(row)


def regions(session: Session, sites: Sites = None) -> Sequence[Region]:
    """Return the regions that somebody described and some sites are in, by id."""
    within = None if sites is None else regions_of(session, sites)
    rows = session.scalars(select(RegionRow).order_by(RegionRow.id))
    return [_region(row) for row in rows if within is None or row.id in within]


def region_at(session: Session, site: str) -> Region | None:
    """Return who answers for a site: its region; None where it is in none, or nobody described that."""
    named = select(SiteRow.region).where(SiteRow.id == site).scalar_subquery()
    row = session.scalar(select(RegionRow).where(RegionRow.id == named))
    return None if row is None else _region(row)


def engineer_columns(engineer: Engineer) -> dict[str, Any]:
    """Return what a row holds of an engineer, but for its version and how they were judged."""
    lat, lon = engineer.home or (None, None)
    return {
        "id": engineer.id,
        "name": engineer.name,
        "account": engineer.account,
        "region": engineer.region,
        "leader": engineer.leader,
        "phone": engineer.phone,
        "email": engineer.email,
        "skills": sorted(engineer.skills),
        "certificates": [_certificate_columns(each) for each in engineer.certificates],
        "training": [
            {"on": each.on.isoformat(), "topic": each.topic, "hours": each.hours}
            for each in engineer.training
        ],
        "shifts": {day: list(hours) for day, hours in engineer.shifts.items()},
        "home_lat": lat,
        "home_lon": lon,
        "van": engineer.van,
        "employer": engineer.employer,
        "active": engineer.active,
    }


def engineer_from(columns: Mapping[str, Any]) -> Engineer:
    """Return the engineer that the columns of a row describe."""
    return _engineer(EngineerRow(**columns, version=0))


def region_columns(region: Region) -> dict[str, Any]:
    """Return what a row holds of a region, but for its version."""
    return {
        "id": region.id,
        "name_en": region.name.en,
        "name_zh": region.name.zh,
        "leader": region.leader,
        "director": region.director,
    }


def _certificate_columns(one: Certificate) -> dict[str, Any]:
    return {
        "name": one.name,
        "skill": one.skill,
        "number": one.number,
        "issued": None if one.issued is None else one.issued.isoformat(),
        "expires": None if one.expires is None else one.expires.isoformat(),
    }


def _row(session: Session, engineer_id: str) -> EngineerRow:
    row = session.get(EngineerRow, engineer_id) if "\0" not in engineer_id else None
    if row is None:
        raise NotFound(f"there is no engineer {quoted(engineer_id)}")
    return row


def _engineer(row: EngineerRow) -> Engineer:
    judged = row.stars is not None and row.stars_at is not None
    placed = row.home_lat is not None and row.home_lon is not None
    return Engineer(
        id=row.id,
        name=row.name,
        account=row.account,
        region=row.region,
        leader=row.leader,
        phone=row.phone,
        email=row.email,
        skills=frozenset(row.skills),
        certificates=tuple(
            Certificate(
                each["name"], each["skill"], each["number"], _date(each["issued"]), _date(each["expires"])
            )
            for each in row.certificates
        ),
        training=tuple(
            Training(date.fromisoformat(each["on"]), each["topic"], each["hours"]) for each in row.training
        ),
        stars=Stars(row.stars, row.stars_at) if judged else None,  # type: ignore[arg-type]  # both are there
        shifts={day: tuple(hours) for day, hours in row.shifts.items()},
        home=(row.home_lat, row.home_lon) if placed else None,  # type: ignore[arg-type]  # both are there
        van=row.van,
        employer=row.employer,
        active=row.active,
        version=row.version,
    )


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _region(row: RegionRow) -> Region:
    return Region(row.id, Text(row.name_en, row.name_zh), row.leader, row.director, row.version)
