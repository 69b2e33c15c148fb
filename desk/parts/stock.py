"""The stock desk: what people, visits and the schedule do to stock; each change is a line of the ledger."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from desk.parts.ledger import Act, bring, catalogued, count, take, transfer
from desk.parts.reserving import (
    CASE_OVER,
    MERGED,
    hand_over,
    release,
    release_for,
    reserve,
    take_along,
)
from desk.parts.used import book_visit
from desk.people.changes import described
from fleet.clock import DAY_MS, Clock
from fleet.errors import Conflict, InvalidInput
from fleet.events import Subject
from fleet.feedback import Visit
from fleet.grants import Sites
from fleet.principals import Principal, schedule
from fleet.stock import (
    MovementKind,
    PlaceKind,
    Reservation,
    ReservationState,
    Stock,
    StockPlace,
    check_serials,
)
from fleet.text import quoted
from fleet.tickets import Ticket
from storage.records.database import DeskDatabase
from storage.records.engineers import regions_of
from storage.records.events import tell
from storage.records.reservations import held_for, overdue_reservations, reservation
from storage.records.stock import stock_of
from storage.records.stock_places import is_place, keep_place, place_columns, stock_place, stock_places
from storage.records.tickets import ticket

BY = schedule("stock")
"""Who lets go of what is held for too long, or for a case that is over."""
EXPIRED = "reservation_expired"
_AT_ONCE = 200
_LONGEST_WHY = 1000
_LONGEST_HELD_MS = 366 * DAY_MS


@dataclass(frozen=True, slots=True)
class Moving:
    """Pieces of a part that come, go or are counted at a place: how many, which, and why."""

    place: str
    part: str
    quantity: int
    serials: tuple[str, ...] = ()
    why: str = ""
    ticket: int | None = None
    to: str = field(default="")


class StockDesk:
    """Keeps places and what is there. `sites` are those at which somebody acts: their regions' places.

    All methods may be called from any thread and process. They raise NotFound for a place or case that is
    not there (or not theirs), InvalidInput, and Conflict where fewer pieces are free than are asked for.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock, reservation_days: int = 7) -> None:
        self._desk = desk
        self._clock = clock
        self._held_ms = reservation_days * DAY_MS

    def place(
        self, said: StockPlace, by: Principal, version: int | None = None, sites: Sites = None
    ) -> StockPlace:
        """Keep what is said of a place."""
        if (said.lat is None) != (said.lon is None):
            raise InvalidInput("lat, lon: allowed: both or none")
        with self._desk.transaction() as session:
            if sites is not None:
                _check_theirs(session, said, sites)
            kept = keep_place(session, said, version)
            if kept.changed:
                columns = place_columns(said)
                after = {name: columns[name] for name in kept.changed}
                now = self._clock.now_ms()
                tell(session, described(Subject.STOCK_PLACE, said.id, by, now, kept.before, after))
            return stock_place(session, said.id)

    def receive(self, said: Moving, by: Principal, sites: Sites = None) -> Stock:
        """Take pieces in that came from a supplier."""
        return self._bring(MovementKind.RECEIVED, said, by, sites)

    def give_back(self, said: Moving, by: Principal, sites: Sites = None) -> Stock:
        """Take pieces in that a case did not need, or took out of a device and are good again."""
        return self._bring(MovementKind.RETURNED, said, by, sites)

    def _bring(self, kind: MovementKind, said: Moving, by: Principal, sites: Sites) -> Stock:
        with self._desk.transaction() as session:
            act, serials = self._act(session, said, by, sites)
            bring(session, kind, said.place, catalogued(session, said.part), said.quantity, serials, act)
            return stock_of(session, said.place, said.part)

    def move(self, said: Moving, by: Principal, sites: Sites = None) -> Stock:
        """Let pieces go from a place to another; return what is left there."""
        with self._desk.transaction() as session:
            act, serials = self._act(session, said, by, sites)
            target = _active(stock_place(session, said.to, sites))
            part = catalogued(session, said.part)
            transfer(session, said.place, target.id, part, said.quantity, serials, act)
            return stock_of(session, said.place, said.part)

    def scrap(self, said: Moving, by: Principal, sites: Sites = None) -> Stock:
        """Write off pieces that are of no use."""
        if not said.why.strip():
            raise InvalidInput("why: say why they are written off")
        return self._take(MovementKind.SCRAPPED, said, by, sites)

    def use(self, said: Moving, by: Principal, sites: Sites = None) -> Stock:
        """Book free pieces out for a case, beside what its visits write down."""
        if said.ticket is None:
            raise InvalidInput("ticket: say for which case")
        return self._take(MovementKind.USED, said, by, sites)

    def _take(self, kind: MovementKind, said: Moving, by: Principal, sites: Sites) -> Stock:
        with self._desk.transaction() as session:
            act, serials = self._act(session, said, by, sites)
            take(session, kind, said.place, catalogued(session, said.part), said.quantity, serials, act)
            return stock_of(session, said.place, said.part)

    def count(
        self, said: Moving, by: Principal, sites: Sites = None, *, read_serials: bool = False
    ) -> tuple[Stock, int]:
        """Let the counted figure (`quantity`) replace what was thought; return what is there, how many more.

        `read_serials`: the serial numbers are those of all pieces there.
        """
        with self._desk.transaction() as session:
            act, serials = self._act(session, said, by, sites)
            part = catalogued(session, said.part)
            read = serials if read_serials else None
            more = count(session, said.place, part.code, said.quantity, read, act)
            return stock_of(session, said.place, said.part), more

    def reserve(
        self,
        ticket_id: int,
        part: str,
        quantity: int,
        places: Sequence[str],
        by: Principal,
        sites: Sites = None,
        ends: int | None = None,
    ) -> Reservation:
        """Hold pieces for a case at the first of the places that has all. Raises Conflict where none has."""
        now = self._clock.now_ms()
        if ends is not None and not now < ends <= now + _LONGEST_HELD_MS:
            raise InvalidInput("ends: allowed: a time from now on, within a year")
        with self._desk.transaction() as session:
            case = ticket(session, ticket_id, sites)
            if not case.is_open:
                raise Conflict(f"ticket {ticket_id} is {case.state}; parts are held for open ones")
            catalogued(session, part)
            for each in places:
                stock_place(session, each, sites)
            act = Act(by, now, ticket=ticket_id)
            until = self.held_until() if ends is None else ends
            held = reserve(session, ticket_id, part, quantity, places, until, act)
            if held is None:
                raise Conflict(f"{quantity} of {part} are free at none of: {', '.join(places) or 'no place'}")
            return held

    def load(self, van: str, ticket_ids: Collection[int], by: Principal, sites: Sites = None) -> int:
        """Let a van take along what depots hold for some cases; it stays held. Return how many pieces go."""
        with self._desk.transaction() as session:
            target = _active(stock_place(session, van, sites))
            depots = {each.id for each in stock_places(session, sites) if each.kind is PlaceKind.DEPOT}
            loaded = 0
            for each in held_for(session, ticket_ids):
                if each.place in depots:
                    act = Act(by, self._clock.now_ms(), "loaded", each.ticket)
                    part = catalogued(session, each.part)
                    loaded += each.quantity * take_along(session, each, target.id, part, act)
            return loaded

    def held_until(self) -> int:
        """Return until when what is reserved now is held, epoch ms."""
        return self._clock.now_ms() + self._held_ms

    def release(self, number: int, by: Principal, why: str = "", sites: Sites = None) -> Reservation:
        """Let go of what is held. Raises Conflict where it is not held any more."""
        with self._desk.transaction() as session:
            reservation(session, number, sites)
            if not release(session, number, Act(by, self._clock.now_ms(), why)):
                raise Conflict(f"reservation {number} is {reservation(session, number).state}")
            return reservation(session, number)

    def expire(self) -> int:
        """Let go of what is held for longer than was said; return how many reservations ended."""
        now = self._clock.now_ms()
        with self._desk.look() as session:
            overdue = overdue_reservations(session, now, _AT_ONCE)
        ended = 0
        for each in overdue:
            with self._desk.transaction() as session:
                act = Act(BY, now, EXPIRED)
                ended += release(session, each.id, act, ReservationState.EXPIRED)
        return ended

    def book(self, session: Session, case: Ticket, visit: Visit, by: Principal) -> None:
        """Book what a visit used, in the transaction that keeps its record."""
        book_visit(session, case, visit, by)

    def moved(self, session: Session, _before: Ticket, after: Ticket, _by: Principal, _why: str) -> None:
        """Let go of what is held for a case that is over, or let it be for the one that took it over."""
        if after.is_open:
            return
        if after.merged_into is not None:
            act = Act(BY, self._clock.now_ms(), MERGED)
            hand_over(session, after, after.merged_into, act)
        else:
            release_for(session, after.id, Act(BY, self._clock.now_ms(), CASE_OVER))

    def places(self, sites: Sites = None) -> Sequence[StockPlace]:
        """Return the places that serve some sites."""
        with self._desk.look() as session:
            return stock_places(session, sites)

    def _act(
        self, session: Session, said: Moving, by: Principal, sites: Sites
    ) -> tuple[Act, tuple[str, ...]]:
        """Return who does it with which serial numbers; what is asked for has been looked at."""
        _active(stock_place(session, said.place, sites))
        if said.ticket is not None:
            ticket(session, said.ticket, sites)
        if len(said.why) > _LONGEST_WHY or "\0" in said.why:
            raise InvalidInput(f"why: allowed: at most {_LONGEST_WHY} characters")
        act = Act(by, self._clock.now_ms(), said.why.strip(), said.ticket)
        return act, check_serials(said.serials)


def _check_theirs(session: Session, said: StockPlace, sites: frozenset[str]) -> None:
    """Raise NotFound for a place that is of others, InvalidInput for one that is to be."""
    if is_place(session, said.id):
        stock_place(session, said.id, sites)
    theirs = regions_of(session, sites)
    if said.region not in theirs:
        allowed = ", ".join(sorted(theirs)) or "none"
        raise InvalidInput(f"region: {quoted(said.region)} is none of yours; allowed: {allowed}")


def _active(place: StockPlace) -> StockPlace:
    if not place.active:
        raise InvalidInput(f"place: {quoted(place.id)} is not used any more; allowed: one that is")
    return place
