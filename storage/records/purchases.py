"""When devices were bought, and until when their makers answer for them. Callers bring the transaction."""

from collections.abc import Collection

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base
from storage.records.devices import Device
from storage.records.parts import parts_of


class PurchaseRow(Base):
    """The purchase of a device; dates are ISO, None where nobody said them."""

    __tablename__ = "purchase"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    purchased: Mapped[str | None] = mapped_column(String(10))
    warranty_until: Mapped[str | None] = mapped_column(String(10))


def warranties_of(session: Session, device_ids: Collection[str]) -> dict[str, str | None]:
    """Return the last day (ISO) of the warranty of those of these devices of which anybody said it."""
    found: dict[str, str | None] = {}
    for part in parts_of(device_ids):
        wanted = select(PurchaseRow.device_id, PurchaseRow.warranty_until)
        rows = session.execute(wanted.where(PurchaseRow.device_id.in_(part)))
        found |= {row.device_id: row.warranty_until for row in rows}
    return found


def purchase_of(session: Session, device_id: str) -> tuple[str | None, str | None]:
    """Return when a device was bought and the last day of its warranty (ISO), None where nobody said it."""
    row = session.get(PurchaseRow, device_id)
    return (None, None) if row is None else (row.purchased, row.warranty_until)


def counts_at(session: Session, sites: Collection[str]) -> dict[str, int]:
    """Return how many devices each of these sites has; those without any are left out."""
    found: dict[str, int] = {}
    for part in parts_of(sites):
        wanted = select(Device.site, func.count()).where(Device.site.in_(part)).group_by(Device.site)
        found |= {row[0]: row[1] for row in session.execute(wanted)}
    return found
