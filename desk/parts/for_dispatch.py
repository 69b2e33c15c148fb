"""Stock as dispatch sees it (desk.dispatch.ports.Reserve): what vans carry, and what is put aside."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy.orm import Session

from desk.parts.ledger import Act
from desk.parts.reserving import lock_rows, release_for, reserve_all
from desk.parts.stock import StockDesk
from desk.parts.vans import OwnedCases
from fleet.clock import Clock
from fleet.localtime import day_of
from fleet.principals import Principal
from fleet.stock import COMING, PlaceKind, StockPlace
from fleet.zones import Zones
from storage.records.assignments import open_assignments
from storage.records.database import DeskDatabase
from storage.records.reservations import held_for
from storage.records.stock import all_stock
from storage.records.stock_orders import orders_in
from storage.records.stock_places import stock_places


class StockForDispatch:
    """Puts parts aside with an assignment, from the van, else from a depot; without places no stock is kept.

    What a van carries counts whole, also what is put aside there: those cases are planned, too.
    """

    def __init__(self, stock: StockDesk, clock: Clock) -> None:
        self._stock, self._clock = stock, clock

    def lock(
        self, session: Session, tickets: Collection[int], parts: Collection[str], vans: Collection[str]
    ) -> None:
        """Hold the rows of stock that these cases have something of, or may get something from."""
        depots = [each.id for each in _in_use(session) if each.kind is PlaceKind.DEPOT]
        places = {each for each in (*vans, *depots) if each}
        lock_rows(session, tickets, {(part, place) for part in parts for place in places})

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Put parts aside in this transaction; return the codes that are nowhere."""
        places = _in_use(session)
        if not places or not parts:
            return ()
        depots = [each.id for each in places if each.kind is PlaceKind.DEPOT]
        order = [van, *depots] if van else depots
        act = Act(by, self._clock.now_ms(), "assigned", ticket_id)
        kept = reserve_all(session, ticket_id, parts, order, self._stock.held_until(), act)
        return tuple(code for code, found in kept.items() if found is None)

    def release(self, session: Session, ticket_id: int, by: Principal, why: str) -> None:
        """Let go of what is put aside for a case."""
        release_for(session, ticket_id, Act(by, self._clock.now_ms(), why, ticket_id))

    def vans(self, session: Session) -> Mapping[str, Mapping[str, int]] | None:
        """Return what each van carries, by its name; None where no stock is kept."""
        places = _in_use(session)
        if not places:
            return None
        vans: dict[str, dict[str, int]] = {each.id: {} for each in places if each.kind is PlaceKind.VAN}
        for each in all_stock(session):
            if each.place in vans:
                vans[each.place][each.part] = each.on_hand
        return vans

    def arrivals(self, session: Session, parts: Collection[str], now: int) -> Mapping[str, int | None]:
        """Return since when, or from when on, each part is somewhere (epoch ms); None: it is nowhere."""
        if not parts or not _in_use(session):
            return dict.fromkeys(parts, 0)
        here = {each.part for each in all_stock(session) if each.on_hand > 0}
        coming: dict[str, int] = {}
        for order in orders_in(session, COMING):
            if order.expected_at is not None and order.to_come > 0:
                coming[order.part] = min(coming.get(order.part, order.expected_at), order.expected_at)
        return {code: 0 if code in here else coming.get(code) for code in parts}

    def aside(self, session: Session, tickets: Collection[int]) -> Mapping[int, Mapping[str, str]]:
        """Return by case where each of its parts is put aside, by part."""
        found: dict[int, dict[str, str]] = {}
        for each in held_for(session, tickets):
            found.setdefault(each.ticket, {})[each.part] = each.place
        return found

    def depots(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        """Return what nobody put aside at the depots of each region, by part."""
        regions = {each.id: each.region for each in _in_use(session) if each.kind is PlaceKind.DEPOT}
        found: dict[str, Counter[str]] = {region: Counter() for region in regions.values()}
        for each in all_stock(session):
            if each.place in regions:
                found[regions[each.place]][each.part] += each.free
        return found


class AssignedCases:
    """Which cases an engineer is sent to on a day; of who is never sent, those that they answer for."""

    def __init__(self, desk: DeskDatabase, zones: Zones) -> None:
        self._desk, self._zones = desk, zones
        self._owned = OwnedCases(desk)

    def tickets_of(self, engineer: str, day: date) -> Sequence[int]:
        """Return the cases of an engineer (by id) on a day."""
        zone = self._zones.of(None)
        with self._desk.look() as session:
            sent = [each for each in open_assignments(session) if each.engineer == engineer]
        if not sent:
            return self._owned.tickets_of(engineer, day)
        return [each.ticket_id for each in sent if day_of(each.arrives, zone) == day]


def _in_use(session: Session) -> Sequence[StockPlace]:
    return [each for each in stock_places(session) if each.active]
