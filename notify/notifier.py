"""Turns what care decides to tell into notices: a follower of the log of events that writes the outbox."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.clock import DAY_MS, Clock
from fleet.duty import Duty
from fleet.events import Event, Subject
from fleet.outbox import Notice, NoticeState, Wishes, notice_key, person_in
from fleet.principals import schedule
from fleet.tellings import TELL, UNREACHED, Occasion, Telling, Unreached
from notify.ends import who_heard
from notify.of_tickets import is_moot
from notify.outdated import hold_back, hold_back_moot, supersede
from notify.recipients import Meant, Recipient, meant_by, recipients
from notify.stages import later, place
from storage.records.database import DeskDatabase
from storage.records.destinations import wishes_of
from storage.records.events import tell
from storage.records.notices import (
    change_notices,
    due_notices,
    look_again,
    look_at_muted,
    waiting_subjects,
    write_notices,
)

NOTIFIER = schedule("notify")
_SUBJECTS = (Subject.ALERT, Subject.INCIDENT, Subject.TICKET)
_OF_DUTY = (Subject.DUTY, Subject.PERSON)
_UNKNOWN_MS = 7 * DAY_MS
"""So long something waits for somebody of whom nobody knows when they come, before it is looked at again."""
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
    subjects = frozenset({*_SUBJECTS, *_OF_DUTY, Subject.MUTE})

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

    def handle_all(self, events: Sequence[Event]) -> None:
        """Write what follows from events. Of thousands that are over nearly all were told to nobody."""
        ends = {event.subject_id for event in events if _holds_back(event)}
        with self._desk.transaction() as session:
            waits = waiting_subjects(session, ends) if ends else set()
        for event in events:
            if event.what == TELL:
                waits.add((event.subject, event.subject_id))
                waits |= {(Subject.ALERT, alert) for alert in Telling.from_data(event.data).alerts}
            if not _holds_back(event) or (event.subject, event.subject_id) in waits:
                self.handle(event)

    def handle(self, event: Event) -> None:
        """Write what follows from an event."""
        if event.subject in _OF_DUTY:
            with self._desk.transaction() as session:
                look_again(session, self._clock.now_ms())
        if event.subject is Subject.MUTE:
            with self._desk.transaction() as session:
                look_at_muted(session, self._clock.now_ms())
            self._wake()
        if event.subject not in _SUBJECTS:
            return
        if event.what == TELL:
            self._tell(event)
        elif _holds_back(event):
            now = self._clock.now_ms()
            with self._desk.transaction() as session:
                if event.subject is Subject.TICKET:
                    hold_back_moot(session, event.subject_id, now)
                    return
                reason = f"{event.after}_before_sent"
                hold_back(session, event.subject, event.subject_id, event.id, reason, now)

    def _tell(self, event: Event) -> None:
        telling = Telling.from_data(event.data)
        about = _About(event.id, event.subject, event.subject_id, event.site, telling, self._clock.now_ms())
        meant = meant_by(self._duty, telling.to, event.site, event.at)
        with self._desk.transaction() as session:
            if about.subject == Subject.TICKET and is_moot(session, about.subject_id, telling):
                return  # it was done before anybody was told
            if telling.occasion is Occasion.RESOLVED:
                write_notices(session, _ends(session, about))
            else:
                self._write(session, about, meant)
        self._wake()

    def _write(self, session: Session, about: _About, meant: Meant) -> None:
        found = recipients(session, meant, self._mail(), about.now)
        # Where somebody else is told, nobody waits for those of a role that nobody has.
        waits = meant if not found else replace(meant, nobody=())
        new = write_notices(session, [*_placed(about, found), *_waiting(about, waits)])
        supersede(session, about.subject, about.subject_id, new, about.now)
        if not new or about.telling.occasion is Occasion.STILL_OPEN:
            return
        if not any(each.destination for each in found):
            why = _why_nobody(meant, found)
            tell(
                session,
                unreached(about.event, about.subject, about.subject_id, about.telling, why, about.now),
            )

    def shift_begins(self, now: int) -> int:
        """Tell those who came on call, or got a role, what waited for them; return how much that was."""
        with self._desk.transaction() as session:
            due = due_notices(session, NoticeState.NOBODY, now, _MOST)
        return sum(self._hand_to_shift(each, now) for each in due)

    def _hand_to_shift(self, waiting: Notice, now: int) -> bool:
        assert waiting.telling is not None  # a test waits for nobody
        telling = later(waiting.telling, now)
        targets = [target for target in telling.to if str(target) == waiting.recipient]
        meant = meant_by(self._duty, targets, waiting.site, now)
        about = _About(waiting.event, waiting.subject, waiting.subject_id, waiting.site, telling, now)
        with self._desk.transaction() as session:
            if not meant.people and not meant.groups:
                until = meant.gaps[0][1] if meant.gaps else None
                change_notices(session, [waiting.id], due_at=until or now + _UNKNOWN_MS)
                return False
            came = "shift_began" if waiting.recipient.startswith("schedule:") else "somebody_came"
            if change_notices(session, [waiting.id], state=NoticeState.DROPPED, reason=came):
                write_notices(session, _placed(about, recipients(session, meant, self._mail(), now)))
        self._wake()
        return True


def _holds_back(event: Event) -> bool:
    """Tell whether an event may say that something is over, or that somebody sees to it."""
    over = event.subject is Subject.TICKET or event.after in (AlertState.ACKNOWLEDGED, AlertState.RESOLVED)
    return event.subject in _SUBJECTS and event.what != TELL and over


def unreached(event: int, subject: str, subject_id: str, telling: Telling, why: Unreached, now: int) -> Event:
    """Return the event of a step that reached nobody."""
    data = {"subject": subject, "subject_id": subject_id, "step": telling.step, "why": why}
    return Event(now, Subject.NOTICE, str(event), UNREACHED, NOTIFIER, why, data=data)


def _why_nobody(meant: Meant, found: Sequence[Recipient]) -> Unreached:
    if found:
        return Unreached.NO_CHANNEL
    return Unreached.NOBODY_ON_CALL if meant.gaps else Unreached.NOBODY_MEANT


def _placed(about: _About, found: Iterable[Recipient]) -> Iterable[Notice]:
    for each in found:
        if each.destination is None:
            dead = about.notice(each.name, NoticeState.DEAD, about.now, Unreached.NO_CHANNEL)
            yield replace(dead, followed_up=True)  # there is nothing to wait for
            continue
        placed = place(about.telling, each.wishes, about.now)
        yield about.notice(each.name, placed.state, placed.due_at, placed.reason, each.destination.id)


def _waiting(about: _About, meant: Meant) -> Iterable[Notice]:
    """Yield what waits for somebody to come on call, or to be given a role."""
    unknown = about.now + _UNKNOWN_MS
    for target, until in meant.gaps:
        yield about.notice(str(target), NoticeState.NOBODY, until or unknown, Unreached.NOBODY_ON_CALL)
    for target in meant.nobody:
        yield about.notice(str(target), NoticeState.NOBODY, unknown, Unreached.NOBODY_MEANT)


def _ends(session: Session, about: _About) -> Iterable[Notice]:
    """Yield a notice of the end for each who may have read of the beginning."""
    heard = who_heard(session, about.subject, about.subject_id, about.event, about.telling)
    hold_back(session, about.subject, about.subject_id, about.event, "over_before_sent", about.now)
    wishes = wishes_of(session, [person for name, _ in heard if (person := person_in(name))])
    for name, destination in heard:
        placed = place(about.telling, wishes.get(person_in(name) or 0, Wishes()), about.now)
        yield about.notice(name, placed.state, placed.due_at, placed.reason, destination)
