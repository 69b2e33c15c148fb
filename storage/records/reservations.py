"""What is held for which case. Callers bring the transaction, and hold the row of the stock first."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import CheckConstraint, CursorResult, ForeignKey, Index, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.stock import Reservation, ReservationState
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.stock_places import ids_of_places
from storage.records.tickets import TicketRow

_HELD = ReservationState.HELD


class ReservationRow(Base):
    """A reservation (fleet.stock.Reservation)."""

    __tablename__ = "stock_reservation"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    part: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(ForeignKey("stock_place.id"))
    quantity: Mapped[int]
    made_at: Mapped[int]
    ends: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    by: Mapped[str] = mapped_column(String(64))
    ended_at: Mapped[int | None]
    why: Mapped[str]

    __table_args__ = (
        CheckConstraint("quantity > 0", name="ck_stock_reservation"),
        Index("ix_stock_reservation_ticket", "ticket_id"),
        Index("ix_stock_reservation_ends", "state", "ends"),
        Index("ix_stock_reservation_stock", "place", "part", "state"),
    )


def add_reservation(session: Session, new: Reservation) -> Reservation:
    """Keep a new reservation, and return it with its id."""
    row = ReservationRow(
        ticket_id=new.ticket,
        part=new.part,
        place=new.place,
        quantity=new.quantity,
        made_at=new.made_at,
        ends=new.ends,
        state=new.state.value,
        by=new.by,
        ended_at=new.ended_at,
        why=new.why,
    )
    session.add(row)
    session.flush()
    return replace(new, id=row.id)


def end_reservation(session: Session, number: int, state: ReservationState, at: int, why: str) -> bool:
    """End a reservation that is held; False where somebody else did meanwhile."""
    wanted = update(ReservationRow).where(ReservationRow.id == number, ReservationRow.state == _HELD)
    return _run(session, wanted.values(state=state.value, ended_at=at, why=why))


def lessen_reservation(session: Session, number: int, quantity: int) -> bool:
    """Let a reservation hold so many pieces fewer; False where it does not hold more than these."""
    wanted = update(ReservationRow).where(
        ReservationRow.id == number, ReservationRow.state == _HELD, ReservationRow.quantity > quantity
    )
    return _run(session, wanted.values(quantity=ReservationRow.quantity - quantity))


def hand_reservation_over(session: Session, number: int, ticket_id: int) -> bool:
    """Let a reservation be for another case; False where it is not held any more."""
    wanted = update(ReservationRow).where(ReservationRow.id == number, ReservationRow.state == _HELD)
    return _run(session, wanted.values(ticket_id=ticket_id))


def _run(session: Session, statement: Any) -> bool:
    quiet = {"synchronize_session": False}
    done = cast("CursorResult[Any]", session.execute(statement, execution_options=quiet))
    return done.rowcount == 1


def reservation(session: Session, number: int, sites: Sites = None) -> Reservation:
    """Return a reservation. Raises NotFound, also for one of a case at none of `sites`."""
    row = session.get(ReservationRow, number, populate_existing=True)
    if row is None or (sites is not None and session.get_one(TicketRow, row.ticket_id).site not in sites):
        raise NotFound(f"there is no reservation {number}")
    return _reservation(row)


def held_for(session: Session, ticket_ids: Collection[int]) -> list[Reservation]:
    """Return what is held for some cases, by part, place and id: in this order it may be ended."""
    found: list[Reservation] = []
    for some in parts_of(ticket_ids):
        wanted = select(ReservationRow).where(
            ReservationRow.ticket_id.in_(some), ReservationRow.state == _HELD
        )
        found += map(_reservation, session.scalars(wanted, execution_options={"populate_existing": True}))
    return sorted(found, key=lambda each: (each.part, each.place, each.id))


def held_at(session: Session, place: str, part: str) -> list[Reservation]:
    """Return what is held of a part at a place, what was reserved last first."""
    wanted = select(ReservationRow).where(
        ReservationRow.place == place, ReservationRow.part == part, ReservationRow.state == _HELD
    )
    newest = wanted.order_by(ReservationRow.made_at.desc(), ReservationRow.id.desc())
    return list(map(_reservation, session.scalars(newest, execution_options={"populate_existing": True})))


def overdue_reservations(session: Session, now: int, limit: int) -> Sequence[Reservation]:
    """Return what is held and should not be any more at `now` (epoch ms), the oldest first."""
    wanted = select(ReservationRow).where(ReservationRow.state == _HELD, ReservationRow.ends <= now)
    return [_reservation(row) for row in session.scalars(wanted.order_by(ReservationRow.ends).limit(limit))]


def find_reservations(
    session: Session,
    asked: Asked,
    sites: Sites = None,
    *,
    ticket: int | None = None,
    place: str | None = None,
    part: str | None = None,
    state: ReservationState | None = None,
) -> Page[Reservation]:
    """Return a page of reservations: those for cases at some sites, at places that serve these."""
    query = narrowed(
        select(ReservationRow),
        (ReservationRow.ticket_id, ticket),
        (ReservationRow.place, place),
        (ReservationRow.part, part),
        (ReservationRow.state, state),
    )
    within = ids_of_places(session, sites)
    if within is not None:
        cases = select(TicketRow.id).where(TicketRow.site.in_(sites or ()))
        query = query.where(ReservationRow.place.in_(within), ReservationRow.ticket_id.in_(cases))
    order = Order(ReservationRow.id, ReservationRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(_reservation)


def _reservation(row: ReservationRow) -> Reservation:
    return Reservation(
        row.ticket_id,
        row.part,
        row.place,
        row.quantity,
        row.made_at,
        row.ends,
        ReservationState(row.state),
        row.by,
        row.ended_at,
        row.why,
        row.id,
    )
