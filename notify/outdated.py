"""What is not to go out any more: it is over, somebody sees to it, or something newer says the same."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.events import Subject
from fleet.outbox import OPEN_STATES, Notice
from notify.of_tickets import is_moot
from storage.records.alerts import alerts_named
from storage.records.events import events_of
from storage.records.notices import notices_about, open_lists, withdraw

_SEEN_TO = (AlertState.ACKNOWLEDGED, AlertState.RESOLVED)


def tells_an_end(notice: Notice) -> bool:
    """Tell whether a notice says that something is over."""
    return notice.telling is not None and notice.telling.is_end


def hold_back(session: Session, subject: str, subject_id: str, event: int, reason: str, now: int) -> None:
    """Withdraw what waits of something that is over, or that somebody sees to, since an event.

    A list of what is still open goes out as long as anything on it is.
    """
    waiting = [
        each
        for each in notices_about(session, subject, subject_id)
        if each.state in OPEN_STATES and each.event < event and not tells_an_end(each)
    ]
    if subject == Subject.ALERT:
        known = {each.id for each in waiting}
        waiting += [each for each in open_lists(session, subject_id) if each.id not in known]
    gone = [each.id for each in waiting if not _lists_more(session, each)]
    if gone:
        withdraw(session, gone, reason, now)


def hold_back_moot(session: Session, ticket_id: str, now: int) -> None:
    """Withdraw what waits of a ticket and is done by now."""
    waiting = [
        each for each in notices_about(session, Subject.TICKET, ticket_id) if each.state in OPEN_STATES
    ]
    gone = [each.id for each in waiting if each.telling and is_moot(session, ticket_id, each.telling)]
    if gone:
        withdraw(session, gone, "done_before_sent", now)


def supersede(session: Session, subject: str, subject_id: str, new: Collection[int], now: int) -> None:
    """Withdraw what waits for the same recipient by the same way as something newer of the same subject."""
    there = notices_about(session, subject, subject_id)
    fresh = {(each.recipient, each.destination_id): each.event for each in there if each.id in new}
    older = [
        each.id
        for each in there
        if each.state in OPEN_STATES
        and each.event < fresh.get((each.recipient, each.destination_id), 0)
        and not tells_an_end(each)
        and not _is_list(each)
    ]
    if older:
        withdraw(session, older, "told_anew", now)


def is_outdated(session: Session, notice: Notice) -> bool:
    """Tell whether what a notice says was seen to, or over, since it was written."""
    if notice.telling is None or tells_an_end(notice):
        return False
    if _is_list(notice):
        return not _lists_more(session, notice)
    if notice.subject == Subject.TICKET:
        return is_moot(session, notice.subject_id, notice.telling)
    since = events_of(session, Subject(notice.subject), notice.subject_id)
    return any(each.id > notice.event and each.after in _SEEN_TO for each in since)


def _is_list(notice: Notice) -> bool:
    return notice.telling is not None and notice.telling.is_list


def _lists_more(session: Session, notice: Notice) -> bool:
    """Tell whether a notice is a list on which something still fires."""
    if notice.telling is None or not _is_list(notice):
        return False
    return any(each.state is AlertState.FIRING for each in alerts_named(session, notice.telling.alerts))
