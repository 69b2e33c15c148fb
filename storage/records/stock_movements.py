"""The ledger of stock: rows are only ever added. Callers bring the transaction."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Select, String, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.grants import Sites
from fleet.stock import Movement, MovementKind
from storage.records.base import Base, Number
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.stock_places import ids_of_places


class MovementRow(Base):
    """A movement (fleet.stock.Movement)."""

    __tablename__ = "stock_movement"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    at: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    part: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int]
    source: Mapped[str | None] = mapped_column(ForeignKey("stock_place.id"))
    target: Mapped[str | None] = mapped_column(ForeignKey("stock_place.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    repair: Mapped[int | None]
    serials: Mapped[list[str]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column(String(64))
    why: Mapped[str]

    __table_args__ = (
        CheckConstraint("quantity <> 0", name="ck_stock_movement"),
        Index("ix_stock_movement_source", "source", "part", "id"),
        Index("ix_stock_movement_target", "target", "part", "id"),
        Index("ix_stock_movement_ticket", "ticket_id"),
        Index("ix_stock_movement_used", "kind", "at"),
    )


@dataclass(frozen=True, slots=True)
class MovementFilter:
    """Which movements; None is any. `place` is where pieces left or came to."""

    place: str | None = None
    part: str | None = None
    kind: MovementKind | None = None
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """How many pieces of a part were used out of a place, at a time (epoch ms)."""

    place: str
    part: str
    quantity: int
    at: int


def add_movement(session: Session, movement: Movement) -> None:
    """Add a line to the ledger."""
    session.add(
        MovementRow(
            at=movement.at,
            kind=movement.kind.value,
            part=movement.part,
            quantity=movement.quantity,
            source=movement.source,
            target=movement.target,
            ticket_id=movement.ticket,
            repair=movement.repair,
            serials=list(movement.serials),
            by=movement.by,
            why=movement.why,
        )
    )
    session.flush()


def find_movements(
    session: Session, wanted: MovementFilter, asked: Asked, sites: Sites = None
) -> Page[Movement]:
    """Return a page of the ledger; of the places that serve some sites alone."""
    query = narrowed(
        select(MovementRow),
        (MovementRow.part, wanted.part),
        (MovementRow.kind, wanted.kind),
        (MovementRow.ticket_id, wanted.ticket),
    )
    if wanted.place is not None:
        query = query.where(or_(MovementRow.source == wanted.place, MovementRow.target == wanted.place))
    query = _within(session, query, sites)
    order = Order(MovementRow.id, MovementRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(_movement)


def _within(session: Session, query: Select[Any], sites: Sites) -> Select[Any]:
    """Return the query for movements of which no end is at a place of others."""
    within = ids_of_places(session, sites)
    if within is None:
        return query
    ends = (MovementRow.source, MovementRow.target)
    return query.where(*(or_(end.is_(None), end.in_(within)) for end in ends))


def used_by(session: Session, ticket_id: int, repair: int) -> dict[str, dict[str, int]]:
    """Return how many pieces one visit of a case has used, by part and the place that they came from."""
    wanted = select(MovementRow).where(MovementRow.ticket_id == ticket_id, MovementRow.repair == repair)
    found: dict[str, dict[str, int]] = {}
    for row in session.scalars(wanted.order_by(MovementRow.id)):
        if row.kind == MovementKind.USED and row.source is not None:
            _count(found, row.part, row.source, row.quantity)
        elif row.kind == MovementKind.RETURNED and row.target is not None:
            _count(found, row.part, row.target, -row.quantity)
    return found


def _count(found: dict[str, dict[str, int]], part: str, place: str, quantity: int) -> None:
    at = found.setdefault(part, {})
    at[place] = at.get(place, 0) + quantity


def used_since(session: Session, since: int) -> list[Used]:
    """Return what was used since a time (epoch ms), what came back counted with a minus, the oldest first.

    What past cases used that were brought in came from no place of ours: it is not among them.
    """
    place = func.coalesce(MovementRow.source, MovementRow.target)
    wanted = select(place, MovementRow.part, MovementRow.kind, MovementRow.quantity, MovementRow.at).where(
        MovementRow.kind.in_((MovementKind.USED, MovementKind.RETURNED)),
        MovementRow.at >= since,
        MovementRow.ticket_id.is_not(None),
        place.is_not(None),
    )
    return [
        Used(where, part, quantity if kind == MovementKind.USED else -quantity, at)
        for where, part, kind, quantity, at in session.execute(wanted.order_by(MovementRow.id))
    ]


def first_movement(session: Session) -> int | None:
    """Return when the ledger of our own places begins, epoch ms."""
    ours = or_(MovementRow.source.is_not(None), MovementRow.target.is_not(None))
    return session.scalar(select(func.min(MovementRow.at)).where(ours))


def newest_movement(session: Session) -> int:
    """Return the number of the ledger's newest line, 0 for an empty one."""
    return session.scalar(select(func.max(MovementRow.id))) or 0


def _movement(row: MovementRow) -> Movement:
    return Movement(
        MovementKind(row.kind),
        row.part,
        row.quantity,
        row.source,
        row.target,
        row.ticket_id,
        row.repair,
        tuple(row.serials),
        row.by,
        row.why,
        row.at,
        row.id,
    )
