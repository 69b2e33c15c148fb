"""What of the checklist of a ticket was done. Callers bring the transaction."""

from typing import NamedTuple

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.records.base import Base


class CheckRow(Base):
    """One item of a ticket's checklist (fleet/checklists.yaml names them), as somebody last left it."""

    __tablename__ = "ticket_check"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    done: Mapped[bool]
    note: Mapped[str]
    at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))


class Check(NamedTuple):
    """How an item was left: at (epoch ms), and by whom."""

    done: bool
    note: str
    at: int
    by: str


def checks_of(session: Session, ticket_id: int) -> dict[str, Check]:
    """Return the items of a ticket that somebody touched."""
    rows = session.scalars(select(CheckRow).where(CheckRow.ticket_id == ticket_id))
    return {row.item: Check(row.done, row.note, row.at, row.by) for row in rows}


def write_check(session: Session, ticket_id: int, item: str, check: Check) -> None:
    """Keep how an item was left, in place of what was kept before."""
    session.merge(CheckRow(ticket_id=ticket_id, item=item, **check._asdict()))
    session.flush()
