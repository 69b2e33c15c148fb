"""A desk that assigns and reserves in one transaction until it is killed; and what must hold afterwards."""

import os
import random
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.dispatch.assigning import Assigning, Sent
from desk.parts.for_dispatch import StockForDispatch
from desk.parts.stock import Moving, StockDesk
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.clock import DAY_MS, MINUTE_MS, SystemClock
from fleet.engineers import Engineer, known_skills
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.part_catalogue import Part
from fleet.principals import Principal, PrincipalKind
from fleet.service import load_service
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.stock import PlaceKind, StockPlace
from storage.records.assignments import AssignmentRow
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.records.engineers import keep_engineer
from storage.records.part_catalogue import keep_part
from storage.records.reservations import ReservationRow
from storage.records.stock import StockRow
from storage.records.stock_movements import MovementRow

ROBOTS = 12
FAULTS = {"brush_jam": "brush-bearing", "drive_motor_wear": "drive-motor", "fan_motor_wear": "fan-motor"}
"""What each case suspects, and the part that it takes."""
PARTS = tuple(FAULTS.values())
PLACES = ("depot", "van")
_ENGINEERS = ("li", "mia", "bo")
_MOST_BEFORE = 6
"""So many assignments at most come before the one in which a process ends itself."""
_BY = Principal(PrincipalKind.PERSON, "1", "Li")


class End(StrEnum):
    """Where in an assignment a process ends itself by SIGKILL; anywhere: from outside, at any moment."""

    BETWEEN = "between"
    """The assignment is written, its reservations are not."""
    BOTH = "both"
    """Both are written, nothing is committed."""
    ANYWHERE = "anywhere"


class Dying(StockForDispatch):
    """Puts parts aside as in production, until the assignment in which this process ends."""

    def __init__(self, stock: StockDesk, end: End, left: int, ready: Any) -> None:
        super().__init__(stock, SystemClock())
        self._end, self._left, self._ready = end, left, ready

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Put parts aside, or end the process before it, or after."""
        self._left -= 1
        self._end_at(End.BETWEEN)
        missing = super().reserve(session, ticket_id, parts, van, by)
        session.flush()
        self._end_at(End.BOTH)
        return missing

    def _end_at(self, moment: End) -> None:
        if self._end is moment and self._left <= 0:
            self._ready.send_bytes(str(moment).encode())
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Scene:
    """The parts of a desk over one database."""

    desk: DeskDatabase
    stock: StockDesk
    tickets: TicketDesk
    assigning: Assigning


def scene(url: str, end: End = End.ANYWHERE, left: int = 0, ready: Any = None) -> Scene:
    """Open the desk of a database."""
    desk, clock = open_desk(url), SystemClock()
    cases = CaseWriter(desk, TicketClocks(Clocks(load_policy())), clock)
    stock = StockDesk(desk, clock)
    cases.follow(stock.moved)
    assigning = Assigning(cases, load_service(), stock=Dying(stock, end, left, ready))
    return Scene(desk, stock, TicketDesk(desk, cases), assigning)


def prepare(url: str) -> None:
    """Make the database with its robots, a case of each, its engineers, parts and places."""
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
        for name in _ENGINEERS:
            keep_engineer(session, Engineer(name, name, skills=frozenset(known_skills()), van="van"))
    for place, kind in zip(PLACES, PlaceKind, strict=True):
        found.stock.place(StockPlace(place, kind), _BY)
        for code in PARTS:
            found.stock.receive(Moving(place, code, 20), _BY)
    for number in range(ROBOTS):
        for fault in FAULTS:
            found.tickets.report(f"R{number}", fault, _BY, "it squeals")
    found.desk.close()


def live(url: str, seed: int, end: End, ready: Any) -> None:
    """Receive, assign with what is reserved, release, move and count until killed, or until the end."""
    moments = random.Random(seed)
    found = scene(url, end, moments.randint(2, _MOST_BEFORE), ready)
    with suppress(Conflict, InvalidInput):  # the first one takes long: every statement is compiled
        _assign(found, moments)
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
        _assign(found, moments)
    elif what < 0.75:
        found.assigning.release(moments.randint(1, ROBOTS), _BY, "not today")
    elif what < 0.85:
        with found.desk.look() as session:
            held = list(session.scalars(select(ReservationRow.id).where(ReservationRow.state == "held")))
        if held:
            found.stock.release(moments.choice(held), _BY)
    elif what < 0.95:
        found.stock.move(Moving(place, part, 1, to=other), _BY)
    else:
        found.stock.count(Moving(place, part, moments.randint(0, 30)), _BY)


def _assign(found: Scene, moments: random.Random) -> None:
    """Send somebody to a case as production does; without a reason, a part that is nowhere forbids it."""
    arrives = SystemClock().now_ms() + moments.randint(1, 20 * DAY_MS // MINUTE_MS) * MINUTE_MS
    sent = Sent(moments.choice(_ENGINEERS), arrives, 20 * MINUTE_MS)
    found.assigning.assign(moments.randint(1, ROBOTS), sent, _BY)


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
        assigned = list(session.scalars(select(AssignmentRow.ticket_id)))
    result.assigned, result.reserved, result.movements = len(assigned), len(held), len(lines)
    _compare(result, Counter(assigned), Counter((each.ticket_id, each.part) for each in held))
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


def _compare(result: Account, assigned: Mapping[int, int], reserved: Mapping[tuple[int, str], int]) -> None:
    """Note what is there by half: no row is ever deleted, so each assignment has one of each part."""
    for ticket in range(1, ROBOTS + 1):
        for part in PARTS:
            more = assigned.get(ticket, 0) - reserved.get((ticket, part), 0)
            result.wrong["assigned_without_reservation"] += max(0, more)
            result.wrong["reserved_without_assignment"] += max(0, -more)
