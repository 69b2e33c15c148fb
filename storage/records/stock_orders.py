"""What is ordered from suppliers. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import CheckConstraint, CursorResult, ForeignKey, Index, String, case, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.stock import COMING, OrderState, StockOrder
from fleet.text import quoted
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.stock_places import ids_of_places


class OrderRow(Base):
    """An order (fleet.stock.StockOrder)."""

    __tablename__ = "stock_order"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    supplier: Mapped[str] = mapped_column(String(64))
    part: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(ForeignKey("stock_place.id"))
    quantity: Mapped[int]
    arrived: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[int]
    by: Mapped[str] = mapped_column(String(64))
    ordered_at: Mapped[int | None]
    expected_at: Mapped[int | None]
    why: Mapped[str]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("arrived >= 0 AND arrived <= quantity", name="ck_stock_order"),
        Index("ix_stock_order_state", "state", "id"),
    )


def add_order(session: Session, new: StockOrder) -> StockOrder:
    """Keep a new order, and return it with its id."""
    row = OrderRow(**{name: getattr(new, name) for name in OrderRow.__table__.columns.keys() if name != "id"})  # noqa: SIM118
    session.add(row)
    session.flush()
    return replace(new, id=row.id)


def move_order(
    session: Session, number: int, before: Sequence[OrderState], after: OrderState, **columns: Any
) -> bool:
    """Let an order that is in one of these states be in another; False where it is in none of them."""
    wanted = update(OrderRow).where(OrderRow.id == number, OrderRow.state.in_(before))
    return _run(session, wanted.values(state=after.value, version=OrderRow.version + 1, **columns))


def take_arrival(session: Session, number: int, quantity: int) -> bool:
    """Note that so many pieces of an order are there; False where not so many are to come."""
    there = OrderRow.arrived + quantity
    state = case(
        (there == OrderRow.quantity, OrderState.ARRIVED.value), else_=OrderState.PARTLY_ARRIVED.value
    )
    wanted = update(OrderRow).where(
        OrderRow.id == number, OrderRow.state.in_(COMING), there <= OrderRow.quantity
    )
    return _run(session, wanted.values(arrived=there, state=state, version=OrderRow.version + 1))


def _run(session: Session, statement: Any) -> bool:
    quiet = {"synchronize_session": False}
    done = cast("CursorResult[Any]", session.execute(statement, execution_options=quiet))
    return done.rowcount == 1


def order(session: Session, number: int, sites: Sites = None) -> StockOrder:
    """Return an order. Raises NotFound, also for one for a place that serves none of `sites`."""
    wanted = select(OrderRow).where(OrderRow.id == number)
    within = ids_of_places(session, sites)
    wanted = wanted if within is None else wanted.where(OrderRow.place.in_(within))
    row = session.scalar(wanted, execution_options={"populate_existing": True})
    if row is None:
        raise NotFound(f"there is no order {quoted(number)}")
    return _order(row)


def find_orders(
    session: Session,
    asked: Asked,
    sites: Sites = None,
    *,
    states: Sequence[OrderState] = (),
    place: str | None = None,
    part: str | None = None,
) -> Page[StockOrder]:
    """Return a page of orders; none of `states`: of any."""
    query = narrowed(select(OrderRow), (OrderRow.place, place), (OrderRow.part, part))
    if states:
        query = query.where(OrderRow.state.in_(states))
    within = ids_of_places(session, sites)
    query = query if within is None else query.where(OrderRow.place.in_(within))
    return fetch_page(session, query, Order(OrderRow.id, OrderRow.id, asked.descending), asked).of(_order)


def orders_in(session: Session, states: Sequence[OrderState]) -> list[StockOrder]:
    """Return all orders that are in one of these states."""
    wanted = select(OrderRow).where(OrderRow.state.in_(states)).order_by(OrderRow.id)
    return [_order(row) for row in session.scalars(wanted)]


def _order(row: OrderRow) -> StockOrder:
    values = {name: getattr(row, name) for name in OrderRow.__table__.columns.keys()}  # noqa: SIM118
    return StockOrder(**values | {"state": OrderState(row.state)})
