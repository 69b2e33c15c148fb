"""Pieces held for cases, within the caller's transaction: who assigns a visit reserves in the same one."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.orm import Session

from desk.parts.ledger import Act, tell_reservation, transfer
from fleet.part_catalogue import Part
from fleet.stock import Reservation, ReservationState, check_pieces
from fleet.tickets import Ticket
from storage.records.reservations import (
    add_reservation,
    end_reservation,
    hand_reservation_over,
    held_for,
    reservation,
)
from storage.records.stock import add_pieces, hold_free, let_go_of, lock_stock, places_with

CASE_OVER, MERGED = "case_over", "case_merged"
"""Why what is held for a case is let go of by itself."""


def lock_rows(session: Session, tickets: Collection[int], rows: Collection[tuple[str, str]]) -> None:
    """Hold rows (part, place) of stock, and those of what is held for some cases: by part, then by place."""
    held = {(each.part, each.place) for each in held_for(session, tickets)}
    for part, place in sorted(held | set(rows)):
        lock_stock(session, place, part)


def reserve(
    session: Session, ticket: int, part: str, quantity: int, places: Sequence[str], ends: int, act: Act
) -> Reservation | None:
    """Hold pieces of a part for a case until `ends` (epoch ms), at the first of the places that has all.

    None, and nothing is held, where none has. One statement looks and holds: of many who want the last piece
    one gets it. For several parts take `reserve_all`, or keep to the order of their codes.
    """
    check_pieces("quantity", quantity)
    able = places_with(session, part, quantity, places)
    if len(able) > 1:
        # PostgreSQL keeps hold of a row that it found changed meanwhile, also where it holds too few by then.
        for place in sorted(able):
            lock_stock(session, place, part)
    for place in able:
        if hold_free(session, place, part, quantity):
            new = Reservation(ticket, part, place, quantity, act.at, ends, by=act.by.name, why=act.why)
            kept = add_reservation(session, new)
            tell_reservation(session, "part_reserved", kept, act, act.why)
            return kept
    return None


def reserve_all(
    session: Session, ticket: int, needs: Mapping[str, int], places: Sequence[str], ends: int, act: Act
) -> dict[str, Reservation | None]:
    """Hold so many pieces of each part for a case, as `reserve`; None for a part that no place has."""
    return {part: reserve(session, ticket, part, needs[part], places, ends, act) for part in sorted(needs)}


def release(
    session: Session,
    number: int,
    act: Act,
    state: ReservationState = ReservationState.RELEASED,
) -> bool:
    """Let go of what is held; False where it is not held any more. Raises NotFound."""
    found = reservation(session, number)
    lock_stock(session, found.place, found.part)
    if not end_reservation(session, number, state, act.at, act.why):
        return False
    # Somebody may have used some of it meanwhile: what is held is what stands there now.
    found = reservation(session, number)
    let_go_of(session, found.place, found.part, found.quantity)
    what = "part_expired" if state is ReservationState.EXPIRED else "part_released"
    tell_reservation(session, what, found, act, act.why)
    return True


def release_for(session: Session, ticket: int, act: Act) -> int:
    """Let go of all that is held for a case; return how many reservations that were."""
    return sum(release(session, each.id, act) for each in _in_order(held_for(session, [ticket])))


def _in_order(held: Sequence[Reservation]) -> list[Reservation]:
    return sorted(held, key=lambda each: (each.part, each.place, each.id))


def hand_over(session: Session, gone: Ticket, into: int, act: Act) -> None:
    """Let what is held for a case be for the one that took it over, but for parts that this one has."""
    has = {each.part for each in held_for(session, [into])}
    for each in _in_order(held_for(session, [gone.id])):
        if each.part in has:
            release(session, each.id, act)
            continue
        lock_stock(session, each.place, each.part)
        hand_reservation_over(session, each.id, into)


def take_along(session: Session, held: Reservation, van: str, part: Part, act: Act) -> bool:
    """Let pieces that are held for a case go to a van, and stay held; False where they are not any more.

    Raises Conflict where the van cannot have them.
    """
    for place in sorted((held.place, van)):
        add_pieces(session, place, held.part, 0)
    if not release(session, held.id, act):
        return False
    many = reservation(session, held.id).quantity
    transfer(session, held.place, van, part, many, (), act)
    return reserve(session, held.ticket, held.part, many, [van], held.ends, act) is not None
