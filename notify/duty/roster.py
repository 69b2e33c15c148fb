"""What is known of duty now, read from the desk: the plan in force, overrides, who may sign in."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fleet.errors import ConfigError
from fleet.grants import Sites
from fleet.people import Person
from fleet.shifts import Override
from notify.duty.plan import Plan, Schedule, parse_plan
from notify.duty.rotation import Known
from storage.records.duty import newest_number, overrides_after, version_of
from storage.records.people import people_by_email
from storage.records.sites import sites_in

log = logging.getLogger(__name__)
Destinations = Callable[[Session], Mapping[str, int]]
"""The ids of destinations that are of no person, by name."""


def no_destinations(_session: Session) -> Mapping[str, int]:
    """Return the destinations of an installation that has none."""
    return {}


class PlanInForce:
    """The plan in force, parsed once for each version; safe to use from several threads."""

    def __init__(self) -> None:
        self._parsed = (0, Plan())

    def of(self, session: Session) -> tuple[int, Plan]:
        """Return the number of the version in force and the plan; 0 and an empty one where there is none."""
        number, parsed = newest_number(session), self._parsed
        if parsed[0] != number:
            parsed = (number, _parsed(session, number))
            self._parsed = parsed
        return parsed


def _parsed(session: Session, number: int) -> Plan:
    try:
        return parse_plan(version_of(session, number).text)
    except ConfigError:  # an older Sweepwatch took it: alerts go out by the defaults meanwhile
        log.exception("the duty plan %s cannot be read, the default chains hold", number)
        return Plan()


@dataclass(frozen=True, slots=True)
class Roster:
    """The plan, whom it names (`people`, by e-mail address), and the sites of each schedule (`places`)."""

    number: int
    plan: Plan
    overrides: tuple[Override, ...]
    people: Mapping[str, Person]
    places: Mapping[str, Sites]

    def known(self, schedule: str) -> Known:
        """Return what decides who is on call in a schedule."""
        mine = tuple(each for each in self.overrides if each.schedule == schedule)
        able = frozenset(email for email, each in self.people.items() if each.disabled_at is None)
        return Known(mine, able)

    def seen(self, sites: Sites) -> list[Schedule]:
        """Return the schedules of some sites, and those that are everybody's."""
        return [each for each in self.plan.schedules if _meet(self.places[each.name], sites)]

    def is_theirs(self, schedule: str, sites: Sites) -> bool:
        """Tell whether who may change duty at these sites may change a schedule: it is of no others."""
        places = self.places[schedule]
        return sites is None or (places is not None and places <= sites)


def _meet(one: Sites, other: Sites) -> bool:
    return one is None or other is None or bool(one & other)


def roster_of(session: Session, number: int, plan: Plan, since: int) -> Roster:
    """Return what is known of duty from a time on (epoch ms)."""
    overrides = tuple(overrides_after(session, since))
    named = {person for each in plan.schedules for layer in each.layers for person in layer.people}
    named |= {each.person for each in overrides if each.person}
    return Roster(number, plan, overrides, people_by_email(session, named), _places(session, plan))


def _places(session: Session, plan: Plan) -> dict[str, Sites]:
    inside = sites_in(session, {region for each in plan.schedules for region in each.regions})
    found: dict[str, Sites] = {}
    for each in plan.schedules:
        within = frozenset().union(*(inside.get(region, frozenset()) for region in each.regions))
        found[each.name] = within | set(each.sites) if each.sites or each.regions else None
    return found
