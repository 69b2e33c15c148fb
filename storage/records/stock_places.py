"""Depots and vans. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.stock import PlaceKind, StockPlace
from fleet.text import Text, quoted
from storage.records.base import Base
from storage.records.described import Kept, keep
from storage.records.engineers import regions_of


class StockPlaceRow(Base):
    """A place that holds stock (fleet.stock.StockPlace)."""

    __tablename__ = "stock_place"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name_en: Mapped[str] = mapped_column(String(128))
    name_zh: Mapped[str] = mapped_column(String(128))
    region: Mapped[str] = mapped_column(String(64))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    active: Mapped[bool]
    version: Mapped[int]


def keep_place(session: Session, place: StockPlace, version: int | None = None) -> Kept:
    """Keep what is said of a place. Raises Conflict as `keep`."""
    return keep(session, StockPlaceRow, place_columns(place), version)


def stock_place(session: Session, place_id: str, sites: Sites = None) -> StockPlace:
    """Return a place. Raises NotFound, also for one of a region in which none of `sites` is."""
    row = session.get(StockPlaceRow, place_id) if "\0" not in place_id else None
    if row is None or (sites is not None and row.region and row.region not in regions_of(session, sites)):
        raise NotFound(f"there is no place {quoted(place_id)}")
    return _place(row)


def is_place(session: Session, place_id: str) -> bool:
    """Tell whether somebody described a place, whosever it is."""
    return "\0" not in place_id and session.get(StockPlaceRow, place_id) is not None


def stock_places(session: Session, sites: Sites = None) -> Sequence[StockPlace]:
    """Return the places of the regions of some sites, and those of no region, by id."""
    wanted = places_of(session, select(StockPlaceRow), sites)
    return [_place(row) for row in session.scalars(wanted.order_by(StockPlaceRow.id))]


def places_of(session: Session, query: Select[Any], sites: Sites) -> Select[Any]:
    """Return a query that reads rows of places, for those that serve some sites alone."""
    if sites is None:
        return query
    within = regions_of(session, sites)
    return query.where(or_(StockPlaceRow.region == "", StockPlaceRow.region.in_(within)))


def ids_of_places(session: Session, sites: Sites) -> Select[Any] | None:
    """Return a query for the ids of the places that serve some sites; None where all do."""
    return None if sites is None else places_of(session, select(StockPlaceRow.id), sites)


def place_columns(place: StockPlace) -> dict[str, Any]:
    """Return what a row holds of a place, but for its version."""
    return {
        "id": place.id,
        "kind": place.kind.value,
        "name_en": place.name.en,
        "name_zh": place.name.zh,
        "region": place.region,
        "lat": place.lat,
        "lon": place.lon,
        "active": place.active,
    }


def _place(row: StockPlaceRow) -> StockPlace:
    name = Text(row.name_en, row.name_zh)
    return StockPlace(
        row.id, PlaceKind(row.kind), name, row.region, row.lat, row.lon, row.active, row.version
    )
