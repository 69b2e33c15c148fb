"""Cases that become one, and one that becomes two. Pure functions of values."""

from collections.abc import Collection
from dataclasses import replace

from fleet.cases import again, from_now, named, open_case, raised
from fleet.complaint_cases import absorbed
from fleet.errors import Conflict, InvalidInput
from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.tickets import Suspicion, SuspicionState, Ticket, TicketOrigin, TicketState


def merged(gone: Ticket, into: int, at: int) -> Ticket:
    """Return a case that another has taken over: cancelled, and no verdict on what it suspected."""
    return from_now(replace(gone, state=TicketState.CANCELLED, merged_into=into, close_asked_at=None), at)


def enlarged(stays: Ticket, gone: Ticket, at: int) -> Ticket:
    """Return a case that has taken over another; what a worse level or class promises runs from now.

    Of a fault that both suspect, what a person saw of either is kept, and it stands where it stood in either.
    """
    standing = {each.fault: each for each in gone.suspicions if each.state is SuspicionState.SUSPECTED}
    suspicions = tuple(
        again(each, standing[each.fault]) if each.fault in standing else each for each in stays.suspicions
    )
    taken = raised(replace(stays, suspicions=suspicions, close_asked_at=None), gone.level, at)
    return named(absorbed(taken, gone, at))


def check_undone(case: Ticket) -> None:
    """Raise Conflict for a case of which nothing is left to do: what was found there is a verdict."""
    if not case.is_open or case.solved_at is not None:
        raise Conflict(f"ticket {case.id} is {case.state}: what was found there stands; reopen it first")


def check_kind(faults: Collection[str], kind: Kind, device_id: str) -> None:
    """Raise InvalidInput for faults that a device of a kind cannot have."""
    wrong = sorted(code for code in faults if code in FAULTS and FAULTS[code].kind is not kind)
    if wrong:
        raise InvalidInput(f"{device_id} is a {kind}, which cannot have: {', '.join(wrong)}")


def separable(case: Ticket) -> list[str]:
    """Return the faults that may be about another robot: those that stand, and that people alone reported."""
    if not case.is_open or case.solved_at is not None:
        return []
    stands = [each for each in case.suspicions if each.state is SuspicionState.SUSPECTED]
    return [each.fault for each in stands if each.reported and not each.alerts]


def parted(case: Ticket, faults: frozenset[str]) -> tuple[Ticket, tuple[Suspicion, ...]]:
    """Return a case without some of its suspicions, and these.

    Raises InvalidInput unless they stand, people alone reported them, and something is left.
    """
    free = separable(case)
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
