"""Cases as jobs for planners: where, how long, what they need, and by when they were promised."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from desk.dispatch.needs import Needs
from fleet.assignments import Appointment, AppointmentState, Assignment, AssignmentState, Rather
from fleet.clock import MINUTE_MS
from fleet.dayplan import Remedy
from fleet.localtime import ms_of
from fleet.sites import Site
from fleet.tickets import Ticket
from fleet.visiting import Held, Hold, Job, Position, Window

_MIN = 60
_WISHES: Mapping[str, tuple[int, int]] = {
    Rather.BEFORE_8: (6 * _MIN, 8 * _MIN),
    Rather.AFTER_20: (20 * _MIN, 22 * _MIN),
    Rather.MORNINGS: (8 * _MIN, 12 * _MIN),
    Rather.AFTERNOONS: (12 * _MIN, 18 * _MIN),
    Rather.WEEKENDS: (8 * _MIN, 20 * _MIN),
}
"""Minutes after midnight by the site's clock; weekends are wished for on Saturdays and Sundays alone."""
_SATURDAY = 5
_MORE_MS = 15 * MINUTE_MS


class Unplanned(StrEnum):
    """Why a case cannot be given to a planner at all."""

    NO_POSITION = "no_position"
    """Nobody said where its site is."""
    NO_CONSENT = "no_consent"
    """It is proposed, costs, and the customer has not agreed."""
    WAITS = "waits"
    """It waits for the customer."""
    PART_MISSING = "part_missing"
    """A part that it needs is nowhere, and is not ordered."""


WAYS_OUT = {
    Unplanned.NO_POSITION: Remedy.PLACE_SITE,
    Unplanned.NO_CONSENT: Remedy.ASK_CONSENT,
    Unplanned.WAITS: Remedy.REACH_CUSTOMER,
    Unplanned.PART_MISSING: Remedy.ORDER_PART,
}
"""What would let a planner have it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case beside itself, for its job.

    `parts_at` is when the last of its parts arrives (epoch ms, 0: all are there). `visits` are the customer's
    usual wishes. `assigned` is who is to go there, whoever leads first.
    """

    site: Site
    zone: ZoneInfo
    needs: Needs
    assigned: tuple[Assignment, ...] = ()
    appointment: Appointment | None = None
    visits: Collection[str] = field(default_factory=frozenset)
    parts_at: int = 0


def job_of(case: Ticket, facts: Facts, day: date, now: int, next_jobs: Collection[int] = ()) -> Job | None:
    """Return a case's job on a day; None where nobody knows its place. `next_jobs` are ids of assignments."""
    at = position(facts.site)
    if at is None:
        return None
    due = case.on_site_due or case.due or now
    return Job(
        id=str(case.id),
        at=at,
        work_ms=_work(facts, now),
        earliest=max(now, facts.parts_at),
        due=due,
        level=case.level,
        skills=facts.needs.skills,
        parts=facts.needs.parts,
        people=max(facts.needs.people, min(2, len(facts.assigned)) if _is_kept(facts.assigned) else 1),
        told=_told(facts.appointment),
        preferred=wishes(facts, day),
        hold=_hold(facts.assigned, next_jobs),
    )


def _work(facts: Facts, now: int) -> int:
    """Return how long the work takes; who is still there when it should be over needs a little more."""
    if not facts.assigned or facts.assigned[0].state is not AssignmentState.UNDER_WAY:
        return facts.needs.work_ms
    lead = facts.assigned[0]
    ends = lead.ends if lead.ends > now else now + _MORE_MS
    return max(facts.needs.work_ms, ends - lead.arrives)


def position(site: Site) -> Position | None:
    """Return where a site is, if somebody said it."""
    return None if site.lat is None or site.lon is None else (site.lat, site.lon)


def wishes(facts: Facts, day: date) -> tuple[Window, ...]:
    """Return when a customer would rather be visited on a day: as they said of this visit, or usually."""
    asked = facts.appointment is not None and facts.appointment.state is AppointmentState.MOVE
    names: Iterable[str] = (
        facts.appointment.rather if asked and facts.appointment is not None else facts.visits
    )
    found = []
    for name in sorted(str(each) for each in names):
        if name == Rather.WEEKENDS and day.weekday() < _SATURDAY:
            continue
        begins, ends = _WISHES[name]
        found.append(Window(ms_of(day, begins, facts.zone), ms_of(day, ends, facts.zone)))
    return tuple(found)


def _told(appointment: Appointment | None) -> Window | None:
    """Return the window that binds: one that the customer would rather not have binds nobody."""
    if appointment is None or appointment.state not in (AppointmentState.TOLD, AppointmentState.CONFIRMED):
        return None
    return Window(appointment.begins, appointment.ends)


def _is_kept(assigned: tuple[Assignment, ...]) -> bool:
    return any(each.helps for each in assigned)


def _hold(assigned: tuple[Assignment, ...], next_jobs: Collection[int]) -> Hold | None:
    """Return why a job may not be moved, with whoever leads first."""
    if not assigned:
        return None
    lead, names = assigned[0], tuple(each.engineer for each in assigned)
    if lead.state is AssignmentState.UNDER_WAY:
        return Hold(Held.UNDER_WAY, names, lead.arrives)
    if lead.id in next_jobs:
        return Hold(Held.NEXT, names, lead.arrives)
    return Hold(Held.OVERRIDE, names, lead.arrives) if lead.held else None
