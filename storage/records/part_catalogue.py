"""The catalogue of parts. Callers bring the transaction."""

from typing import Any

from sqlalchemy import JSON, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.part_catalogue import Part
from fleet.text import Text, quoted
from storage.records.base import Base
from storage.records.described import Kept, keep
from storage.records.paging import Asked, Order, Page, fetch_page


class PartRow(Base):
    """A part of the catalogue (fleet.part_catalogue.Part)."""

    __tablename__ = "part"

    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(128))
    name_zh: Mapped[str] = mapped_column(String(128))
    price: Mapped[float | None]
    lead_days: Mapped[int | None]
    fits: Mapped[list[str]] = mapped_column(JSON)
    version: Mapped[int]


def keep_part(session: Session, part: Part, version: int | None = None) -> Kept:
    """Keep what is said of a part. Raises Conflict as `keep`."""
    return keep(session, PartRow, part_columns(part), version)


def part_of(session: Session, code: str) -> Part:
    """Return a part. Raises NotFound."""
    row = session.get(PartRow, code) if "\0" not in code else None
    if row is None:
        raise NotFound(f"there is no part {quoted(code)}")
    return _part(row)


def find_parts(session: Session, asked: Asked) -> Page[Part]:
    """Return a page of the catalogue, by code."""
    order = Order(PartRow.code, PartRow.code, asked.descending)
    return fetch_page(session, select(PartRow), order, asked).of(_part)


def part_columns(part: Part) -> dict[str, Any]:
    """Return what a row holds of a part, but for its version."""
    return {
        "code": part.code,
        "name_en": part.name.en,
        "name_zh": part.name.zh,
        "price": part.price,
        "lead_days": part.lead_days,
        "fits": sorted(part.fits),
    }


def _part(row: PartRow) -> Part:
    name = Text(row.name_en, row.name_zh)
    return Part(row.code, name, row.price, row.lead_days, frozenset(row.fits), row.version)
