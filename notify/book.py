"""Destinations and wishes as people keep them: checked by their channel, each change an event of the log."""

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from fleet.clock import DAY_MS, Clock
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.notices import ChannelKind
from fleet.outbox import Destination, Notice, NoticeState, Wishes
from fleet.people import Scope
from fleet.principals import Principal, schedule
from fleet.text import LANGUAGES, near, quoted
from notify.browsers import (
    ANOTHERS,
    anothers_browser,
    destination_event,
    free_name,
    giving_way,
    own_browser,
)
from notify.channels.push import Push
from notify.ports import Channels
from notify.stages import place
from storage.records.database import DeskDatabase
from storage.records.destinations import (
    add_destination,
    all_destinations,
    destination_of,
    destinations,
    keep_wishes,
    put_first,
    remove_destination,
    renew_address,
    tested,
    wishes_of,
)
from storage.records.events import tell
from storage.records.notices import change_notices, held_of, notice_of, write_notices

MOST_OF_ONE = 10
"""So many destinations one person has at most; groups have as many."""
_MOST_GROUPS = 200
_DAY_MINUTES = 24 * 60
_BY_WISH = ("quiet_hours", "digest")
"""Why something waits that was held as its reader wishes."""
_WEEK_MS = 7 * DAY_MS


class NoticeBook:
    """Keeps where notices go. All may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, channels: Channels, clock: Clock) -> None:
        self._desk = desk
        self._channels = channels
        self._clock = clock

    @property
    def channels(self) -> Channels:
        """The channels that are set up."""
        return self._channels

    def add(
        self,
        person_id: int | None,
        name: str,
        channel: ChannelKind,
        address: Mapping[str, str],
        principal: Principal,
        scope: Scope = Scope.ALL,
        place: str = "",
    ) -> Destination:
        """Add a destination of a person, or of a group (None). Raises InvalidInput naming what is wrong."""
        if channel is ChannelKind.PUSH:
            if person_id is None:
                raise InvalidInput("channel: a browser is of a person, not of a group")
            return self.add_browser(person_id, name, address, principal)
        new = self._new(person_id, name, channel, address, scope, place)
        with self._desk.transaction() as session:
            _check_room(session, person_id, new.name)
            kept = add_destination(session, new, address)
            self._tell(session, kept, "added", principal, "added")
        return kept

    def add_browser(
        self, person_id: int, name: str, address: Mapping[str, str], principal: Principal, before: str = ""
    ) -> Destination:
        """Add a browser of a person; one that is there already stays one destination.

        `before` is the endpoint that the browser had until now. Raises InvalidInput naming what is wrong.
        """
        new = self._new(person_id, name, ChannelKind.PUSH, address)
        known = self._renewed_browser(new, address, before, principal)
        if known is not None:
            return known
        try:
            return self._new_browser(new, address, principal)
        except (Conflict, InvalidInput):
            known = self._renewed_browser(new, address, before, principal)
            if known is None:
                raise
            return known  # it was added at this very moment, by the same button

    def _renewed_browser(
        self, new: Destination, address: Mapping[str, str], before: str, principal: Principal
    ) -> Destination | None:
        """Return the person's destination that a browser is already, with its newest address."""
        endpoint = address["endpoint"]
        with self._desk.transaction() as session:
            other = anothers_browser(session, new, endpoint, new.made_at)
            if other is not None:
                self._tell(session, other, "ended", principal, ANOTHERS)
            known = own_browser(session, new, endpoint, before)
            if known is None:
                return None
            if renew_address(session, known.id, new.shown, address):
                self._tell(session, known, "renewed", principal, "subscribed_again")
            return destination_of(session, known.id)

    def _new_browser(self, new: Destination, address: Mapping[str, str], principal: Principal) -> Destination:
        with self._desk.transaction() as session:
            for each in giving_way(session, new, new.made_at):
                self._tell(session, each, "removed", principal, "subscribed_again")
            new = replace(new, name=free_name(session, new))
            _check_room(session, new.person_id, new.name)
            kept = add_destination(session, new, address)
            self._tell(session, kept, "added", principal, "added")
        return kept

    def push_key(self) -> str | None:
        """Return the key with which browsers subscribe; None where they are not told. No secret."""
        channel = self._channels.get(ChannelKind.PUSH)
        return channel.public_key if isinstance(channel, Push) else None

    def _new(
        self,
        person_id: int | None,
        name: str,
        channel: ChannelKind,
        address: Mapping[str, str],
        scope: Scope = Scope.ALL,
        place: str = "",
    ) -> Destination:
        if channel not in self._channels:
            there = ", ".join(sorted(self._channels))
            raise InvalidInput(f"channel: {quoted(channel)} is not set up; set up are: {there or 'none'}")
        if not name.strip() or len(name) > 64 or "\x00" in name:
            raise InvalidInput("name: 1 to 64 characters")
        self._channels[channel].check(address)
        shown = self._channels[channel].shown(address)[:255]
        made_at = self._clock.now_ms()
        return Destination(0, person_id, name.strip(), channel, shown, 0, scope, place, made_at)

    def remove(self, destination_id: int, principal: Principal) -> None:
        """Let nothing more go to a destination, and forget its address. Raises NotFound."""
        with self._desk.transaction() as session:
            gone = destination_of(session, destination_id)
            remove_destination(session, destination_id, self._clock.now_ms())
            self._tell(session, gone, "removed", principal, "removed")

    def put_first(self, destination_id: int, principal: Principal) -> Destination:
        """Let a destination be tried before the others of its person; return it. Raises NotFound."""
        with self._desk.transaction() as session:
            put_first(session, destination_id)
            found = destination_of(session, destination_id)
            self._tell(session, found, "put_first", principal, "put_first")
        return found

    def one(self, destination_id: int) -> Destination:
        """Return a destination. Raises NotFound."""
        with self._desk.transaction() as session:
            return destination_of(session, destination_id)

    def of(self, person_id: int | None) -> list[Destination]:
        """Return the destinations of a person, in their order, or those of groups (None)."""
        with self._desk.transaction() as session:
            return destinations(session, person_id)

    def wishes(self, person_id: int, default: Wishes | None = None) -> Wishes:
        """Return how somebody wants to be told; `default` where they said nothing."""
        with self._desk.transaction() as session:
            return wishes_of(session, [person_id]).get(person_id, default or Wishes())

    def wish(self, person_id: int, wishes: Wishes) -> None:
        """Keep how somebody wants to be told. Raises InvalidInput naming what is wrong."""
        check_wishes(wishes)
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            keep_wishes(session, person_id, wishes)
            for notice in held_of(session, f"person:{person_id}", _BY_WISH):
                if notice.telling is not None:  # what earlier wishes held is held as the new ones have it
                    placed = place(notice.telling, wishes, now)
                    change_notices(
                        session, [notice.id], state=placed.state, due_at=placed.due_at, reason=placed.reason
                    )

    def test(self, destination_id: int, principal: Principal) -> int:
        """Send a test to a destination; return the number of its notice. Raises NotFound."""
        with self._desk.transaction() as session:
            destination = destination_of(session, destination_id)
            if destination.ended_at is not None:
                raise InvalidInput("this destination has ended: nothing goes there any more")
            return self._test(session, destination, principal)

    def test_all(self) -> int:
        """Test each destination at which nothing arrived for a week; return how many those are."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            due = [each for each in all_destinations(session) if _last(each) <= now - _WEEK_MS]
            for each in due:
                self._test(session, each, schedule("weekly test"))
        return len(due)

    def again(self, notice_id: int, principal: Principal) -> Notice:
        """Send again what could not be delivered. Raises NotFound, InvalidInput unless it is dead."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            notice = notice_of(session, notice_id)
            if notice.destination_id is None:
                raise InvalidInput("this notice has no destination; add one for its recipient first")
            changed = change_notices(
                session,
                [notice_id],
                states=(NoticeState.DEAD,),
                state=NoticeState.WAITING,
                reason="sent_again",
                due_at=now,
                written_at=now,
                followed_up=False,
            )
            if not changed:
                raise InvalidInput(f"notice {notice_id} is {notice.state}; only a dead one is sent again")
            tell(
                session,
                Event(now, Subject.NOTICE, str(notice_id), "again", principal, "sent_again", notice.site),
            )
        return self.notice(notice_id)

    def notice(self, notice_id: int) -> Notice:
        """Return one notice. Raises NotFound."""
        with self._desk.transaction() as session:
            return notice_of(session, notice_id)

    def _test(self, session: Session, destination: Destination, principal: Principal) -> int:
        now = self._clock.now_ms()
        tested(session, destination.id, now)
        self._tell(session, destination, "tested", principal, "tested")
        key = f"test:{destination.id}:{now}"
        owner = (
            f"person:{destination.person_id}" if destination.person_id else f"destination:{destination.id}"
        )
        written = Notice(
            id=0,
            key=key,
            event=0,
            subject=Subject.DESTINATION,
            subject_id=str(destination.id),
            site=None,
            recipient=owner,
            destination_id=destination.id,
            telling=None,
            state=NoticeState.WAITING,
            reason="test",
            due_at=now,
            written_at=now,
        )
        return write_notices(session, [written])[0]

    def _tell(
        self, session: Session, destination: Destination, what: str, principal: Principal, reason: str
    ) -> None:
        tell(session, destination_event(destination, what, principal, reason, self._clock.now_ms()))


