"""What a customer says to a visit that we propose before anybody complained, and who pays for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fleet.clock import DAY_MS
from fleet.customers import Contract, Included
from fleet.errors import InvalidInput
from fleet.tickets import Ticket, TicketKind, TicketOrigin, TicketState

LINK_LASTS_MS = 14 * DAY_MS
LONGEST_OFFER = 500
LONGEST_ANSWER = 2000
ASKABLE = frozenset(
    {TicketState.OPENED, TicketState.ACCEPTED, TicketState.WAITING_PART, TicketState.WAITING_CUSTOMER}
)
"""Where a case stands before anybody set out: consent is asked for there, or after it was reopened."""


class Answer(StrEnum):
    """What a customer says: come, or do not."""

    YES = "yes"
    NO = "no"


class Coverage(StrEnum):
    """Who pays for a visit, as far as it is known."""

    WARRANTY = "warranty"
    CONTRACT = "contract"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"
    """Nobody said whose the device is."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What the customer of a case was asked, and what they said. Times are epoch ms.

    `offer` says in words what the visit costs; a link lasts until `ends`. `by` is who recorded the answer:
    the customer by the link, or staff who was told. `remark` says when it suits, or why not.
    """

    ticket_id: int
    asked_at: int
    ends: int
    offer: str
    answer: Answer | None = None
    answered_at: int | None = None
    by: str = ""
    remark: str = ""


def coverage(
    has_customer: bool, warranty_until: str | None, contracts: Iterable[Contract], day: date
) -> Coverage:
    """Return who pays for labour on a day; `contracts` are those that name the site, running or not."""
    if warranty_until is not None and day <= date.fromisoformat(warranty_until):
        return Coverage.WARRANTY
    if any(each.runs(day) and Included.LABOUR in each.includes for each in contracts):
        return Coverage.CONTRACT
    return Coverage.CUSTOMER if has_customer else Coverage.UNKNOWN


def is_proposed(ticket: Ticket) -> bool:
    """Tell whether a case is a repair that we propose: no customer asked for it."""
    return ticket.kind is TicketKind.REPAIR and ticket.origin is TicketOrigin.PROACTIVE


def is_askable(ticket: Ticket) -> bool:
    """Tell whether the customer may still be asked about a visit."""
    return is_proposed(ticket) and ticket.state in ASKABLE | {TicketState.REOPENED}


def checked(name: str, text: str, longest: int) -> str:
    """Return a text without blanks around it. Raises InvalidInput where it is too long, or holds a NUL."""
    plain = text.replace("\r\n", "\n").strip()
    if len(plain) > longest or "\0" in plain:
        raise InvalidInput(f"{name}: allowed: at most {longest} characters")
    return plain
