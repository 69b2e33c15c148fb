"""Hands notices to their channels: leased by destination, so that none holds up another; noted after each."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.orm import Session

from fleet.clock import SECOND_MS, Clock
from fleet.errors import InvalidInput, NotFound
from fleet.events import Event, Subject
from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from fleet.outbox import Destination, Notice, NoticeState
from fleet.text import Language
from notify.links import new_link
from notify.notifier import NOTIFIER
from notify.ports import Channels, Said
from notify.rendering import Words
from notify.stages import is_too_old, retry_at
from storage.records.database import DeskDatabase
from storage.records.destinations import address_of, destination_of, proved, troubled, wishes_of
from storage.records.events import tell
from storage.records.notices import change_notices, due_destinations, lease_notices

log = logging.getLogger(__name__)
LEASE_MS = 45 * SECOND_MS
"""Three times what a channel takes at most; renewed before each message."""
_MOST = 200
SINGLY = 3
"""More than so many that wait for one destination go out as one digest."""
_GOES_AS = "goes as:"
"""Stands before the key of the message as which a notice was about to go out, in its reference."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What goes out as one message: one notice, or several as a digest of a key of its own."""

    notices: tuple[Notice, ...]
    key: str

    @property
    def ids(self) -> list[int]:
        return [each.id for each in self.notices]


class Sender:
    """Sends what is due; called by several threads and processes at once. `holder` names its process."""

    def __init__(self, desk: DeskDatabase, channels: Channels, said: Said, clock: Clock, holder: str) -> None:
        self._desk = desk
        self._channels = channels
        self._said = said
        self._words = Words(said)
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
            parcels = _parcels(_without_old(session, mine, self._holder, now))
            for parcel in parcels:
                # After a crash the same ones go out again, together or alone, under the same key.
                change_notices(session, parcel.ids, reference=f"{_GOES_AS}{parcel.key}")
        for number, parcel in enumerate(parcels):
            if not self._still_ours(parcels[number:]):
                return sum(len(each.notices) for each in parcels[:number])
            if not self._send(destination_id, parcel):
                self._let_go(parcels[number + 1 :])
                return sum(len(each.notices) for each in parcels[:number])
        return sum(len(each.notices) for each in parcels)

    def _still_ours(self, parcels: Sequence[_Parcel]) -> bool:
        """Renew the lease of what is still to be sent; False where another took it over."""
        ids = [number for parcel in parcels for number in parcel.ids]
        until = self._clock.now_ms() + LEASE_MS
        with self._desk.transaction() as session:
            kept = change_notices(session, ids, holder=self._holder, lease_until=until)
        return len(kept) == len(ids)

    def _send(self, destination_id: int, parcel: _Parcel) -> bool:
        """Send one parcel and note what became of it; False where the next ones had better wait."""
        try:
            destination, address, message = self._prepared(destination_id, parcel)
            receipt = self._channels[destination.channel].deliver(message, address)
        except NotDelivered as error:
            return self._failed(destination_id, parcel, error)
        except (NotFound, KeyError, InvalidInput) as error:
            gone = _why_not(error)
            return self._failed(destination_id, parcel, NotDelivered(gone, again=False))
        except Exception as error:  # whatever it is, and without its words: they may hold an address
            log.exception("a notice could not be sent")
            return self._failed(destination_id, parcel, NotDelivered(type(error).__name__, again=True))
        self._delivered(destination, parcel, receipt)
        return True

    def _prepared(self, destination_id: int, parcel: _Parcel) -> tuple[Destination, dict[str, str], Message]:
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            destination = destination_of(session, destination_id)
            address = address_of(session, destination_id)
            person = destination.person_id
            language = self._language(session, person)
            link = None
            if person:
                link = f"{self._said.base_url}n/{new_link(session, parcel.notices, now)}"
            if len(parcel.notices) > 1:
                message = self._words.digest(session, parcel.notices, parcel.key, language, link, now)
            else:
                message = self._words.message(session, parcel.notices[0], language, link, now)
        return destination, address, message

    def _language(self, session: Session, person: int | None) -> Language:
        wishes = wishes_of(session, [person]).get(person) if person else None
        return self._said.language if wishes is None else wishes.language

    def _delivered(self, destination: Destination, parcel: _Parcel, receipt: Receipt) -> None:
        now = self._clock.now_ms()
        accepted = now if receipt.proof is not Proof.HANDED_OVER else None
        with self._desk.transaction() as session:
            done = change_notices(
                session,
                parcel.ids,
                holder=self._holder,
                state=NoticeState.SENT,
                proof=receipt.proof,
                handed_at=now,
                accepted_at=accepted,
                trouble=None,
                reference=receipt.reference[:255],
            )
            if accepted is not None:
                proved(session, destination.id, now)
            for each in parcel.notices:
                if each.id in done:
                    tell(session, _event(each, "sent", receipt.proof, now, parcel))

    def _failed(self, destination_id: int, parcel: _Parcel, error: NotDelivered) -> bool:
        now, trouble = self._clock.now_ms(), str(error)[:500]
        with self._desk.transaction() as session:
            for each in parcel.notices:
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
                    reference=_as_before(each, maybe=maybe, parcel=parcel),
                    **then,
                )
                if changed and not error.again:
                    tell(session, _event(each, "dead", trouble, now, parcel))
            troubled(session, destination_id, trouble)
        return not error.again

    def _let_go(self, parcels: Sequence[_Parcel]) -> None:
        """Leave what was not tried to the next turn."""
        with self._desk.transaction() as session:
            for parcel in parcels:
                for each in parcel.notices:
                    before = _as_before(each, maybe=False, parcel=parcel)
                    change_notices(
                        session, [each.id], holder=self._holder, reference=before, lease=None, lease_until=0
                    )


