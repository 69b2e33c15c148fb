"""Where nobody knows that a notice arrived: another way to the same person is taken, then the next step."""

from sqlalchemy.orm import Session

from fleet.clock import Clock
from fleet.notices import Proof
from fleet.outbox import Notice, NoticeState, Wishes, notice_key
from fleet.tellings import Occasion, Telling, Unreached
from notify.notifier import unreached
from notify.outdated import is_outdated
from notify.recipients import next_way
from notify.stages import PROVEN_WITHIN_MS, could_go_at, later, place_again
from storage.records.database import DeskDatabase
from storage.records.destinations import wishes_of
from storage.records.events import tell
from storage.records.notices import follow_once, not_proven, notices_of_event, write_notices

_MOST = 500
_WITHOUT_STEPS = (Occasion.RESOLVED, Occasion.STILL_OPEN)


class Proving:
    """Follows up what stays unproven, each once."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def follow_up(self) -> int:
        """Take another way for what is not proven in time; return for how many notices."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            due = [
                each
                for each in not_proven(session, now - PROVEN_WITHIN_MS[True], _MOST)
                if _is_late(each, now)
            ]
        for each in due:
            with self._desk.transaction() as session:
                self._follow(session, each, now)
        return len(due)

    def _follow(self, session: Session, notice: Notice, now: int) -> None:
        if not follow_once(session, notice.id) or is_outdated(session, notice):
            return
        telling = notice.telling
        if telling is None:
            return
        same = notices_of_event(session, notice.event)
        if any(_is_proven(each) for each in same if each.recipient == notice.recipient):
            return
        tried = [each.destination_id or 0 for each in same if each.recipient == notice.recipient]
        way = next_way(session, notice, tried)
        if way is not None:
            wishes = wishes_of(session, [notice.person_id or 0]).get(notice.person_id or 0, Wishes())
            write_notices(session, [_by_another_way(notice, later(telling, now), way.id, wishes, now)])
        elif telling.occasion not in _WITHOUT_STEPS and not any(_may_still_reach(each) for each in same):
            why = Unreached.UNDELIVERED if notice.state is NoticeState.DEAD else Unreached.UNPROVEN
            tell(session, unreached(notice.event, notice.subject, notice.subject_id, telling, why, now))


def _by_another_way(notice: Notice, telling: Telling, destination: int, wishes: Wishes, now: int) -> Notice:
    placed = place_again(telling, wishes, now)
    return Notice(
        id=0,
        key=notice_key(notice.event, notice.recipient, destination),
        event=notice.event,
        subject=notice.subject,
        subject_id=notice.subject_id,
        site=notice.site,
        recipient=notice.recipient,
        destination_id=destination,
        telling=telling,
        state=placed.state,
        reason=f"{placed.reason}:{notice.id}",
        due_at=placed.due_at,
        written_at=now,
    )


def _is_late(notice: Notice, now: int) -> bool:
    loud = notice.telling is not None and notice.telling.loud
    since = could_go_at(notice) if notice.handed_at is None else notice.handed_at
    return notice.state is NoticeState.DEAD or now - since >= PROVEN_WITHIN_MS[loud]


def _is_proven(notice: Notice) -> bool:
    return notice.proof not in (Proof.WRITTEN, Proof.HANDED_OVER)


def _may_still_reach(notice: Notice) -> bool:
    """Tell whether a notice arrived, or its time, or that of another way, is still to come."""
    return _is_proven(notice) or not (notice.followed_up or notice.state is NoticeState.DROPPED)
