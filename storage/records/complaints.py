"""What complaints are about, beside their tickets. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.complaints import Complaint, ComplaintClass
from storage.records.base import Base
from storage.records.parts import parts_of


class ComplaintRow(Base):
    """What one complaint is about (fleet.complaints.Complaint)."""

    __tablename__ = "complaint"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    of_class: Mapped[str] = mapped_column(String(16))
    words: Mapped[str]
    customer: Mapped[str] = mapped_column(String(64))
    contact: Mapped[str] = mapped_column(String(255))
    about: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    loss: Mapped[bool]
    setbacks: Mapped[int]
    plan: Mapped[str]
    review: Mapped[str]
    fingerprint: Mapped[str | None] = mapped_column(String(64), unique=True)

    __table_args__ = (
        Index("ix_complaint_customer", "customer"),
        Index("ix_complaint_about", "about"),
    )


_COLUMNS = tuple(field.name for field in fields(Complaint))


def write_complaint(session: Session, ticket_id: int, complaint: Complaint) -> None:
    """Keep what a complaint is about, in place of what was kept before."""
    session.merge(ComplaintRow(ticket_id=ticket_id, **{name: getattr(complaint, name) for name in _COLUMNS}))
    session.flush()


def let_match(session: Session, ticket_id: int, fingerprint: str | None) -> None:
    """Let a complaint that says the same be this one; None: none any more, since it is closed."""
    row = session.get_one(ComplaintRow, ticket_id)
    row.fingerprint = fingerprint
    session.flush()


def open_complaint_like(session: Session, fingerprint: str) -> int | None:
    """Return the ticket of the open complaint that says the same."""
    return session.scalar(select(ComplaintRow.ticket_id).where(ComplaintRow.fingerprint == fingerprint))


def complaints_of(session: Session, ticket_ids: Sequence[int]) -> dict[int, Complaint]:
    """Return what those of these tickets are about that are complaints."""
    found: dict[int, Complaint] = {}
    for some in parts_of(ticket_ids):
        rows = select(ComplaintRow).where(ComplaintRow.ticket_id.in_(some))
        for row in session.scalars(rows, execution_options={"populate_existing": True}):
            given = {name: getattr(row, name) for name in _COLUMNS}
            found[row.ticket_id] = Complaint(**given | {"of_class": ComplaintClass(row.of_class)})
    return found
