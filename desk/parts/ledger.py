"""How pieces come and go, within the caller's transaction: each change of stock is a line of the ledger.

Whoever changes stock holds its row first, then reservations of it; several parts in the order of their codes.
So two who change the same never wait for each other in a circle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from desk.parts.serials import leave_serials, place_serials, settle_serials
from fleet.cases import happened
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.part_catalogue import Part
from fleet.principals import Principal
from fleet.stock import Movement, MovementKind, Reservation, ReservationState, check_pieces
from fleet.text import near, quoted
from storage.records.discrepancies import mend_discrepancies
from storage.records.events import tell
from storage.records.part_catalogue import all_parts, known_part
from storage.records.reservations import end_reservation, held_at
from storage.records.stock import add_pieces, let_go_of, set_counted, stock_of, take_free
from storage.records.stock_movements import add_movement
from storage.records.tickets import ticket

COUNTED_LESS = "counted_less"
"""Why a reservation ends that nothing is left for."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to stock, when (epoch ms), why, and for which case and visit of it."""

    by: Principal
    at: int
    why: str = ""
    ticket: int | None = None
    repair: int | None = None


def catalogued(session: Session, code: str) -> Part:
    """Return a part of the catalogue. Raises InvalidInput that names the nearest."""
    found = known_part(session, code)
    if found is None:
        known = all_parts(session)
        raise InvalidInput(f"part: {quoted(code)} is not in the catalogue{near(code, known)}")
    return found


def bring(
    session: Session,
    kind: MovementKind,
    place: str,
    part: Part,
    quantity: int,
    serials: Sequence[str],
    act: Act,
) -> None:
    """Let pieces come to a place from outside: received, or returned."""
    settle_serials(part, quantity, serials)
    add_pieces(session, place, part.code, quantity)
    place_serials(session, part.code, serials, place, act.at)
    write_down(session, Movement(kind, part.code, quantity, target=place, serials=tuple(serials)), act)


def take(
    session: Session,
    kind: MovementKind,
    place: str,
    part: Part,
    quantity: int,
    serials: Sequence[str],
    act: Act,
) -> None:
    """Let free pieces leave a place for good. Raises Conflict where there are fewer."""
    settle_serials(part, quantity, serials)
    _take(session, place, part.code, quantity)
    leave_serials(session, part.code, serials, place, None, act.at)
    write_down(session, Movement(kind, part.code, quantity, source=place, serials=tuple(serials)), act)


def transfer(
    session: Session, source: str, target: str, part: Part, quantity: int, serials: Sequence[str], act: Act
) -> None:
    """Let free pieces go from one place to another. Raises Conflict where there are fewer."""
    if source == target:
        raise InvalidInput("to: it is where they are; choose another place")
    settle_serials(part, quantity, serials)
    for each in sorted((source, target)):  # whoever moves them the other way holds the two alike
        add_pieces(session, each, part.code, 0)
    _take(session, source, part.code, quantity)
    add_pieces(session, target, part.code, quantity)
    leave_serials(session, part.code, serials, source, target, act.at)
    moved = Movement(MovementKind.MOVED, part.code, quantity, source, target, serials=tuple(serials))
    write_down(session, moved, act)


def count(
    session: Session, place: str, part: str, figure: int, serials: Sequence[str] | None, act: Act
) -> int:
    """Let a counted figure replace what was thought to be there; return the difference.

    Where fewer are there than are held, what was reserved last is let go of, and its cases are told.
    `serials` are those that were read there, None where nobody read them.
    """
    check_pieces("on_hand", figure, 0)
    if serials is not None and len(serials) > figure:
        raise InvalidInput(f"serials: {len(serials)} of {figure} pieces; allowed: at most one each")
    add_pieces(session, place, part, 0)
    was = stock_of(session, place, part)
    make_room(session, place, part, figure, act)
    set_counted(session, place, part, figure, act.at)
    if figure != was.on_hand:
        difference = Movement(MovementKind.COUNTED, part, figure - was.on_hand, target=place)
        write_down(session, difference, act)
    if serials is not None:
        place_serials(session, part, serials, place, act.at, alone=True)
    mend_discrepancies(session, place, part, act.at, act.by.name)
    return figure - was.on_hand


def make_room(session: Session, place: str, part: str, left: int, act: Act) -> None:
    """Let go of what was reserved last until no more is held than are left. The row of the stock is held."""
    reserved = stock_of(session, place, part).reserved
    for each in held_at(session, place, part):
        if reserved <= left:
            return
        if end_reservation(session, each.id, ReservationState.RELEASED, act.at, COUNTED_LESS):
            let_go_of(session, place, part, each.quantity)
            reserved -= each.quantity
            tell_reservation(session, "part_lost", each, act)


def write_down(session: Session, movement: Movement, act: Act) -> None:
    """Add a line to the ledger, and tell the log of it."""
    line = Movement(
        movement.kind,
        movement.part,
        movement.quantity,
        movement.source,
        movement.target,
        act.ticket,
        act.repair,
        movement.serials,
        act.by.name,
        act.why,
        act.at,
    )
    add_movement(session, line)
    data: dict[str, Any] = {"quantity": line.quantity, "from": line.source, "to": line.target}
    if line.ticket is not None:
        data["ticket"] = line.ticket
    reason = act.why or line.kind
    tell(session, Event(act.at, Subject.PART, line.part, f"stock_{line.kind}", act.by, reason, data=data))


def tell_reservation(
    session: Session, what: str, reservation: Reservation, act: Act, reason: str = ""
) -> None:
    """Tell the log what became of what is held for a case."""
    data: dict[str, Any] = {"part": reservation.part, "place": reservation.place}
    data["quantity"] = reservation.quantity
    case = ticket(session, reservation.ticket)
    tell(session, happened(case, what, act.by, reason, act.at, **data))


def _take(session: Session, place: str, part: str, quantity: int) -> None:
    if not take_free(session, place, part, quantity):
        there = stock_of(session, place, part)
        raise Conflict(
            f"{there.free} of {part} are free at {place} ({there.on_hand} there, {there.reserved} held), "
            f"not {quantity}"
        )
