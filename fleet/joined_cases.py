"""Cases that become one, and one that becomes two. Pure functions of values."""

from dataclasses import replace

from fleet.cases import from_now, named, open_case, raised
from fleet.errors import InvalidInput
from fleet.faults import Level
from fleet.tickets import Suspicion, Ticket, TicketOrigin, TicketState


def merged(gone: Ticket, into: int, at: int) -> Ticket:
    """Return a case that another has taken over: cancelled, and no verdict on what it suspected."""
    return from_now(replace(gone, state=TicketState.CANCELLED, merged_into=into, close_asked_at=None), at)


def enlarged(stays: Ticket, level: Level, at: int) -> Ticket:
    """Return a case that has taken over another of some level; what a worse one promises runs from now."""
    return named(raised(replace(stays, close_asked_at=None), level, at))


def parted(case: Ticket, faults: frozenset[str]) -> tuple[Ticket, tuple[Suspicion, ...]]:
    """Return a case without some of its suspicions, and these.

    Raises InvalidInput unless people alone reported them, and something is left.
    """
    free = [each.fault for each in case.suspicions if each.reported and not each.alerts]
    wrong = sorted(faults - set(free))
    if wrong or not faults:
        allowed = ", ".join(free) or "none: alerts raised them all"
        raise InvalidInput(f"faults: what people reported can be split; allowed: {allowed}")
    left = tuple(each for each in case.suspicions if each.fault not in faults)
    if not left:
        raise InvalidInput("faults: nothing would be left; one stays")
    taken = tuple(each for each in case.suspicions if each.fault in faults)
    return named(replace(case, suspicions=left)), taken


def moved_to(device_id: str, case: Ticket, taken: tuple[Suspicion, ...], at: int) -> Ticket:
    """Return the new case of another robot that some of a case's suspicions are about."""
    worst = min(taken, key=lambda each: each.level)
    new = open_case(device_id, case.site, TicketOrigin.REPORTED, worst, at)
    return named(replace(new, suspicions=tuple(replace(each, id=0) for each in taken)))
