"""Who is told, for care and notices; who is on call when, for people: fleet.duty.Duty over the desk."""

from dataclasses import dataclass, replace

from fleet.clock import DAY_MS
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.faults import Level
from fleet.grants import Sites
from fleet.people import Person
from fleet.shifts import Override
from notify.duty.chains import chain_of
from notify.duty.plan import Schedule
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

    `person` is None where nobody is, and then `back` says since when somebody is (None: not in sight).
    `until` is when that changes, None where it does not in sight.
    """

    schedule: Schedule
    held: Held
    person: Person | None
    until: int | None
    back: int | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Who is on call in a schedule over a time, and the overrides that touch it."""

    schedule: Schedule
    spans: tuple[Span, ...]
    overrides: tuple[Override, ...]

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

    def roster(self, since: int) -> Roster:
        """Return what is known of duty from a time on."""
        with self._desk.transaction() as session:
            return roster_of(session, *self._plan.of(session), since)

    def now(self, at: int, sites: Sites = None) -> list[Now]:
        """Return who is on call at a moment in each schedule of some sites."""
        roster = self.roster(at)
        return [_now(roster, each, at) for each in roster.seen(sites)]

    def calendar(self, begins: int, ends: int, sites: Sites = None) -> list[Calendar]:
        """Return who is on call over a time in each schedule of some sites."""
        roster = self.roster(begins)
        return [_calendar(roster, each, begins, ends) for each in roster.seen(sites)]


def _now(roster: Roster, schedule: Schedule, at: int) -> Now:
    known = roster.known(schedule.name)
    held = on_call(schedule, known, at)
    return Now(
        schedule,
        held,
        None if held.person is None else roster.people[held.person],
        next_change(schedule, known, at),
        None if held.person is not None else next_begin(schedule, known, at),
    )


def _calendar(roster: Roster, schedule: Schedule, begins: int, ends: int) -> Calendar:
    known = roster.known(schedule.name)
    touching = tuple(each for each in known.overrides if each.begins < ends)
    return Calendar(schedule, tuple(spans(schedule, known, begins, ends)), touching)
