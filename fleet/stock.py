"""Stock of parts: where they are, how many, for whom they are held, and how each came and went."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from fleet.errors import InvalidInput
from fleet.text import Text, quoted
from fleet.upkeep import months_later

MOST_PIECES = 100_000
"""So many pieces one movement takes: more is a slip of the keyboard."""
LONGEST_SERIAL = 64


class PlaceKind(StrEnum):
    """What kind of place holds stock."""

    DEPOT = "depot"
    VAN = "van"


@dataclass(frozen=True, slots=True)
class StockPlace:
    """A depot, or the van that an engineer's `van` names. `lat` and `lon` are WGS 84 degrees.

    `region` is that which it serves, "" for all. `version` counts its changes, 0 before it is kept.
    """

    id: str
    kind: PlaceKind = PlaceKind.DEPOT
    name: Text = field(default_factory=lambda: Text("", ""))
    region: str = ""
    lat: float | None = None
    lon: float | None = None
    active: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Stock:
    """How many pieces of a part are at a place, and how many of these are held for cases.

    `counted_at` is when somebody last counted them, epoch ms.
    """

    place: str
    part: str
    on_hand: int = 0
    reserved: int = 0
    counted_at: int | None = None

    @property
    def free(self) -> int:
        """How many are for whoever asks."""
        return self.on_hand - self.reserved


class MovementKind(StrEnum):
    """How pieces came or went."""

    RECEIVED = "received"
    USED = "used"
    MOVED = "moved"
    COUNTED = "counted"
    RETURNED = "returned"
    SCRAPPED = "scrapped"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger, never changed: `quantity` pieces left `source` and came to `target`.

    Either is None where it is no place of ours. What a count found too much or too little comes to its
    `target`, where only this may be negative. So what came to a place less what left it is what is there.
    `ticket` and `repair` are the case and which of its visits. `at` is epoch ms; `id` 0 until it is stored.
    """

    kind: MovementKind
    part: str
    quantity: int
    source: str | None = None
    target: str | None = None
    ticket: int | None = None
    repair: int | None = None
    serials: tuple[str, ...] = ()
    by: str = ""
    why: str = ""
    at: int = 0
    id: int = 0


class ReservationState(StrEnum):
    """What became of a reservation."""

    HELD = "held"
    USED = "used"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Pieces that are held for a case at a place until `ends`. Times are epoch ms; `id` 0 until stored."""

    ticket: int
    part: str
    place: str
    quantity: int
    made_at: int
    ends: int
    state: ReservationState = ReservationState.HELD
    by: str = ""
    ended_at: int | None = None
    why: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Serial:
    """Where a piece with a serial number is: at a place, in a device, or (neither) gone.

    `since` is when it came there, `installed_at` when it was put into a device by the case `ticket`, and
    `warranty_until` when the warranty on it ends. Times are epoch ms.
    """

    part: str
    serial: str
    place: str | None = None
    device_id: str | None = None
    since: int = 0
    installed_at: int | None = None
    warranty_until: int | None = None
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Pieces that a visit used and the ledger did not know of; the next count there mends it.

    `place` is the van that they should have been in, "" where nobody knows whose. Times are epoch ms.
    """

    place: str
    part: str
    quantity: int
    ticket: int
    repair: int
    at: int
    by: str = ""
    mended_at: int | None = None
    mended_by: str = ""
    id: int = 0


class OrderState(StrEnum):
    """How far an order is."""

    PROPOSED = "proposed"
    ORDERED = "ordered"
    PARTLY_ARRIVED = "partly_arrived"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"


COMING = (OrderState.ORDERED, OrderState.PARTLY_ARRIVED)
"""Orders of which something is still to come."""


@dataclass(frozen=True, slots=True)
class StockOrder:
    """Pieces of a part that are ordered from a supplier for a depot. Times are epoch ms.

    `expected_at` is when they should be there; `version` guards against acting on an old reading.
    """

    supplier: str
    part: str
    place: str
    quantity: int
    made_at: int
    by: str = ""
    state: OrderState = OrderState.PROPOSED
    arrived: int = 0
    ordered_at: int | None = None
    expected_at: int | None = None
    why: str = ""
    version: int = 1
    id: int = 0

    @property
    def to_come(self) -> int:
        """How many pieces are still on their way."""
        return self.quantity - self.arrived if self.state in COMING else 0


def check_pieces(name: str, quantity: int, least: int = 1) -> None:
    """Raise InvalidInput unless so many pieces can be meant."""
    if not least <= quantity <= MOST_PIECES:
        raise InvalidInput(f"{name}: {quantity}; allowed: {least} to {MOST_PIECES}")


def check_serials(serials: Iterable[str]) -> tuple[str, ...]:
    """Return serial numbers without blanks around them. Raises InvalidInput for what is none, or twice."""
    found = [each.strip() for each in serials]
    for each in found:
        if not 1 <= len(each) <= LONGEST_SERIAL or not each.isprintable():
            raise InvalidInput(
                f"serials: {quoted(each)} is none; allowed: 1 to {LONGEST_SERIAL} characters that can be seen"
            )
        if found.count(each) > 1:
            raise InvalidInput(f"serials: {quoted(each)} stands there twice")
    return tuple(found)


def warranty_end(installed_at: int, months: int | None) -> int | None:
    """Return when the warranty on a piece ends (epoch ms), so many calendar months on in UTC."""
    return None if months is None else months_later(installed_at, months)


def serials_in(text: str) -> tuple[str, ...]:
    """Return the serial numbers of a form's field: blanks, commas and line breaks stand between them."""
    for mark in (",", "，", ";", "；"):
        text = text.replace(mark, " ")
    return tuple(text.split())


def day_in(text: str) -> int | None:
    """Return a day as a form says it (2026-01-05), at its noon in UTC, epoch ms; None for nothing."""
    if not text.strip():
        return None
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(hour=12, tzinfo=UTC)
    except ValueError:
        raise InvalidInput(f"expected: {quoted(text)} is no day; allowed: 2026-01-05") from None
    return int(day.timestamp() * 1000)
