"""Serial numbers, within the caller's transaction: where each piece is, and into what it was put."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from fleet.errors import InvalidInput
from fleet.part_catalogue import Part
from fleet.stock import Serial, check_pieces, warranty_end
from fleet.text import quoted
from storage.records.part_serials import known_serials, put_serials, serials_at, serials_put_in


def settle_serials(part: Part, quantity: int, serials: Sequence[str]) -> None:
    """Raise InvalidInput unless so many pieces can have these numbers: each its own, where it has to."""
    check_pieces("quantity", quantity)
    if part.serialised and len(serials) != quantity:
        raise InvalidInput(
            f"serials: {len(serials)} of {quantity} pieces; allowed: one of each, {part.code} has them"
        )
    if len(serials) > quantity:
        raise InvalidInput(f"serials: {len(serials)} of {quantity} pieces; allowed: at most one each")


def place_serials(
    session: Session, part: str, serials: Sequence[str], place: str, at: int, *, alone: bool = False
) -> None:
    """Say that pieces are at a place; `alone`: and no others of the part, these are not known where."""
    gone = []
    if alone:
        gone = [each for each in serials_at(session, place, part) if each.serial not in serials]
    put_serials(session, [Serial(part, each.serial, since=at) for each in gone])
    known = known_serials(session, part, serials)
    new = [one for one in serials if one not in known or known[one].place != place]
    put_serials(session, [Serial(part, each, place, since=at) for each in new])


def leave_serials(
    session: Session, part: str, serials: Sequence[str], source: str, target: str | None, at: int
) -> None:
    """Say that pieces left a place for another, or for good. Raises InvalidInput for one not there."""
    known = known_serials(session, part, serials)
    for each in serials:
        if each not in known or known[each].place != source:
            raise InvalidInput(f"serials: {quoted(each)} of {part} is not at {source}")
    put_serials(session, [Serial(part, each, target, since=at) for each in serials])


def install_serials(
    session: Session,
    part: Part,
    serials: Sequence[str],
    device_id: str,
    ticket: int,
    at: int,
    back: str | None,
) -> tuple[str, ...]:
    """Say which pieces of a part a case put into a device, in place of what was said of it before.

    What is not said any more is at the place `back` again, nowhere where that is None. Returns what is new.
    """
    before = {each.serial for each in serials_put_in(session, ticket, part.code)}
    new = tuple(each for each in serials if each not in before)
    ends = warranty_end(at, part.warranty_months)
    put_serials(
        session,
        [Serial(part.code, each, None, device_id, at, at, ends, ticket) for each in new]
        + [Serial(part.code, each, back, since=at) for each in sorted(before - set(serials))],
    )
    return new
