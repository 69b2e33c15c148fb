"""What people change about duty: versions of the plan, and overrides; each change is an event."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from fleet.clock import DAY_MS, Clock
from fleet.config import Mistake, Mistakes, line_of
from fleet.errors import ConfigError, InvalidInput, NotAllowed, NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.localtime import shown
from fleet.principals import Principal, check_reason
from fleet.shifts import DutyVersion, Override
from fleet.text import near, quoted
from notify.duty.lookups import unknown_names
from notify.duty.plan import Plan, parse_plan
from notify.duty.roster import Destinations, PlanInForce, Roster, no_destinations, roster_of
from storage.records.database import DeskDatabase
from storage.records.duty import (
    add_override,
    add_version,
    end_override,
    newest_number,
    override_of,
    version_of,
    versions,
)
from storage.records.events import tell
from storage.records.people import able_by_email

LONGEST_OVERRIDE_MS = 400 * DAY_MS
ORIGIN = "plan"
"""What mistakes call the plan, before the line."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a schedule that somebody is to take (an e-mail address; None: nobody); epoch ms."""

    schedule: str
    person: str | None
    begins: int
    ends: int


def mistakes_of(error: ConfigError) -> list[str]:
    """Return each mistake of a plan by itself."""
    return list(error.lines) if isinstance(error, Mistakes) else [str(error)]


class Planning:
    """Changes the plan of duty and its overrides."""

    def __init__(
        self, desk: DeskDatabase, clock: Clock, destinations: Destinations = no_destinations
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._destinations = destinations
        self._plan = PlanInForce()

    def versions(self) -> list[DutyVersion]:
        """Return every version of the plan, the newest first; that one is in force."""
        with self._desk.transaction() as session:
            return list(versions(session))

    def newest(self) -> DutyVersion | None:
        """Return the version in force, None where none was ever applied."""
        with self._desk.transaction() as session:
            number = newest_number(session)
            return version_of(session, number) if number else None

    def version(self, number: int) -> DutyVersion:
        """Return one version of the plan. Raises NotFound."""
        with self._desk.transaction() as session:
            return version_of(session, number)

    def check(self, text: str, origin: str = ORIGIN) -> Plan:
        """Return the plan that a text describes. Raises ConfigError that names each mistake by its line.

        Whom it names may sign in, and where it names is known. `origin` is what mistakes call it.
        """
        plan = parse_plan(text, origin)
        with self._desk.transaction() as session:
            unknown = list(unknown_names(session, plan, self._destinations(session)))
        if unknown:
            raise Mistakes(origin, [Mistake(line_of(text, *loc), says) for loc, says in unknown])
        return plan

    def apply(self, text: str, after: int, principal: Principal, why: str) -> DutyVersion:
        """Put a plan in force in place of version `after` (0: the first).

        Raises ConfigError as `check`, Conflict where another version was applied meanwhile.
        """
        check_reason(why)
        plan = self.check(text)
        made = DutyVersion(after + 1, text, self._clock.now_ms(), principal.name, why)
        with self._desk.transaction() as session:
            add_version(session, made)
            data = {
                "schedules": [each.name for each in plan.schedules],
                "chains": [each.name for each in plan.chains],
            }
            before = None if after == 0 else str(after)
            told = Event(
                made.made_at,
                Subject.DUTY,
                "plan",
                "applied",
                principal,
                why,
                None,
                before,
                str(after + 1),
                data,
            )
            tell(session, told)
        return made

    def override(self, hours: Hours, principal: Principal, why: str, sites: Sites) -> Override:
        """Let somebody take hours of a schedule; what is past stays as it was.

        Raises NotFound for a schedule that is not seen, NotAllowed for one that is of other sites too,
        InvalidInput.
        """
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            roster = roster_of(session, *self._plan.of(session), now)
            _check_theirs(roster, hours.schedule, sites)
            check_reason(why)
            person = _person(session, hours.person)
            begins = max(hours.begins, now)
            if not 0 < hours.ends - begins <= LONGEST_OVERRIDE_MS:
                zone = roster.plan.zone_of(hours.schedule)
                raise InvalidInput(
                    f"ends: {shown(hours.ends, zone)} is not after {shown(begins, zone)}, the begin or now, "
                    "within 400 days (what a clock skips is when it jumps)"
                )
            made = add_override(
                session,
                Override(0, hours.schedule, person, begins, hours.ends, now, principal.name, why),
            )
            tell(session, _event(roster, made, "overridden", principal, why, now))
        return made

    def end(self, override_id: int, principal: Principal, why: str, sites: Sites) -> Override:
        """End an override before its time, or before it begins. Raises NotFound, NotAllowed, Conflict."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            roster = roster_of(session, *self._plan.of(session), now)
            schedule = override_of(session, override_id).schedule
            if roster.plan.schedule(schedule) is not None:
                _check_theirs(roster, schedule, sites, f"there is no override {override_id}")
            elif sites is not None:
                raise NotFound(f"there is no override {override_id}")
            check_reason(why)
            ended = end_override(session, override_id, now)
            tell(session, _event(roster, ended, "override_ended", principal, why, now))
        return ended


def _check_theirs(roster: Roster, schedule: str, sites: Sites, says: str = "") -> None:
    seen = [each.name for each in roster.seen(sites)]
    if schedule not in seen:
        raise NotFound(says or f"there is no schedule {quoted(schedule)}{near(schedule, seen)}")
    if not roster.is_theirs(schedule, sites):
        raise NotAllowed(f"{schedule} is of other sites too: somebody who may change duty there changes it")


def _person(session: Session, email: str | None) -> str | None:
    if email is None:
        return None
    address = email.strip().lower()
    if address not in able_by_email(session, [address]):
        raise InvalidInput(f"person: nobody with the address {quoted(email)} may sign in")
    return address


def _event(roster: Roster, override: Override, what: str, principal: Principal, why: str, now: int) -> Event:
    places = roster.places.get(override.schedule)
    site = next(iter(places)) if places is not None and len(places) == 1 else None
    data = {
        "schedule": override.schedule,
        "person": override.person,
        "begins": override.begins,
        "ends": override.until,
    }
    return Event(now, Subject.DUTY, f"override:{override.id}", what, principal, why, site, data=data)
