"""How many pieces of each part are where. Callers bring the transaction.

Nothing here reads a figure and writes another by it: each change is one statement that holds, or changes no
row; and the database refuses a row with fewer than none, or with more held than there are.
"""

from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import CheckConstraint, CursorResult, ForeignKey, Index, String, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from fleet.stock import Stock
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.parts import parts_of
from storage.records.stock_places import ids_of_places
from storage.records.upsert import insert_into

BETWEEN = "/"
"""Stands between place and part where one word names both: neither may hold it."""


class StockRow(Base):
    """The pieces of a part at a place (fleet.stock.Stock)."""

    __tablename__ = "stock"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    place: Mapped[str] = mapped_column(ForeignKey("stock_place.id"))
    part: Mapped[str] = mapped_column(String(64))
    on_hand: Mapped[int]
    reserved: Mapped[int]
    counted_at: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("on_hand >= 0 AND reserved >= 0 AND reserved <= on_hand", name="ck_stock"),
        Index("uq_stock", "place", "part", unique=True),
        Index("ix_stock_part", "part"),
    )


def add_pieces(session: Session, place: str, part: str, quantity: int) -> None:
    """Add so many pieces, 0 to hold the row for this transaction; it is made where there was none."""
    values = {"place": place, "part": part, "on_hand": quantity, "reserved": 0}
    new = insert_into(session, StockRow).values(values)
    added = {"on_hand": StockRow.on_hand + new.excluded.on_hand}
    session.execute(new.on_conflict_do_update(index_elements=["place", "part"], set_=added))


def take_free(session: Session, place: str, part: str, quantity: int) -> bool:
    """Take so many pieces that nobody holds; False, and none is taken, where there are fewer."""
    return _change(session, place, part, -quantity, 0, free=quantity)


def hold_free(session: Session, place: str, part: str, quantity: int) -> bool:
    """Hold so many pieces that nobody holds; False, and none is held, where there are fewer."""
    return _change(session, place, part, 0, quantity, free=quantity)


def let_go_of(session: Session, place: str, part: str, quantity: int) -> None:
    """Let so many held pieces be for anybody."""
    _change(session, place, part, 0, -quantity)


def take_held(session: Session, place: str, part: str, quantity: int) -> None:
    """Take so many pieces that were held."""
    _change(session, place, part, -quantity, -quantity)


def set_counted(session: Session, place: str, part: str, figure: int, at: int) -> None:
    """Say how many pieces somebody counted."""
    wanted = update(StockRow).where(StockRow.place == place, StockRow.part == part)
    _run(session, wanted.values(on_hand=figure, counted_at=at))


def lock_stock(session: Session, place: str, part: str) -> Stock | None:
    """Hold a row for this transaction, and return it; None where there is none."""
    return stock_of(session, place, part) if _change(session, place, part, 0, 0) else None


def _change(session: Session, place: str, part: str, pieces: int, held: int, free: int = 0) -> bool:
    wanted = update(StockRow).where(StockRow.place == place, StockRow.part == part)
    if free:
        wanted = wanted.where(StockRow.on_hand - StockRow.reserved >= free)
    return _run(session, wanted.values(on_hand=StockRow.on_hand + pieces, reserved=StockRow.reserved + held))


def _run(session: Session, statement: Any) -> bool:
    quiet = {"synchronize_session": False}
    done = cast("CursorResult[Any]", session.execute(statement, execution_options=quiet))
    return done.rowcount == 1


def stock_of(session: Session, place: str, part: str) -> Stock:
    """Return how many pieces are there: none where nobody ever said so."""
    wanted = select(StockRow).where(StockRow.place == place, StockRow.part == part)
    row = session.scalar(wanted, execution_options={"populate_existing": True})
    return Stock(place, part) if row is None else _stock(row)


def places_with(session: Session, part: str, quantity: int, places: Sequence[str]) -> list[str]:
    """Return those of these places that have so many free pieces now, in the same order."""
    free = StockRow.on_hand - StockRow.reserved >= quantity
    wanted = select(StockRow.place).where(StockRow.part == part, StockRow.place.in_(places), free)
    found = set(session.scalars(wanted))
    return [each for each in dict.fromkeys(places) if each in found]


def all_stock(session: Session, sites: Sites = None, place: str | None = None) -> Sequence[Stock]:
    """Return what is at the places that serve some sites, or at one place, by place and part."""
    wanted = narrowed(select(StockRow), (StockRow.place, place)).order_by(StockRow.place, StockRow.part)
    within = ids_of_places(session, sites)
    wanted = wanted if within is None else wanted.where(StockRow.place.in_(within))
    return [_stock(row) for row in session.scalars(wanted)]


def find_stock(
    session: Session, place: str | None, part: str | None, asked: Asked, sites: Sites = None
) -> Page[Stock]:
    """Return a page of stock, in the order in which it first came."""
    wanted = narrowed(select(StockRow), (StockRow.place, place), (StockRow.part, part))
    within = ids_of_places(session, sites)
    wanted = wanted if within is None else wanted.where(StockRow.place.in_(within))
    return fetch_page(session, wanted, Order(StockRow.id, StockRow.id, asked.descending), asked).of(_stock)


def stock_figures(session: Session, keys: Collection[str] | None = None) -> dict[str, tuple[int]]:
    """Return how many pieces are there, by `place/part`; of these keys alone, None: of all."""
    wanted = select(StockRow.place, StockRow.part, StockRow.on_hand)
    if keys is None:
        some = [wanted]
    else:
        pair = tuple_(StockRow.place, StockRow.part)
        pairs = [tuple(each.split(BETWEEN, 1)) for each in keys]
        some = [wanted.where(pair.in_(part)) for part in parts_of(pairs)]
    return {f"{row.place}{BETWEEN}{row.part}": (row.on_hand,) for one in some for row in session.execute(one)}


def _stock(row: StockRow) -> Stock:
    return Stock(row.place, row.part, row.on_hand, row.reserved, row.counted_at)
