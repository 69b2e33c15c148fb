"""Who is told, for care and notices; who is on call when, for people: fleet.duty.Duty over the desk."""

from dataclasses import dataclass, replace

from fleet.clock import DAY_MS
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.faults import Level
from notify.duty.chains import chain_of
from notify.duty.plan import Plan, Schedule
from notify.duty.reaching import id_of, of_destination, of_person, of_role, of_schedule
from notify.duty.roster import Destinations, PlanInForce, Roster, no_destinations, roster_of
from notify.duty.rotation import Held, Span, next_begin, next_change, on_call, spans
from storage.records.database import DeskDatabase
from storage.records.sites import sites_in

LONGEST_CALENDAR_MS = 93 * DAY_MS
"""Of what is asked at once."""


@dataclass(frozen=True, slots=True)
class Now:
    """Who is on call in a schedule at a moment; times are epoch ms.

    Where nobody is, `back` says since when somebody is (None: not in sight). `until` is when it changes, None
    where that is not in sight.
    """

    schedule: Schedule
    held: Held
    until: int | None
    back: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Who is on call in a schedule over a time."""

    schedule: Schedule
    spans: tuple[Span, ...]

    def gaps(self) -> list[Span]:
        """Return when nobody is on call."""
        return [each for each in self.spans if each.held.person is None]


class OnCall:
    """The plan of duty, applied. Safe to use from several threads."""

    def __init__(self, desk: DeskDatabase, destinations: Destinations = no_destinations) -> None:
        self._desk = desk
        self._destinations = destinations
        self._plan = PlanInForce()

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        """Return the chain of alerts of a level at a site; `personal`: of a worker, for safety alone."""
        with self._desk.transaction() as session:
            _, plan = self._plan.of(session)

            def within(here: str, regions: tuple[str, ...]) -> bool:
                return any(here in inside for inside in sites_in(session, regions).values())

            chain = chain_of(plan, level, site, personal, within)
            known = self._destinations(session)
            steps = [
                Step(step.after_ms, tuple(id_of(session, target, known) for target in step.to))
                for step in chain.steps
            ]
        return replace(chain, steps=tuple(steps))

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        """Return whom a target means: people who may sign in, whose role reaches the site."""
        with self._desk.transaction() as session:
            match target.kind:
                case TargetKind.ROLE:
                    return of_role(session, target.name, site)
                case TargetKind.PERSON:
                    return of_person(session, target.name, site)
                case TargetKind.DESTINATION:
                    return of_destination(session, target.name, site, self._destinations(session))
                case TargetKind.SCHEDULE:
                    roster = roster_of(session, *self._plan.of(session), at)
                    return of_schedule(session, roster, target.name, site, at)

    def plan(self) -> Plan:
        """Return the plan in force."""
        with self._desk.transaction() as session:
            return self._plan.of(session)[1]

    def roster(self, since: int) -> Roster:
        """Return what is known of duty from a time on."""
        with self._desk.transaction() as session:
            return roster_of(session, *self._plan.of(session), since)


def now_in(roster: Roster, schedule: Schedule, at: int) -> Now:
    """Return who is on call in a schedule at a moment; the roster is of that moment or before."""
    known = roster.known(schedule.name)
    held = on_call(schedule, known, at)
    return Now(
        schedule,
        held,
        next_change(schedule, known, at),
        None if held.person is not None else next_begin(schedule, known, at),
    )


def calendar_of(roster: Roster, schedule: Schedule, begins: int, ends: int) -> Calendar:
    """Return who is on call in a schedule over a time; the roster is of its begin or before."""
    known = roster.known(schedule.name)
    return Calendar(schedule, tuple(spans(schedule, known, begins, ends)))