def _without_old(session: Session, mine: Sequence[Notice], holder: str, now: int) -> list[Notice]:
    """Let go of what is of a past for which nobody is to be told any more; return the rest."""
    old = [each for each in mine if is_too_old(each.written_at, now)]
    if old:
        change_notices(
            session,
            [each.id for each in old],
            holder=holder,
            state=NoticeState.DEAD,
            reason="too_old",
        )
    return [each for each in mine if each not in old]


def _parcels(mine: Sequence[Notice]) -> list[_Parcel]:
    """Return what goes out together: what was held, and what is too much to come one by one."""
    again: dict[str, list[Notice]] = {}
    held, singly = [], []
    for each in mine:
        if each.reference.startswith(_GOES_AS):
            again.setdefault(each.reference.removeprefix(_GOES_AS), []).append(each)
        elif each.state is NoticeState.HELD:
            held.append(each)
        else:
            singly.append(each)
    if len(singly) > SINGLY:
        held, singly = [*held, *singly], []
    parcels = [_Parcel(tuple(notices), key) for key, notices in again.items()]
    parcels += [_Parcel(tuple(held), _key_of(held))] if held else []
    return parcels + [_Parcel((each,), each.key) for each in singly]


def _as_before(notice: Notice, *, maybe: bool, parcel: _Parcel) -> str:
    """Return the reference of a notice that is still to go: what nobody can have taken may go otherwise."""
    return f"{_GOES_AS}{parcel.key}" if maybe or notice.reference else ""


def _why_not(error: Exception) -> str:
    """Say why a destination cannot be used."""
    if isinstance(error, NotFound):
        return "the destination was removed"
    return str(error) if isinstance(error, InvalidInput) else f"the channel {error} is not set up"


def _key_of(notices: Sequence[Notice]) -> str:
    if len(notices) == 1:
        return notices[0].key
    return sha256("\n".join(each.key for each in notices).encode()).hexdigest()[:32]


def _event(notice: Notice, what: str, reason: str, now: int, parcel: _Parcel) -> Event:
    data = {
        "subject": notice.subject,
        "subject_id": notice.subject_id,
        "recipient": notice.recipient,
        "key": parcel.key,
    }
    return Event(
        now, Subject.NOTICE, str(notice.id), what, NOTIFIER, reason, notice.site, after=what, data=data
    )
