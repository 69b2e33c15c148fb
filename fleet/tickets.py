"""What a repair ticket may be: its states, the legal ways between them, and where it came from."""

from enum import StrEnum

from fleet.errors import IllegalTransition


class TicketState(StrEnum):
    """Where a ticket stands; customers see the main line as a progress bar."""

    OPENED = "opened"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    REPAIRING = "repairing"
    REPAIRED = "repaired"
    CONFIRMED = "confirmed"
    WAITING_PART = "waiting_part"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


class TicketOrigin(StrEnum):
    """Who noticed: us, before the customer did, or the customer."""

    PROACTIVE = "proactive"
    REPORTED = "reported"


MAIN_LINE = (
    TicketState.OPENED,
    TicketState.ACCEPTED,
    TicketState.EN_ROUTE,
    TicketState.REPAIRING,
    TicketState.REPAIRED,
    TicketState.CONFIRMED,
)

_S = TicketState
TRANSITIONS: dict[TicketState, tuple[TicketState, ...]] = {
    _S.OPENED: (_S.ACCEPTED, _S.CANCELLED),
    _S.ACCEPTED: (_S.EN_ROUTE, _S.WAITING_PART, _S.CANCELLED),
    _S.EN_ROUTE: (_S.REPAIRING, _S.ACCEPTED, _S.CANCELLED),
    _S.REPAIRING: (_S.REPAIRED, _S.WAITING_PART),
    _S.WAITING_PART: (_S.EN_ROUTE, _S.REPAIRING, _S.CANCELLED),
    _S.REPAIRED: (_S.CONFIRMED, _S.REOPENED),
    _S.CONFIRMED: (_S.REOPENED,),
    _S.REOPENED: (_S.ACCEPTED, _S.CANCELLED),
    _S.CANCELLED: (),
}

CLOSED_STATES = frozenset({TicketState.CONFIRMED, TicketState.CANCELLED})


def check_transition(before: TicketState, after: TicketState) -> None:
    """Raise IllegalTransition, naming the legal next states, unless `before` may become `after`."""
    legal = TRANSITIONS[before]
    if after not in legal:
        allowed = ", ".join(legal) or "none: it is final"
        raise IllegalTransition(f"a ticket that is {before} cannot become {after}; allowed: {allowed}")
