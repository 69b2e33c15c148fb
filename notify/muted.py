"""What was to be told later, and is muted meanwhile: it waits for the end of the mute."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from fleet.clock import MINUTE_MS
from fleet.events import Subject
from fleet.mutes import Mute, hiding, next_change
from fleet.outbox import Notice, NoticeState
from notify.outdated import tells_an_end
from notify.stages import FALLBACK
from storage.records.care import cases_of
from storage.records.mutes import holding_mutes
from storage.records.notices import change_notices

LOOK_AGAIN_MS = 5 * MINUTE_MS
"""A mute may be ended before its time: so soon what it holds back here goes out all the same."""


def without_muted(session: Session, mine: Sequence[Notice], holder: str, now: int) -> list[Notice]:
    """Let what was held, and is muted by now, wait longer; return the rest. Ends are told, mute or not."""
    held = [each for each in mine if each.state is NoticeState.HELD and not tells_an_end(each)]
    mutes = holding_mutes(session, now) if held else []
    waits = set()
    for each in held if mutes else []:
        mute = _muting(session, each, mutes)
        if mute is None:
            continue
        until = min(next_change(mute, now) or now + LOOK_AGAIN_MS, now + LOOK_AGAIN_MS)
        # Of another way its reason says so, and is asked for once one of them arrives.
        reason = each.reason if each.reason.startswith(FALLBACK) else f"muted_by:{mute.id}"
        change_notices(
            session, [each.id], holder=holder, due_at=until, reason=reason, lease=None, lease_until=0
        )
        waits.add(each.id)
    return [each for each in mine if each.id not in waits]


def _muting(session: Session, notice: Notice, mutes: Sequence[Mute]) -> Mute | None:
    """Return the mute that hides what a notice tells of; a list is hidden where all that is on it is."""
    if notice.telling is None or notice.subject not in (Subject.ALERT, Subject.INCIDENT):
        return None
    listed = notice.telling.alerts if notice.telling.is_list else (notice.subject_id,)
    subject = Subject.ALERT if notice.telling.is_list else Subject(notice.subject)
    cases = cases_of(session, subject, listed)
    hide = [hiding(mutes, cases[each]) if each in cases else None for each in listed]
    return None if None in hide or not hide else hide[0]
