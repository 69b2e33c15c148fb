"""Hands notices to their channels: leased by destination, so that none holds up another; noted after each."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from fleet.clock import SECOND_MS, Clock
from fleet.errors import InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.letters import NotNeeded
from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from fleet.outbox import OPEN_STATES, Destination, Notice, NoticeState
from fleet.text import Language
from notify.browsers import destination_event
from notify.letter_words import LetterWords
from notify.letters import may_go_at
from notify.links import keep_link, new_secret
from notify.muted import without_muted
from notify.notifier import NOTIFIER
from notify.parcels import Parcel, parcels_of
from notify.ports import Channels, Said
from notify.rendering import Words
from notify.stages import FALLBACK, could_go_at, is_too_old, retry_at
from storage.records.database import DeskDatabase
from storage.records.destinations import (
    address_of,
    destination_of,
    end_destination,
    let_rest,
    proved,
    troubled,
    wishes_of,
)
from storage.records.events import tell
from storage.records.notices import (
    change_notices,
    due_destinations,
    lease_notices,
    notices_of_event,
    withdraw,
)
from storage.records.people import person_of

log = logging.getLogger(__name__)
LEASE_MS = 45 * SECOND_MS
"""Three times what a channel takes at most; renewed before each message."""
_MOST = 200
_TOO_OLD = "too_old"


class Sender:
    """Sends what is due; called by several threads and processes at once. `holder` names its process."""

    def __init__(self, desk: DeskDatabase, channels: Channels, said: Said, clock: Clock, holder: str) -> None:
        self._desk = desk
        self._channels = channels
        self._said = said
        self._words = Words(said)
        self._letters = LetterWords(desk, channels, said)
        self._clock = clock
        self._holder = holder

    def due(self) -> list[tuple[int, ChannelKind]]:
        """Return where something is due, and by which channel; the longest waiting first."""
        with self._desk.transaction() as session:
            return due_destinations(session, self._clock.now_ms())

    def send_to(self, destination_id: int) -> int:
        """Send what is due for one destination, in order; return how many notices went out."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            mine = lease_notices(session, destination_id, self._holder, now, now + LEASE_MS, _MOST)
            fresh = self._without_night(session, _without_old(session, mine, self._holder, now), now)
            ready = without_muted(session, fresh, self._holder, now)
            parcels = parcels_of(ready)
            for parcel in parcels:
                # After a crash the same ones go out again, together or alone, under the same key.
                change_notices(session, parcel.ids, reference=parcel.reference)
        sent = 0
        for number in range(len(parcels)):
            ours = self._still_ours(parcels[number:])
            if ours is None:
                continue
            if not self._send(destination_id, ours):
                self._let_go(parcels[number + 1 :])
                break
            sent += len(ours.notices)
        return sent

    def _without_night(self, session: Session, mine: Sequence[Notice], now: int) -> list[Notice]:
        """Put letters off until the morning that were due by day, and are late; return the rest."""
        due = {
            each.id: may_go_at(each.letter, self._said.zones.of(each.site), now)
            for each in mine
            if each.letter is not None
        }
        late = {number: at for number, at in due.items() if at > now}
        for number, at in late.items():
            change_notices(session, [number], holder=self._holder, due_at=at)
        return [each for each in mine if each.id not in late]

    def _still_ours(self, parcels: Sequence[Parcel]) -> Parcel | None:
        """Renew the lease of what is still to be sent; return what the first holds that was not withdrawn."""
        ids = [number for parcel in parcels for number in parcel.ids]
        until = self._clock.now_ms() + LEASE_MS
        with self._desk.transaction() as session:
            kept = set(change_notices(session, ids, holder=self._holder, lease_until=until))
        mine = tuple(each for each in parcels[0].notices if each.id in kept)
        return replace(parcels[0], notices=mine) if mine else None

    def _send(self, destination_id: int, parcel: Parcel) -> bool:
        """Send one parcel and note what became of it; False where the next ones had better wait."""
        try:
            destination, address, message = self._prepared(destination_id, parcel)
            receipt = self._channels[destination.channel].deliver(message, address)
        except NotDelivered as error:
            return self._failed(destination_id, parcel, error)
        except NotNeeded as error:
            return self._dropped(parcel, error.why)
        except (NotFound, KeyError, InvalidInput) as error:
            gone = _why_not(error)
            return self._failed(destination_id, parcel, NotDelivered(gone, again=False))
        except Exception as error:  # whatever it is, and without its words: they may hold an address
            log.exception("a notice could not be sent")
            return self._failed(destination_id, parcel, NotDelivered(type(error).__name__, again=True))
        self._delivered(destination, parcel, receipt)
        return True

    def _prepared(self, destination_id: int, parcel: Parcel) -> tuple[Destination, dict[str, str], Message]:
        """Return where a parcel goes, and its message; it writes last, so that nobody waits for words."""
        now, secret = self._clock.now_ms(), new_secret()
        if parcel.notices[0].letter is not None:
            return self._letters.prepared(destination_id, parcel.notices[0], parcel.notices[0].letter, now)
        with self._desk.transaction() as session:
            destination = destination_of(session, destination_id)
            if destination.ended_at is not None:
                raise NotDelivered("the destination has ended", again=False)
            address = address_of(session, destination_id)
            person = destination.person_id
            if person and person_of(session, person).disabled_at is not None:
                raise NotDelivered("whose it is may not sign in any more", again=False)
            language = self._language(session, person)
            link = f"{self._said.base_url}n/{secret}" if person else None
            if len(parcel.notices) > 1:
                message = self._words.digest(session, parcel.notices, parcel.key, language, link, now)
            else:
                message = self._words.message(session, parcel.notices[0], language, link, now)
        if link is not None:
            with self._desk.transaction() as session:
                keep_link(session, secret, parcel.notices, now)
        return destination, address, replace(message, key=parcel.key)

    def _language(self, session: Session, person: int | None) -> Language:
        wishes = wishes_of(session, [person]).get(person) if person else None
        return self._said.language if wishes is None else wishes.language

    def _dropped(self, parcel: Parcel, why: str) -> bool:
        """Let a letter not go out that asks for what was done meanwhile."""
        with self._desk.transaction() as session:
            dropped: dict[str, Any] = {"state": NoticeState.DROPPED, "reason": why}
            change_notices(session, parcel.ids, holder=self._holder, **dropped)
        return True

    def _delivered(self, destination: Destination, parcel: Parcel, receipt: Receipt) -> None:
        now = self._clock.now_ms()
        accepted = now if receipt.proof is not Proof.HANDED_OVER else None
        columns: dict[str, Any] = {
            "state": NoticeState.SENT,
            "proof": receipt.proof,
            "handed_at": now,
            "accepted_at": accepted,
            "trouble": None,
            "reference": receipt.reference[:255],
        }
        with self._desk.transaction() as session:
            done = change_notices(session, parcel.ids, holder=self._holder, **columns)
            # What was withdrawn while it was under way has gone out all the same: its end is to be told, too.
            done += change_notices(session, parcel.ids, states=(NoticeState.DROPPED,), **columns)
            if accepted is not None:
                proved(session, destination.id, now)
            for each in parcel.notices:
                if each.id in done:
                    tell(session, _event(each, "sent", receipt.proof, now, parcel.key))
                    if accepted is not None:
                        _withdraw_other_ways(session, each, now)

    def _failed(self, destination_id: int, parcel: Parcel, error: NotDelivered) -> bool:
        now, trouble = self._clock.now_ms(), str(error)[:500]
        with self._desk.transaction() as session:
            for each in parcel.notices:
                # What nobody can have taken, now or before, may go out otherwise the next time.
                tries, maybe = each.tries + 1, each.maybe or error.maybe
                then = (
                    {"due_at": retry_at(tries, now, error.after_s)}
                    if error.again
                    else {"state": NoticeState.DEAD}
                )
                changed = change_notices(
                    session,
                    [each.id],
                    holder=self._holder,
                    tries=tries,
                    maybe=maybe,
                    trouble=trouble,
                    reference=parcel.reference if maybe or each.reference else "",
                    **then,
                )
                if changed and not error.again:
                    tell(session, _event(each, "dead", trouble, now, parcel.key))
            if error.gone:
                self._end(session, destination_id, trouble, now)
            troubled(session, destination_id, trouble)
            if error.again and error.after_s is not None:  # what it says of one message it means for all
                let_rest(session, destination_id, retry_at(1, now, error.after_s))
        return not error.again

    def _end(self, session: Session, destination_id: int, why: str, now: int) -> None:
        """Let nothing more go to an address of which its provider says that it is nobody's."""
        if end_destination(session, destination_id, why, now):
            tell(
                session,
                destination_event(destination_of(session, destination_id), "ended", NOTIFIER, why, now),
            )

    def _let_go(self, parcels: Sequence[Parcel]) -> None:
        """Leave what was not tried to the next turn."""
        notices = [each for parcel in parcels for each in parcel.notices]
        first = [each.id for each in notices if not each.reference]
        with self._desk.transaction() as session:
            change_notices(session, first, holder=self._holder, reference="")  # they may go otherwise
            ids = [each.id for each in notices]
            change_notices(session, ids, holder=self._holder, lease=None, lease_until=0)


