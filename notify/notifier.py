"""Turns what care decides to tell into notices: a follower of the log of events that writes the outbox."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.clock import DAY_MS, Clock
from fleet.duty import Duty
from fleet.events import Event, Subject
from fleet.outbox import OPEN_STATES, Notice, NoticeState, Wishes, notice_key
from fleet.principals import schedule
from fleet.tellings import TELL, UNREACHED, Occasion, Telling, Unreached
from notify.recipients import Meant, Recipient, meant_by, recipients
from notify.stages import place
from storage.records.database import DeskDatabase
from storage.records.destinations import wishes_of
from storage.records.events import tell
from storage.records.notices import (
    change_notices,
    digests_listing,
    due_notices,
    notices_about,
    write_notices,
)

NOTIFIER = schedule("notify")
_SUBJECTS = (Subject.ALERT, Subject.INCIDENT)
_A_SHIFT_UNKNOWN_MS = 7 * DAY_MS
_MOST = 1000


@dataclass(frozen=True, slots=True)
class _About:
    """What the notices of one event have in common."""

    event: int
    subject: str
    subject_id: str
    site: str | None
    telling: Telling
    now: int

    def notice(
        self, recipient: str, state: NoticeState, due_at: int, reason: str, destination: int | None = None
    ) -> Notice:
        return Notice(
            id=0,
            key=notice_key(self.event, recipient, destination),
            event=self.event,
            subject=self.subject,
            subject_id=self.subject_id,
            site=self.site,
            recipient=recipient,
            destination_id=destination,
            telling=self.telling,
            state=state,
            reason=reason,
            due_at=due_at,
            written_at=self.now,
        )


class Notifier:
    """Writes the notices that follow from each event; handled twice, they are there once.

    `mail` tells whether mail is set up; `wake` is called when something may be sent.
    """

    name = "notices"

    def __init__(
        self,
        desk: DeskDatabase,
        duty: Duty,
        clock: Clock,
        mail: Callable[[], bool] = lambda: False,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._duty = duty
        self._clock = clock
        self._mail = mail
        self._wake = wake

    def handle(self, event: Event) -> None:
        """Write what follows from an event."""
        if event.subject not in _SUBJECTS:
            return
        if event.what == TELL:
            self._tell(event)
        elif event.after in (AlertState.ACKNOWLEDGED, AlertState.RESOLVED):
            self._hold_back(event)

    def _tell(self, event: Event) -> None:
        telling = Telling.from_data(event.data)
        about = _About(event.id, event.subject, event.subject_id, event.site, telling, self._clock.now_ms())
        meant = meant_by(self._duty, telling.to, event.site, event.at)
        with self._desk.transaction() as session:
            if telling.occasion is Occasion.RESOLVED:
                write_notices(session, _ends(session, about))
            else:
                self._write(session, about, meant)
        self._wake()

    def _write(self, session: Session, about: _About, meant: Meant) -> None:
        found = recipients(session, meant, self._mail(), about.now)
        new = write_notices(session, [*_placed(about, found), *_gaps(about, meant)])
        if not new or about.telling.occasion is Occasion.STILL_OPEN:
            return
        if not any(each.destination for each in found):
            why = Unreached.NOBODY_ON_CALL if meant.gaps and not found else Unreached.NO_CHANNEL
            tell(
                session,
                unreached(about.event, about.subject, about.subject_id, about.telling, why, about.now),
            )

    def _hold_back(self, event: Event) -> None:
        """Drop what did not go out yet of an alert that somebody sees to, or that is over."""
        with self._desk.transaction() as session:
            waiting = [
                each.id
                for each in notices_about(session, event.subject, event.subject_id)
                if each.state in OPEN_STATES and each.event < event.id and not _tells_an_end(each)
            ]
            if waiting:
                change_notices(
                    session, waiting, state=NoticeState.DROPPED, reason=f"{event.after}_before_sent"
                )

    def shift_begins(self, now: int) -> int:
        """Tell those who came on call what waited for them; return how much that was."""
        with self._desk.transaction() as session:
            due = due_notices(session, NoticeState.NOBODY, now, _MOST)
        return sum(self._hand_to_shift(each, now) for each in due)

    def _hand_to_shift(self, waiting: Notice, now: int) -> bool:
        telling = waiting.telling
        assert telling is not None  # a test waits for nobody
        targets = [target for target in telling.to if str(target) == waiting.recipient]
        meant = meant_by(self._duty, targets, waiting.site, now)
        about = _About(waiting.event, waiting.subject, waiting.subject_id, waiting.site, telling, now)
        with self._desk.transaction() as session:
            if not meant.people:
                until = meant.gaps[0][1] if meant.gaps else None
                change_notices(session, [waiting.id], due_at=until or now + _A_SHIFT_UNKNOWN_MS)
                return False
            if change_notices(session, [waiting.id], state=NoticeState.DROPPED, reason="shift_began"):
                write_notices(session, _placed(about, recipients(session, meant, self._mail(), now)))
        self._wake()
        return True


def unreached(event: int, subject: str, subject_id: str, telling: Telling, why: Unreached, now: int) -> Event:
    """Return the event of a step that reached nobody."""
    data = {"subject": subject, "subject_id": subject_id, "step": telling.step, "why": why}
    return Event(now, Subject.NOTICE, str(event), UNREACHED, NOTIFIER, why, data=data)


def _placed(about: _About, found: Iterable[Recipient]) -> Iterable[Notice]:
    for each in found:
        if each.destination is None:
            yield about.notice(each.name, NoticeState.DEAD, about.now, Unreached.NO_CHANNEL)
            continue
        placed = place(about.telling, each.wishes, about.now)
        yield about.notice(each.name, placed.state, placed.due_at, placed.reason, each.destination.id)


def _gaps(about: _About, meant: Meant) -> Iterable[Notice]:
    for name, until in meant.gaps:
        due_at = about.now + _A_SHIFT_UNKNOWN_MS if until is None else until
        yield about.notice(f"schedule:{name}", NoticeState.NOBODY, due_at, Unreached.NOBODY_ON_CALL)


def _ends(session: Session, about: _About) -> Iterable[Notice]:
    """Return a notice of the end for each who may have read of the beginning; who did not, hears nothing."""
    before = [
        each for each in notices_about(session, about.subject, about.subject_id) if each.event < about.event
    ]
    waiting = [each.id for each in before if each.state in OPEN_STATES and not _tells_an_end(each)]
    change_notices(session, waiting, state=NoticeState.DROPPED, reason="over_before_sent")
    # Who heard of it in a list alone, whose subject is another alert, hears of its end as well.
    before += digests_listing(session, about.subject_id, about.telling.since)
    told = {(each.recipient, each.destination_id) for each in before if _heard(each)}
    people = [int(name.partition(":")[2]) for name, _ in told if name.startswith("person:")]
    wishes = wishes_of(session, people)
    for name, destination in sorted(told, key=str):
        person = int(name.partition(":")[2]) if name.startswith("person:") else 0
        placed = place(about.telling, wishes.get(person, Wishes()), about.now)
        yield about.notice(name, placed.state, placed.due_at, placed.reason, destination)


def _heard(notice: Notice) -> bool:
    """Tell whether its recipient read of it, or was to at once and the channel alone kept it from them."""
    loudly = notice.telling is not None and notice.telling.loud and notice.tries > 0
    return notice.destination_id is not None and (notice.was_out or loudly)


def _tells_an_end(notice: Notice) -> bool:
    return notice.telling is not None and notice.telling.occasion is Occasion.RESOLVED
