"""Orders: proposed, ordered, arrived in parts or whole, cancelled; what arrives is in stock at once."""

from typing import Any

from sqlalchemy.orm import Session

from desk.parts.ledger import Act, bring, catalogued
from fleet.clock import DAY_MS, Clock
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.part_catalogue import to_order
from fleet.principals import Principal, check_reason
from fleet.stock import (
    MovementKind,
    OrderState,
    PlaceKind,
    StockOrder,
    check_pieces,
    check_serials,
)
from fleet.text import quoted
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.part_catalogue import all_parts
from storage.records.stock_orders import add_order, move_order, order, take_arrival
from storage.records.stock_places import stock_place

_OPEN = (OrderState.PROPOSED, OrderState.ORDERED, OrderState.PARTLY_ARRIVED)
_LONGEST_EXPECTED_MS = 10 * 366 * DAY_MS


class OrderDesk:
    """Keeps orders; each change is an event of the log.

    All raise NotFound, InvalidInput, and Conflict where the order is not as the change needs it.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock, lead_days: int = 14) -> None:
        self._desk = desk
        self._clock = clock
        self._lead_days = lead_days

    def propose(
        self, part: str, place: str, quantity: int, by: Principal, sites: Sites = None, why: str = ""
    ) -> StockOrder:
        """Write down what is to be ordered; for a discontinued part it is what replaces it."""
        check_pieces("quantity", quantity)
        with self._desk.transaction() as session:
            where = stock_place(session, place, sites)
            if where.kind is not PlaceKind.DEPOT or not where.active:
                raise InvalidInput(f"place: {quoted(place)} is no depot that is used; allowed: one that is")
            catalogued(session, part)
            catalogue = all_parts(session)
            found = catalogue.get(to_order(part, catalogue))
            if found is None:
                raise InvalidInput(f"part: {quoted(part)} is discontinued, and nothing takes its place")
            if quantity % found.lot:
                raise InvalidInput(f"quantity: {quantity}; allowed: multiples of {found.lot}")
            now = self._clock.now_ms()
            new = StockOrder(found.supplier, found.code, place, quantity, now, by.name, why=why[:1000])
            kept = add_order(session, new)
            self._tell(session, kept, by, "proposed", "")
            return kept

    def order(
        self, number: int, by: Principal, expected_at: int | None = None, sites: Sites = None
    ) -> StockOrder:
        """Note that it was ordered; it is expected after the part's lead time unless somebody says when."""
        now = self._clock.now_ms()
        if expected_at is not None and not now - DAY_MS <= expected_at <= now + _LONGEST_EXPECTED_MS:
            raise InvalidInput("expected: allowed: a day within the next ten years")
        with self._desk.transaction() as session:
            before = order(session, number, sites)
            lead = catalogued(session, before.part).lead_days
            days = self._lead_days if lead is None else lead
            expected = now + days * DAY_MS if expected_at is None else expected_at
            states = (OrderState.PROPOSED,)
            self._move(session, before, states, OrderState.ORDERED, ordered_at=now, expected_at=expected)
            return self._told(session, before, by, "ordered", "")

    def arrive(
        self, number: int, quantity: int, serials: tuple[str, ...], by: Principal, sites: Sites = None
    ) -> StockOrder:
        """Take in what arrived of an order: all, or a part of it."""
        check_pieces("quantity", quantity)
        with self._desk.transaction() as session:
            before = order(session, number, sites)
            if not take_arrival(session, number, quantity):
                found = order(session, number)
                raise Conflict(
                    f"order {number} is {found.state}, {found.to_come} are to come; not {quantity} arrive"
                )
            act = Act(by, self._clock.now_ms(), f"order {number}")
            part = catalogued(session, before.part)
            bring(
                session,
                MovementKind.RECEIVED,
                before.place,
                part,
                quantity,
                check_serials(serials),
                act,
            )
            return self._told(session, before, by, "arrived", "", quantity=quantity)

    def cancel(self, number: int, by: Principal, why: str, sites: Sites = None) -> StockOrder:
        """Give an order up; what arrived of it stays."""
        check_reason(why)
        with self._desk.transaction() as session:
            before = order(session, number, sites)
            self._move(session, before, _OPEN, OrderState.CANCELLED, why=why[:1000])
            return self._told(session, before, by, "cancelled", why)

    def _move(
        self,
        session: Session,
        before: StockOrder,
        states: tuple[OrderState, ...],
        after: OrderState,
        **columns: Any,
    ) -> None:
        if not move_order(session, before.id, states, after, **columns):
            found = order(session, before.id)
            allowed = ", ".join(states)
            raise Conflict(f"order {before.id} is {found.state}; {after} is possible from: {allowed}")

    def _told(
        self, session: Session, before: StockOrder, by: Principal, what: str, why: str, **more: Any
    ) -> StockOrder:
        found = order(session, before.id)
        self._tell(session, found, by, what, why, before.state, **more)
        return found

    def _tell(
        self,
        session: Session,
        found: StockOrder,
        by: Principal,
        what: str,
        why: str,
        before: str | None = None,
        **more: Any,
    ) -> None:
        data = {"part": found.part, "place": found.place, "supplier": found.supplier}
        data |= {"quantity": found.quantity} | more
        now, subject = self._clock.now_ms(), Subject.STOCK_ORDER
        tell(
            session,
            Event(now, subject, str(found.id), what, by, why or what, None, before, found.state, data),
        )
