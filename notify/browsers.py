"""Browsers as destinations: each is there once, and is one person's. Callers bring the transaction."""

from itertools import count

from sqlalchemy.orm import Session

from fleet.events import Event, Subject
from fleet.notices import ChannelKind
from fleet.outbox import Destination
from fleet.principals import Principal
from storage.records.destinations import browser_at, destinations, end_destination, remove_destination

ANOTHERS = "somebody else is told in this browser now"
_LONGEST = 64


def own_browser(session: Session, new: Destination, endpoint: str, before: str) -> Destination | None:
    """Return the person's destination that a browser is already, by its endpoint or the one before it."""
    found = [browser_at(session, each) for each in (endpoint, before) if each]
    return next((each for each in found if each is not None and each.person_id == new.person_id), None)


def anothers_browser(session: Session, new: Destination, endpoint: str, now: int) -> Destination | None:
    """End what somebody else has at the same browser, and return it: who sits there now would read it."""
    there = browser_at(session, endpoint)
    if there is None or there.person_id == new.person_id:
        return None
    return there if end_destination(session, there.id, ANOTHERS, now) else None


def giving_way(session: Session, new: Destination, now: int) -> list[Destination]:
    """Remove what ended of a browser that is called the same, and return it: the new one is in its place."""
    ended = [
        each
        for each in destinations(session, new.person_id)
        if each.channel is ChannelKind.PUSH and each.ended_at is not None and each.name == new.name
    ]
    for each in ended:
        remove_destination(session, each.id, now)
    return ended


def free_name(session: Session, new: Destination) -> str:
    """Return a name that the person has not given yet: the browser's own, with a number where needed."""
    taken = {each.name for each in destinations(session, new.person_id)}
    names = (new.name if n == 1 else f"{new.name[: _LONGEST - 5]} {n}" for n in count(1))
    return next(name for name in names if name not in taken)


def destination_event(
    destination: Destination, what: str, principal: Principal, reason: str, now: int
) -> Event:
    """Return what the log of events is told of a destination; nothing of its address."""
    data = {"person": destination.person_id, "name": destination.name, "channel": destination.channel}
    return Event(now, Subject.DESTINATION, str(destination.id), what, principal, reason, data=data)
