"""Repairs of the past, as they are brought in: with their own times, and nobody is told of them."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.principals import Principal, PrincipalKind, schedule

IMPORT = schedule("import")
"""Who brings the past in. What it writes to the log is for the record: it wakes nobody."""
EARLIEST_MS = 946_684_800_000
"""2000-01-01: what was repaired earlier is hardly of machines that are still there."""
MOST_FAULTS, MOST_PARTS, MOST_NOTE, MOST_NAME = 20, 50, 2000, 64


def is_brought_in(principal: Principal) -> bool:
    """Tell whether what somebody did belongs to a past that was brought in: nobody is told of it."""
    return principal.kind is PrincipalKind.SCHEDULE and principal.id == IMPORT.id


class PastVerdict(StrEnum):
    """What became of a past case: it is new, was there already, or cannot be taken."""

    NEW = "new"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PastCase:
    """A repair that was made: its times in epoch ms, None where nobody knows.

    `faults` are what was found and mended, empty where nothing was found; `noticed` when each of them was
    (all when it was opened, where empty). `suspected` is what was thought before, where that is known.
    `external` is its number elsewhere, "" for none. `reported`: the customer noticed, not we.
    """

    device_id: str
    opened: int
    faults: tuple[str, ...] = ()
    noticed: tuple[int, ...] = ()
    suspected: tuple[str, ...] = ()
    accepted: int | None = None
    arrived: int | None = None
    repaired: int | None = None
    confirmed: int | None = None
    engineer: str = ""
    parts: tuple[str, ...] = ()
    note: str = ""
    external: str = ""
    reported: bool = True


@dataclass(frozen=True, slots=True)
class PastOutcome:
    """What became of one of them: its case (0 for none), or why not; `remarks` tell what was left out."""

    verdict: PastVerdict
    ticket_id: int = 0
    reason: str = ""
    remarks: tuple[str, ...] = ()
