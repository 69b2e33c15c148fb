"""The catalogue of parts. Callers bring the transaction."""

from typing import Any

from sqlalchemy import JSON, String, false, select
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
    supplier: Mapped[str] = mapped_column(String(64), default="", server_default="")
    warranty_months: Mapped[int | None]
    discontinued: Mapped[bool] = mapped_column(default=False, server_default=false())
    replaced_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    serialised: Mapped[bool] = mapped_column(default=False, server_default=false())
    lot: Mapped[int] = mapped_column(default=1, server_default="1")
    version: Mapped[int]


def keep_part(session: Session, part: Part, version: int | None = None) -> Kept:
    """Keep what is said of a part. Raises Conflict as `keep`."""
    return keep(session, PartRow, part_columns(part), version)


def part_of(session: Session, code: str) -> Part:
    """Return a part. Raises NotFound."""
    found = known_part(session, code)
    if found is None:
        raise NotFound(f"there is no part {quoted(code)}")
    return found


def all_parts(session: Session) -> dict[str, Part]:
    """Return the whole catalogue, by code."""
    return {row.code: _part(row) for row in session.scalars(select(PartRow).order_by(PartRow.code))}


def known_part(session: Session, code: str) -> Part | None:
    """Return a part, None where the catalogue has none of this code."""
    row = session.get(PartRow, code) if "\0" not in code else None
    return None if row is None else _part(row)


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
        "supplier": part.supplier,
        "warranty_months": part.warranty_months,
        "discontinued": part.discontinued,
        "replaced_by": part.replaced_by,
        "serialised": part.serialised,
        "lot": part.lot,
    }


def _part(row: PartRow) -> Part:
    name = Text(row.name_en, row.name_zh)
    return Part(
        row.code,
        name,
        row.price,
        row.lead_days,
        frozenset(row.fits),
        row.supplier,
        row.warranty_months,
        row.discontinued,
        row.replaced_by,
        row.serialised,
        row.lot,
        row.version,
    )
