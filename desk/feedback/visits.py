"""What an engineer writes down of a visit: parts, minutes, words, and the customer's signature."""

import io
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy.orm import Session

from fleet.cases import happened
from fleet.clock import DAY_MS, Clock
from fleet.errors import Conflict, InvalidInput
from fleet.feedback import LONGEST_REMARK, PartUsed, Visit, checked_text, repair_of
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.text import quoted
from fleet.tickets import Ticket, TicketState
from fleet.wire import is_id
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.tickets import ticket
from storage.records.visits import put_visit, visit_of

Booked = Callable[[Session, Ticket, Visit, Principal], None]
WRITABLE = frozenset({TicketState.REPAIRING, TicketState.REPAIRED})
"""While a case is in one of these its visit can be written down, or corrected."""
MOST_MINUTES = 24 * 60
MOST_PARTS = 50
MOST_PIECES = 999
LONGEST_NAME = 64
_LATEST_SERVICE_MS = 10 * 366 * DAY_MS
SIGNATURE_BYTES = 200_000
_SIGNATURE_PIXELS = (2000, 1000)
_KEPT_PIXELS = (800, 300)
_INK = 200
"""Of 256 shades of grey, those below are drawn."""


class VisitBook:
    """Keeps what engineers write down of visits; each change is an event of its case.

    `book` takes the parts that were used out of stock, in the same transaction.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock, book: Booked = lambda *_: None) -> None:
        self._desk = desk
        self._clock = clock
        self._book = book

    def write(self, visit: Visit, principal: Principal, sites: Sites = None, *, signed: bool = True) -> Visit:
        """Keep what is said of the newest visit of a case, in place of what was said before, and return it.

        `signature` of the visit is a PNG of any kind; with `signed` False the one that is kept stays. Who
        wrote it first stays its engineer, and without `arrived` the repair's begin counts. Raises NotFound,
        InvalidInput, and Conflict where nobody is at the device or was.
        """
        now = self._clock.now_ms()
        visit = _checked(visit, now)
        drawn = None if visit.signature is None else plain_signature(visit.signature)
        with self._desk.transaction() as session:
            case = ticket(session, visit.ticket_id, sites)
            if case.state not in WRITABLE:
                raise Conflict(
                    f"ticket {case.id} is {case.state}; a visit is written down from: repairing, repaired"
                )
            known = visit_of(session, case.id, repair_of(case))
            kept = replace(
                visit,
                repair=repair_of(case),
                engineer=known.engineer if known else principal.name,
                arrived=case.on_site_at if visit.arrived is None else visit.arrived,
                signature=known.signature if known and not signed else drawn,
                changed_at=now,
            )
            put_visit(session, kept)
            self._book(session, case, kept, principal)
            reason = f"{kept.minutes} min"
            tell(session, happened(case, "visit", principal, reason, now, parts=[p.code for p in kept.parts]))
        return kept


def _checked(visit: Visit, now: int) -> Visit:
    if not 0 <= visit.minutes <= MOST_MINUTES:
        raise InvalidInput(f"minutes: {visit.minutes}; allowed: 0 to {MOST_MINUTES}")
    if len(visit.parts) > MOST_PARTS:
        raise InvalidInput(f"parts: {len(visit.parts)}; allowed: at most {MOST_PARTS}")
    if visit.arrived is not None and not 0 <= visit.arrived <= now:
        raise InvalidInput("arrived: allowed: a time that has been")
    if visit.next_service is not None and not now < visit.next_service <= now + _LATEST_SERVICE_MS:
        raise InvalidInput("next_service: allowed: a day within the next ten years")
    return replace(
        visit,
        parts=tuple(_part(each) for each in visit.parts),
        remark=checked_text("remark", visit.remark, LONGEST_REMARK),
        signed_by=checked_text("signed_by", visit.signed_by, LONGEST_NAME),
    )


def _part(part: PartUsed) -> PartUsed:
    if not is_id(part.code):
        raise InvalidInput(
            f"parts.code: {quoted(part.code)} is none; allowed: 1 to 64 letters, digits, _ and -"
        )
    if not 1 <= part.quantity <= MOST_PIECES:
        raise InvalidInput(f"parts.quantity: {part.quantity}; allowed: 1 to {MOST_PIECES}")
    return replace(part, serial=checked_text("parts.serial", part.serial, LONGEST_NAME))


def plain_signature(data: bytes) -> bytes | None:
    """Return a signature as a PNG of our own making, black on white; None where nothing is drawn in it.

    Raises InvalidInput for what is no PNG of at most 200 kB and 2000 x 1000 pixels.
    """
    from PIL import Image, ImageOps

    allowed = "allowed: a PNG of at most 200 kB and 2000 x 1000 pixels"
    if len(data) > SIGNATURE_BYTES:
        raise InvalidInput(f"signature: {len(data)} bytes; {allowed}")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as given:
            if given.width > _SIGNATURE_PIXELS[0] or given.height > _SIGNATURE_PIXELS[1]:
                raise InvalidInput(f"signature: {given.width} x {given.height} pixels; {allowed}")
            drawn = given.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(f"signature: it cannot be read; {allowed}") from error
    white = Image.new("RGBA", drawn.size, "white")
    grey = ImageOps.contain(Image.alpha_composite(white, drawn).convert("L"), _KEPT_PIXELS)
    if not any(grey.histogram()[:_INK]):  # nothing but paper
        return None
    kept = io.BytesIO()
    grey.quantize(16).save(kept, "PNG", optimize=True)
    return kept.getvalue()
