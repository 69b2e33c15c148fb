"""What visits used that the ledger did not know of. Callers bring the transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from fleet.stock import Discrepancy
from storage.records.base import Base, Number
from storage.records.tickets import TicketRow

_MOST = 200


class DiscrepancyRow(Base):
    """A discrepancy (fleet.stock.Discrepancy); its place may be one that nobody described."""

    __tablename__ = "stock_discrepancy"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    place: Mapped[str] = mapped_column(String(64))
    part: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int]
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    repair: Mapped[int]
    at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    mended_at: Mapped[int | None]
    mended_by: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_stock_discrepancy_ticket", "ticket_id", "repair"),
        Index("ix_stock_discrepancy_open", "mended_at", "part"),
    )


def add_discrepancy(session: Session, new: Discrepancy) -> None:
    """Keep that pieces were used which the ledger did not know of."""
    session.add(
        DiscrepancyRow(
            place=new.place,
            part=new.part,
            quantity=new.quantity,
            ticket_id=new.ticket,
            repair=new.repair,
            at=new.at,
            by=new.by,
            mended_at=None,
            mended_by="",
        )
    )
    session.flush()


def mend_discrepancies(session: Session, place: str, part: str, at: int, by: str) -> None:
    """Note that a part was counted at a place: what was missing there, or nobody knows where, is settled."""
    wanted = update(DiscrepancyRow).where(
        DiscrepancyRow.part == part,
        DiscrepancyRow.mended_at.is_(None),
        or_(DiscrepancyRow.place == place, DiscrepancyRow.place == ""),
    )
    session.execute(
        wanted.values(mended_at=at, mended_by=by), execution_options={"synchronize_session": False}
    )


def discrepancies_of(session: Session, ticket_id: int, repair: int) -> list[Discrepancy]:
    """Return those of one visit of a case, those that nobody mended first."""
    wanted = _of_visit(ticket_id, repair).order_by(DiscrepancyRow.mended_at.is_not(None), DiscrepancyRow.id)
    return [
        _discrepancy(row) for row in session.scalars(wanted, execution_options={"populate_existing": True})
    ]


def lessen_discrepancy(session: Session, number: int, quantity: int) -> None:
    """Let a discrepancy be of so many pieces fewer; one of none is gone."""
    row = session.get_one(DiscrepancyRow, number)
    if row.quantity <= quantity:
        session.delete(row)
    else:
        row.quantity -= quantity
    session.flush()


def open_discrepancies(
    session: Session, sites: Sites = None, place: str | None = None
) -> Sequence[Discrepancy]:
    """Return what nobody counted yet, of cases at some sites or of one place; the newest first."""
    wanted = select(DiscrepancyRow).where(DiscrepancyRow.mended_at.is_(None))
    if place is not None:
        wanted = wanted.where(DiscrepancyRow.place == place)
    if sites is not None:
        wanted = wanted.where(DiscrepancyRow.ticket_id.in_(_cases(sites)))
    newest = wanted.order_by(DiscrepancyRow.id.desc()).limit(_MOST)
    return [_discrepancy(row) for row in session.scalars(newest)]


def _cases(sites: frozenset[str]) -> Select[Any]:
    return select(TicketRow.id).where(TicketRow.site.in_(sites))


def _of_visit(ticket_id: int, repair: int) -> Select[DiscrepancyRow]:
    return select(DiscrepancyRow).where(
        DiscrepancyRow.ticket_id == ticket_id, DiscrepancyRow.repair == repair
    )


def _discrepancy(row: DiscrepancyRow) -> Discrepancy:
    return Discrepancy(
        row.place,
        row.part,
        row.quantity,
        row.ticket_id,
        row.repair,
        row.at,
        row.by,
        row.mended_at,
        row.mended_by,
        row.id,
    )
