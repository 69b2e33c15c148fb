"""Whom a target means at a moment: people who may sign in and whose role reaches the site.

Where a target means nobody, admins are told in its place, and the answer says why.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from sqlalchemy.orm import Session

from fleet.duty import Reached, Target, TargetKind
from fleet.errors import NotFound
from fleet.grants import Role
from fleet.people import Person
from notify.duty.roster import Roster
from notify.duty.rotation import next_begin, on_call
from storage.records.people import able_by_email, able_with_role, person_of


class Instead(StrEnum):
    """Why admins are told in place of whom a step names."""

    NO_ROLE_AT_SITE = "no_role_at_site"
    """Nobody has the role at the site, or whoever is named or on call has none there."""
    PERSON_DISABLED = "person_disabled"
    NO_SCHEDULE = "no_schedule"
    """The plan that is in force has no schedule of that name."""
    NEVER_ON_CALL = "never_on_call"
    """Nobody of the schedule is on call in more than a year."""
    NO_DESTINATION = "no_destination"


def of_role(session: Session, role: str, site: str | None) -> Reached:
    """Return all who have a role at a site."""
    found = _at(able_with_role(session, Role(role)), Role(role), site)
    return Reached(found) if found else admins(session, site, Instead.NO_ROLE_AT_SITE)


def of_person(session: Session, name: str, site: str | None) -> Reached:
    """Return one person, by id or by e-mail address."""
    person = _person(session, name)
    if person is None:
        return admins(session, site, Instead.PERSON_DISABLED)
    return Reached((person.id,)) if _reaches(person, site) else admins(session, site, Instead.NO_ROLE_AT_SITE)


def of_schedule(session: Session, roster: Roster, name: str, site: str | None, at: int) -> Reached:
    """Return who is on call; where nobody is, since when somebody will be."""
    schedule = roster.plan.schedule(name)
    if schedule is None:
        return admins(session, site, Instead.NO_SCHEDULE)
    known = roster.known(name)
    held = on_call(schedule, known, at)
    if held.person is not None:
        person = roster.people[held.person]
        if _reaches(person, site):
            return Reached((person.id,))
        return admins(session, site, Instead.NO_ROLE_AT_SITE)
    until = next_begin(schedule, known, at)
    if until is None:
        told = admins(session, site, Instead.NEVER_ON_CALL)
        return Reached(told.people, gap=True, reason=told.reason)
    return Reached(gap=True, gap_until=until, reason=held.why)


def of_destination(session: Session, name: str, site: str | None, known: Mapping[str, int]) -> Reached:
    """Return one destination, by id or by name."""
    by_id = int(name) if name.isdecimal() else None
    found = by_id if by_id in known.values() else known.get(name)
    if found is None:
        return admins(session, site, Instead.NO_DESTINATION)
    return Reached(destinations=(found,))


def admins(session: Session, site: str | None, why: Instead) -> Reached:
    """Return the admins of a site, or where it has none all of them; nobody where there is none at all."""
    everyone = able_with_role(session, Role.ADMIN)
    found = _at(everyone, Role.ADMIN, site) or tuple(each.id for each in everyone)
    return Reached(found, reason=why)


def id_of(session: Session, target: Target, destinations: Mapping[str, int]) -> Target:
    """Return a target whose name is an id, as far as one is known."""
    if target.kind is TargetKind.PERSON:
        person = _person(session, target.name)
        return target if person is None else Target(target.kind, str(person.id))
    if target.kind is TargetKind.DESTINATION and target.name in destinations:
        return Target(target.kind, str(destinations[target.name]))
    return target


def _person(session: Session, name: str) -> Person | None:
    """Return somebody who may sign in."""
    if not name.isdecimal():
        return able_by_email(session, [name]).get(name)
    try:
        person = person_of(session, int(name))
    except NotFound:
        return None
    return person if person.disabled_at is None else None


def _reaches(person: Person, site: str | None) -> bool:
    return any(sites is None or site in sites for _role, sites in person.reaches)


def _at(people: Iterable[Person], role: Role, site: str | None) -> tuple[int, ...]:
    return tuple(
        each.id
        for each in people
        if any(had is role and (sites is None or site in sites) for had, sites in each.reaches)
    )
