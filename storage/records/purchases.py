"""When devices were bought, and until when their makers answer for them. Callers bring the transaction."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base


class PurchaseRow(Base):
    """The purchase of a device; dates are ISO, None where nobody said them."""

    __tablename__ = "purchase"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    purchased: Mapped[str | None] = mapped_column(String(10))
    warranty_until: Mapped[str | None] = mapped_column(String(10))


def warranty_of(session: Session, device_id: str) -> str | None:
    """Return the last day (ISO) of a device's warranty, None where nobody said it."""
    row = session.get(PurchaseRow, device_id)
    return None if row is None else row.warranty_until
