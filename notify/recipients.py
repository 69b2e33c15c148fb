"""Who is told by which destination: the people and groups that the targets of a telling mean."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from fleet.duty import Duty, Reached, Target, TargetKind
from fleet.errors import NotFound
from fleet.notices import ChannelKind
from fleet.outbox import Destination, Notice, Wishes
from storage.records.destinations import add_destination, destination_of, destinations_of, wishes_of
from storage.records.people import person_of

NOBODYS = ".invalid"
"""How addresses end that are of nobody (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to tell: a person by the first of their destinations (None: they have none), or a group."""

    name: str
    destination: Destination | None
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom targets mean: ids of people and of groups' destinations, and which targets mean nobody now.

    Of those, `gaps` has until when nobody is on call (None: no end in sight); `nobody` are the others.
    """

    people: tuple[int, ...]
    groups: tuple[int, ...]
    gaps: tuple[tuple[Target, int | None], ...] = ()
    nobody: tuple[Target, ...] = ()


def meant_by(duty: Duty, targets: Iterable[Target], site: str | None, at: int) -> Meant:
    """Return whom targets mean at a moment, each once."""
    people: dict[int, None] = {}
    groups: dict[int, None] = {}
    gaps: dict[Target, int | None] = {}
    nobody: dict[Target, None] = {}
    for target in targets:
        found: Reached = duty.reach(target, site, at)
        people |= dict.fromkeys(found.people)
        groups |= dict.fromkeys(found.destinations)
        if found.gap and target.kind is TargetKind.SCHEDULE:
            gaps[target] = found.gap_until
        elif not found.people and not found.destinations:
            nobody[target] = None
    return Meant(tuple(people), tuple(groups), tuple(gaps.items()), tuple(nobody))


def recipients(session: Session, meant: Meant, mail: bool, now: int) -> list[Recipient]:
    """Return each person with their first destination, and each group that is still there.

    Who named no destination is told at the address with which they sign in, where `mail` is set up.
    """
    wishes, theirs = wishes_of(session, meant.people), destinations_of(session, meant.people)
    found = []
    for person in meant.people:
        ways = theirs[person] or (by_mail(session, person, now) if mail else [])
        found.append(Recipient(f"person:{person}", ways[0] if ways else None, wishes.get(person, Wishes())))
    return found + [_group(each) for each in _there(session, meant.groups)]


def _group(destination: Destination) -> Recipient:
    return Recipient(f"destination:{destination.id}", destination)


def _there(session: Session, ids: Collection[int]) -> Iterable[Destination]:
    for each in ids:
        try:
            yield destination_of(session, each)
        except NotFound:
            continue  # removed since the chain was written: the others are told


def by_mail(session: Session, person_id: int, now: int) -> list[Destination]:
    """Give somebody the address by which they sign in as a destination; not one of nobody."""
    person = person_of(session, person_id)
    if person.email.endswith(NOBODYS):
        return []
    new = Destination(0, person.id, person.email[:64], ChannelKind.MAIL, person.email, made_at=now)
    return [add_destination(session, new, {"email": person.email})]


def next_way(session: Session, notice: Notice, tried: Collection[int]) -> Destination | None:
    """Return the next untried destination of a notice's person; None where there is none."""
    person = notice.person_id
    if person is None or not may_be_told(session, notice.recipient):
        return None
    ways = destinations_of(session, [person])[person]
    return next((each for each in ways if each.id not in tried), None)


def may_be_told(session: Session, recipient: str) -> bool:
    """Tell whether a person may still sign in, or a group's destination is still there."""
    kind, _, number = recipient.partition(":")
    try:
        if kind == TargetKind.PERSON:
            return person_of(session, int(number)).disabled_at is None
        return destination_of(session, int(number)).person_id is None
    except (NotFound, ValueError):
        return False
