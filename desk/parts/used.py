"""What a visit used is booked out of the case's reservation and the engineer's van.

A visit's record is never refused because the ledger is wrong: what is there is booked, and the difference is
kept under the name of the visit until somebody counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from desk.parts.ledger import Act, make_room, write_down
from desk.parts.serials import install_serials
from fleet.feedback import PartUsed, Visit
from fleet.part_catalogue import Part
from fleet.principals import Principal, PrincipalKind
from fleet.stock import Discrepancy, Movement, MovementKind, Reservation, ReservationState
from fleet.tickets import Ticket
from storage.records.discrepancies import add_discrepancy, discrepancies_of, lessen_discrepancy
from storage.records.engineers import engineers
from storage.records.part_catalogue import known_part
from storage.records.reservations import (
    add_reservation,
    end_reservation,
    held_for,
    lessen_reservation,
    reservation,
)
from storage.records.stock import add_pieces, lock_stock, take_free, take_held
from storage.records.stock_movements import used_by


def book_visit(session: Session, case: Ticket, visit: Visit, by: Principal) -> None:
    """Book what a visit used; written again, what changed since it was written first."""
    act = Act(by, visit.changed_at, "", case.id, visit.repair)
    wanted = _by_part(visit.parts)
    moved = used_by(session, case.id, visit.repair)
    missing = discrepancies_of(session, case.id, visit.repair)
    known = {*wanted, *moved, *(each.part for each in missing)}
    van = van_of(session, visit.engineer, by)
    for code in sorted(known):
        part = known_part(session, code) or Part(code)
        serials = _serials(visit.parts, code)
        own = [each for each in missing if each.part == code]
        booked = sum(moved.get(code, {}).values()) + sum(each.quantity for each in own)
        back = next(iter(moved.get(code, {})), None)
        new = install_serials(session, part, serials, case.device_id, case.id, act.at, back)
        more = wanted.get(code, 0) - booked
        if more > 0:
            _use(session, code, more, van, replace(act, why=visit.engineer), new)
        elif more < 0:
            _take_back(session, code, -more, own, moved.get(code, {}), act)


def van_of(session: Session, engineer: str, by: Principal) -> str:
    """Return the van of whoever made a visit: by their account, else by their name; "" for nobody's."""
    known = engineers(session)
    if by.kind is PrincipalKind.PERSON and by.name == engineer:
        for each in known:
            if each.account is not None and str(each.account) == by.id:
                return each.van
    named = [each.van for each in known if each.name == engineer]
    return named[0] if len(named) == 1 else ""


def _use(session: Session, part: str, quantity: int, van: str, act: Act, serials: Sequence[str]) -> None:
    left = quantity
    assert act.ticket is not None  # it is a visit's
    assert act.repair is not None
    held = [each for each in held_for(session, [act.ticket]) if each.part == part]
    for place in sorted({van, *(each.place for each in held)}):
        lock_stock(session, place, part)
    for each in sorted(held, key=lambda one: one.place != van):
        if left:
            taken = _use_held(session, each, left, act)
            _write(session, part, taken, each.place, act, serials if taken == quantity else ())
            left -= taken
    if left and van:
        taken = _use_there(session, van, part, left, act)
        _write(session, part, taken, van, act, serials if taken == quantity else ())
        left -= taken
    if left:
        new = Discrepancy(van, part, left, act.ticket, act.repair, act.at, act.by.name)
        add_discrepancy(session, new)


def _use_held(session: Session, held: Reservation, most: int, act: Act) -> int:
    """Use what is held for the case, or some of it; return how many pieces. The row of the stock is held."""
    held = reservation(session, held.id)  # as it stands now that nobody else can change it
    if held.quantity <= most:
        if not end_reservation(session, held.id, ReservationState.USED, act.at, ""):
            return 0
        take_held(session, held.place, held.part, held.quantity)
        return held.quantity
    if not lessen_reservation(session, held.id, most):
        return 0
    take_held(session, held.place, held.part, most)
    used = replace(held, quantity=most, state=ReservationState.USED, ended_at=act.at, id=0)
    add_reservation(session, used)
    return most


def _use_there(session: Session, place: str, part: str, most: int, act: Act) -> int:
    """Use what is at a place, also what is held for others: it is gone from there. Return how many pieces."""
    there = lock_stock(session, place, part)
    taken = 0 if there is None else min(most, there.on_hand)
    if there is not None and taken:
        make_room(session, place, part, there.on_hand - taken, act)
        take_free(session, place, part, taken)
    return taken


def _write(session: Session, part: str, taken: int, place: str, act: Act, serials: Sequence[str]) -> None:
    if taken:
        write_down(
            session, Movement(MovementKind.USED, part, taken, source=place, serials=tuple(serials)), act
        )


def _take_back(
    session: Session,
    part: str,
    quantity: int,
    missing: Sequence[Discrepancy],
    moved: Mapping[str, int],
    act: Act,
) -> None:
    """Let pieces that a visit did not use after all be as they were before it was written."""
    for each in missing:
        fewer = min(quantity, each.quantity)
        lessen_discrepancy(session, each.id, fewer)
        quantity -= fewer
        if not quantity:
            return
    for place, used in moved.items():
        back = min(quantity, used)
        if back > 0:
            add_pieces(session, place, part, back)
            write_down(session, Movement(MovementKind.RETURNED, part, back, target=place), act)
            quantity -= back


def _by_part(parts: Sequence[PartUsed]) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in parts:
        found[each.code] = found.get(each.code, 0) + each.quantity
    return found


def _serials(parts: Sequence[PartUsed], code: str) -> list[str]:
    return list(dict.fromkeys(each.serial for each in parts if each.code == code and each.serial))