def check_wishes(wishes: Wishes) -> None:
    """Raise InvalidInput unless wishes can be kept, naming what is wrong and what is allowed."""
    if wishes.language not in LANGUAGES:
        raise InvalidInput(f"language: allowed: {', '.join(LANGUAGES)}")
    if wishes.zone not in available_timezones():
        hint = near(wishes.zone, available_timezones())
        raise InvalidInput(f"zone: {quoted(wishes.zone)} is no time zone, such as Europe/Berlin{hint}")
    for name in ("quiet_from", "quiet_to", "digest_at"):
        minute = getattr(wishes, name)
        if minute is not None and not 0 <= minute < _DAY_MINUTES:
            raise InvalidInput(f"{name}: a time of day, 00:00 to 23:59")


def _check_room(session: Session, person_id: int | None, name: str) -> None:
    most = _MOST_GROUPS if person_id is None else MOST_OF_ONE
    there = destinations(session, person_id)
    if sum(each.ended_at is None for each in there) >= most:
        raise InvalidInput(f"there are {most} destinations already; remove one first")
    if any(each.name == name for each in there):
        raise InvalidInput(f"name: {quoted(name)} is taken; chains of escalation go by it")


def _last(destination: Destination) -> int:
    """Return when something last arrived or was tested there; a new one counts from when it was made."""
    return max(destination.made_at, destination.proved_at or 0, destination.tested_at or 0)
