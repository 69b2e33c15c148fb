"""The ways of tickets: by kind which states there are, which may follow which, and what they reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.errors import IllegalTransition
from fleet.tickets import TicketKind, TicketState

_S = TicketState
Ways = Mapping[TicketState, tuple[TicketState, ...]]


@dataclass(frozen=True, slots=True)
class Workflow:
    """The way of one kind. `line` is the main one, which customers see as a progress bar.

    `answers`, `arrives` and `solves` are the states that reach a milestone for the first time. `beside` says
    where on the line a state stands that is not of it. To the states of `needs_reason` nobody goes without
    saying why: something is refused there, or is to be on record. Elsewhere a reason is optional.
    """

    line: tuple[TicketState, ...]
    ways: Ways
    answers: TicketState
    solves: TicketState
    arrives: TicketState | None = None
    beside: Mapping[TicketState, TicketState] = field(default_factory=dict)
    needs_reason: frozenset[TicketState] = frozenset({_S.CANCELLED, _S.REOPENED})

    def check(self, before: TicketState, after: TicketState) -> None:
        """Raise IllegalTransition, naming the legal next states, unless `before` may become `after`."""
        legal = self.ways[before]
        if after not in legal:
            allowed = ", ".join(legal) or "none: it is final"
            raise IllegalTransition(f"a ticket that is {before} cannot become {after}; allowed: {allowed}")

    def progress(self, state: TicketState) -> int:
        """Return how far along the line a state is; -1 for one that was cancelled."""
        if state is TicketState.CANCELLED:
            return -1
        return self.line.index(self.beside.get(state, state))


_REPAIR = Workflow(
    line=(_S.OPENED, _S.ACCEPTED, _S.EN_ROUTE, _S.REPAIRING, _S.REPAIRED, _S.CONFIRMED),
    ways={
        _S.OPENED: (_S.ACCEPTED, _S.CANCELLED),
        _S.ACCEPTED: (_S.EN_ROUTE, _S.WAITING_PART, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.EN_ROUTE: (_S.REPAIRING, _S.ACCEPTED, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.REPAIRING: (_S.REPAIRED, _S.WAITING_PART, _S.WAITING_CUSTOMER),
        _S.WAITING_PART: (_S.EN_ROUTE, _S.REPAIRING, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.WAITING_CUSTOMER: (_S.ACCEPTED, _S.EN_ROUTE, _S.REPAIRING, _S.WAITING_PART, _S.CANCELLED),
        _S.REPAIRED: (_S.CONFIRMED, _S.REOPENED),
        _S.CONFIRMED: (_S.REOPENED,),
        _S.REOPENED: (_S.ACCEPTED, _S.CANCELLED),
        _S.CANCELLED: (),
    },
    answers=_S.ACCEPTED,
    arrives=_S.REPAIRING,
    solves=_S.REPAIRED,
    beside={
        _S.WAITING_PART: _S.ACCEPTED,
        _S.WAITING_CUSTOMER: _S.ACCEPTED,
        _S.REOPENED: _S.OPENED,
    },
)

_COMPLAINT = Workflow(
    line=(_S.OPENED, _S.CONTACTED, _S.RECTIFYING, _S.VERIFYING, _S.CLOSED, _S.REVIEWED),
    ways={
        _S.OPENED: (_S.CONTACTED, _S.CANCELLED),
        _S.CONTACTED: (_S.RECTIFYING, _S.WAITING_CUSTOMER, _S.CANCELLED),
        # Back from verifying is a setback: what was done was not up to standard.
        _S.RECTIFYING: (_S.VERIFYING, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.WAITING_CUSTOMER: (_S.RECTIFYING, _S.VERIFYING, _S.CANCELLED),
        _S.VERIFYING: (_S.CLOSED, _S.RECTIFYING, _S.WAITING_CUSTOMER),
        _S.CLOSED: (_S.REVIEWED, _S.REOPENED),
        _S.REVIEWED: (_S.REOPENED,),
        _S.REOPENED: (_S.CONTACTED, _S.RECTIFYING, _S.CANCELLED),
        _S.CANCELLED: (),
    },
    answers=_S.CONTACTED,
    solves=_S.CLOSED,
    beside={_S.WAITING_CUSTOMER: _S.CONTACTED, _S.REOPENED: _S.OPENED},
)

# A person sees to it at once, and closes it with a protocol; it was a false alarm where it is cancelled.
_SAFETY = Workflow(
    line=(_S.OPENED, _S.ACCEPTED, _S.CLOSED),
    ways={
        _S.OPENED: (_S.ACCEPTED, _S.CANCELLED),
        _S.ACCEPTED: (_S.CLOSED, _S.CANCELLED),
        _S.CLOSED: (_S.REOPENED,),
        _S.REOPENED: (_S.ACCEPTED, _S.CANCELLED),
        _S.CANCELLED: (),
    },
    answers=_S.ACCEPTED,
    solves=_S.CLOSED,
    beside={_S.REOPENED: _S.OPENED},
    needs_reason=frozenset({_S.CLOSED, _S.CANCELLED, _S.REOPENED}),
)

_MAINTENANCE = Workflow(
    line=(_S.OPENED, _S.ACCEPTED, _S.EN_ROUTE, _S.REPAIRING, _S.CLOSED),
    ways={
        _S.OPENED: (_S.ACCEPTED, _S.CANCELLED),
        _S.ACCEPTED: (_S.EN_ROUTE, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.EN_ROUTE: (_S.REPAIRING, _S.ACCEPTED, _S.WAITING_CUSTOMER, _S.CANCELLED),
        _S.REPAIRING: (_S.CLOSED, _S.WAITING_CUSTOMER),
        _S.WAITING_CUSTOMER: (_S.ACCEPTED, _S.EN_ROUTE, _S.REPAIRING, _S.CANCELLED),
        _S.CLOSED: (),
        _S.CANCELLED: (),
    },
    answers=_S.ACCEPTED,
    arrives=_S.REPAIRING,
    solves=_S.CLOSED,
    beside={_S.WAITING_CUSTOMER: _S.ACCEPTED},
)

WORKFLOWS: Mapping[TicketKind, Workflow] = {
    TicketKind.REPAIR: _REPAIR,
    TicketKind.COMPLAINT: _COMPLAINT,
    TicketKind.SAFETY: _SAFETY,
    TicketKind.MAINTENANCE: _MAINTENANCE,
}
SAFETY_FAULTS = frozenset({"worker_sos", "worker_fall", "worker_heart_rate"})
"""Faults that are no repair of the wristband that tells of them: a person is in danger."""
SETBACKS = frozenset({(_S.VERIFYING, _S.RECTIFYING), (_S.CLOSED, _S.REOPENED), (_S.REVIEWED, _S.REOPENED)})
"""Moves of a complaint that say: what was done was not up to standard."""


def kind_of(fault: str) -> TicketKind:
    """Return of which kind a case is that suspects a fault."""
    return TicketKind.SAFETY if fault in SAFETY_FAULTS else TicketKind.REPAIR
