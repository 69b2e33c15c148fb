"""A desk that assigns and reserves in one transaction until it is killed; and what must hold afterwards."""

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.parts.ledger import Act
from desk.parts.reserving import reserve_all
from desk.parts.stock import Moving, StockDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.clock import DAY_MS, SystemClock
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.part_catalogue import Part
from fleet.principals import Principal, PrincipalKind
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.stock import PlaceKind, StockPlace
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.records.events import events_after, tell
from storage.records.part_catalogue import keep_part
from storage.records.reservations import ReservationRow
from storage.records.stock import StockRow
from storage.records.stock_movements import MovementRow
from storage.records.tickets import ticket

ROBOTS = 12
PARTS = ("brush-bearing", "drive-motor", "fan-motor")
PLACES = ("depot", "van")
_BY = Principal(PrincipalKind.PERSON, "1", "Li")
_ASSIGNED = "stock_trial_assigned"


@dataclass(frozen=True)
class Scene:
    """The parts of a desk over one database."""

    desk: DeskDatabase
    stock: StockDesk
    tickets: TicketDesk


def scene(url: str) -> Scene:
    """Open the desk of a database."""
    desk, clock = open_desk(url), SystemClock()
    cases = CaseWriter(desk, TicketClocks(Clocks(load_policy())), clock)
    stock = StockDesk(desk, clock)
    cases.follow(stock.moved)
    return Scene(desk, stock, TicketDesk(desk, cases))


def prepare(url: str) -> None:
    """Make the database with its robots, a case of each, its parts and places."""
    found = scene(url)
    with found.desk.transaction() as session:
        for number in range(ROBOTS):
            session.add(
                Device(
                    id=f"R{number}",
                    kind=Kind.ROBOT,
                    site="hall",
                    registered_at=0,
                    status="online",
                    last_seen=0,
                )
            )
        for code in PARTS:
            keep_part(session, Part(code))
    for place, kind in zip(PLACES, PlaceKind, strict=True):
        found.stock.place(StockPlace(place, kind), _BY)
        for code in PARTS:
            found.stock.receive(Moving(place, code, 20), _BY)
    for number in range(ROBOTS):
        found.tickets.report(f"R{number}", "brush_jam", _BY, "it squeals")
    found.desk.close()


def live(url: str, seed: int, ready: Any) -> None:
    """Receive, assign with what is reserved, release, move and count until killed."""
    found, moments = scene(url), random.Random(seed)
    with suppress(Conflict):  # the first one takes long: every statement is compiled
        _assign(found, moments.randint(1, ROBOTS), list(PARTS))
    ready.send_bytes(b"ready")
    while True:
        with suppress(Conflict, InvalidInput, NotFound):
            _do_something(found, moments)


def _do_something(found: Scene, moments: random.Random) -> None:
    part, place, other = moments.choice(PARTS), *moments.sample(PLACES, 2)
    what = moments.random()
    if what < 0.25:
        found.stock.receive(Moving(place, part, moments.randint(1, 3)), _BY)
    elif what < 0.65:
        _assign(found, moments.randint(1, ROBOTS), moments.sample(PARTS, 2))
    elif what < 0.85:
        with found.desk.look() as session:
            held = list(session.scalars(select(ReservationRow.id).where(ReservationRow.state == "held")))
        if held:
            found.stock.release(moments.choice(held), _BY)
    elif what < 0.95:
        found.stock.move(Moving(place, part, 1, to=other), _BY)
    else:
        found.stock.count(Moving(place, part, moments.randint(0, 30)), _BY)


def _assign(found: Scene, number: int, parts: list[str]) -> None:
    """Assign a case, and reserve its parts with it: both, or neither where one is not to be had."""
    at = SystemClock().now_ms()
    with found.desk.transaction() as session:
        needs = dict.fromkeys(parts, 1)
        held = reserve_all(session, number, needs, PLACES, at + DAY_MS, Act(_BY, at, ticket=number))
        if None in held.values():
            raise Conflict("not all parts are to be had")
        ids = [each.id for each in held.values() if each is not None]
        tell(session, happened(ticket(session, number), _ASSIGNED, _BY, "", at, held=ids))


@dataclass
class Account:
    """What was found at the end; `wrong` counts what must not be, by its name."""

    assigned: int = 0
    reserved: int = 0
    movements: int = 0
    wrong: Counter[str] = field(default_factory=Counter)


def account(url: str) -> Account:
    """Look at every row of stock, movement, reservation and assignment."""
    found = scene(url)
    result = Account()
    with found.desk.look() as session:
        rows = list(session.scalars(select(StockRow)))
        lines = list(session.scalars(select(MovementRow)))
        held = list(session.scalars(select(ReservationRow)))
        assigned = _assigned(session)
    result.assigned, result.reserved, result.movements = len(assigned), len(held), len(lines)
    ids = Counter(number for each in assigned for number in each)
    result.wrong["assigned_without_reservation"] = len(ids.keys() - {each.id for each in held})
    result.wrong["reserved_without_assignment"] = len({each.id for each in held} - ids.keys())
    pieces: Counter[tuple[str | None, str]] = Counter()
    for line in lines:
        pieces[line.target, line.part] += line.quantity
        pieces[line.source, line.part] -= line.quantity
    reserved: Counter[tuple[str | None, str]] = Counter()
    for each in held:
        reserved[each.place, each.part] += each.quantity if each.state == "held" else 0
    for row in rows:
        result.wrong["stock_is_not_what_moved"] += row.on_hand != pieces[row.place, row.part]
        result.wrong["reserved_is_not_what_is_held"] += row.reserved != reserved[row.place, row.part]
        result.wrong["short"] += not 0 <= row.reserved <= row.on_hand
    found.desk.close()
    return result


def _assigned(session: Any) -> list[list[int]]:
    """Return the reservations of each assignment that the log tells of."""
    found: list[list[int]] = []
    after = 0
    while events := events_after(session, after, 5_000):
        after = events[-1].id
        found += [event.data["held"] for event in events if event.what == _ASSIGNED]
    return found