def _without_old(session: Session, mine: Sequence[Notice], holder: str, now: int) -> list[Notice]:
    """Let go of what is of a past for which nobody is to be told any more; return the rest."""
    old = [each for each in mine if is_too_old(could_go_at(each), now)]
    for each in old:
        if change_notices(session, [each.id], holder=holder, state=NoticeState.DEAD, reason=_TOO_OLD):
            tell(session, _event(each, "dead", _TOO_OLD, now, each.key))
    return [each for each in mine if each not in old]


def _withdraw_other_ways(session: Session, arrived: Notice, now: int) -> None:
    """Let what waits to go to the same person by another way not go out any more: they know."""
    if not arrived.tries and not arrived.reason.startswith(FALLBACK):
        return  # no other way was taken
    same = notices_of_event(session, arrived.event) if arrived.telling else []
    others = [
        each.id
        for each in same
        if each.recipient == arrived.recipient and each.id != arrived.id and each.state in OPEN_STATES
    ]
    if others:
        withdraw(session, others, f"arrived_by:{arrived.id}", now)


def _why_not(error: Exception) -> str:
    """Say why a destination cannot be used."""
    if isinstance(error, NotFound):
        return "the destination was removed"
    return str(error) if isinstance(error, InvalidInput) else f"the channel {error} is not set up"


def _event(notice: Notice, what: str, reason: str, now: int, key: str) -> Event:
    data = {
        "subject": notice.subject,
        "subject_id": notice.subject_id,
        "recipient": notice.recipient,
        "key": key,
    }
    return Event(
        now, Subject.NOTICE, str(notice.id), what, NOTIFIER, reason, notice.site, after=what, data=data
    )
