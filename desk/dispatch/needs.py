"""What a visit to a case needs: how long the work takes, which skills, and which parts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.clock import MINUTE_MS
from fleet.faults import FAULTS
from fleet.service import ServiceFile
from fleet.tickets import SuspicionState, Ticket, TicketKind

_UNKNOWN_MIN = 45
"""The usual visit where nobody knows what is wrong: the median of the catalogue."""
_MORE = 0.5
"""What one more fault at the same device adds of its own time: it is open already."""
_STANDING = frozenset({SuspicionState.SUSPECTED, SuspicionState.CONFIRMED})
VISITED = frozenset({TicketKind.REPAIR, TicketKind.MAINTENANCE, TicketKind.SAFETY, TicketKind.COMPLAINT})
"""The kinds of cases that somebody may be sent to."""
PLANNED = frozenset({TicketKind.REPAIR, TicketKind.MAINTENANCE})
"""Those that a day's plan sends somebody to by itself: whether a complaint needs a visit a person decides."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a visit takes: `work_ms` at the device, all of `skills`, `parts` by code, one or two `people`."""

    work_ms: int
    skills: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    people: int = 1


def needs_of(case: Ticket, service: ServiceFile) -> Needs:
    """Return what a visit to a case needs: one visit mends all that is suspected there."""
    if case.upkeep is not None:
        plan = service.maintenance.plan(case.upkeep.plan)
        if plan is None:
            return Needs(_UNKNOWN_MIN * MINUTE_MS)
        return Needs(plan.minutes * MINUTE_MS, people=plan.people)
    standing = [each for each in case.suspicions if each.state in _STANDING]
    known = [FAULTS[each.fault] for each in standing if each.fault in FAULTS]
    minutes = sorted((fault.repair_minutes for fault in known), reverse=True) or [_UNKNOWN_MIN]
    work = minutes[0] + _MORE * sum(minutes[1:])
    parts = Counter(each.part for each in standing if each.part)
    skills = frozenset(each.skill for each in standing if each.skill)
    people = 2 if any(each.fault in service.two_people for each in standing) else 1
    return Needs(round(work) * MINUTE_MS, skills, dict(parts), people)
