"""The case of what a visit found and left for a follow-up visit. Pure functions of values."""

from dataclasses import replace

from fleet.cases import named, open_case, suspect
from fleet.faults import FAULTS, Level
from fleet.tickets import FOLLOWED, FOUND, Suspicion, SuspicionState, Ticket, TicketOrigin


def left_over(ticket: Ticket) -> tuple[Suspicion, ...]:
    """Return what a case deferred and no other case has taken yet."""
    return tuple(
        each for each in ticket.suspicions if each.state is SuspicionState.DEFERRED and each.follow_up is None
    )


def follow_up_of(first: Ticket, at: int) -> Ticket:
    """Return the new case of what is left over of one. Raises ValueError where nothing is.

    We noticed it before the customer did, and the device works: what L1 promises (on site in 4 h) is
    promised once it fails, when an alert or a report says so.
    """
    taken = tuple(
        suspect(
            each.fault,
            at,
            {"source": FOUND, FOLLOWED: first.id},
            max(FAULTS[each.fault].level, Level.L2),
        )
        for each in left_over(first)
    )
    worst = min(taken, key=lambda each: each.level)
    new = open_case(first.device_id, first.site, TicketOrigin.PROACTIVE, worst, at)
    return named(replace(new, suspicions=taken))
