"""Whether a day is worth a whole look: asked of the log of events, and of visits that last too long."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from desk.dispatch.troubles import took_longer
from fleet.clock import MINUTE_MS
from fleet.events import Subject
from fleet.tickets import TicketState
from storage.records.assignments import any_overdue, open_assignments
from storage.records.events import Glimpse, glimpses_after
from storage.records.followers import newest_event

_ANYWAY_MS = 15 * MINUTE_MS
"""So long after the last whole look there is another one, whatever the log says."""
_CONCERNS = (
    *(Subject.TICKET, Subject.ENGINEER, Subject.SITE, Subject.REGION, Subject.CUSTOMER, Subject.CONTRACT),
    *(Subject.PART, Subject.STOCK_PLACE, Subject.STOCK_ORDER),
)
"""What plans of a day go by."""
_AS_PLANNED = frozenset(
    {
        *(TicketState.ACCEPTED, TicketState.EN_ROUTE, TicketState.REPAIRING),
        *(TicketState.CONFIRMED, TicketState.CLOSED, TicketState.REVIEWED),
    }
)
"""States that a case comes to when all goes as planned; who is done (repaired) is free for others."""
_WORDS = frozenset(
    {
        *("appointment", "note", "comment", "reminder", "visit", "maintained", "late_cause", "consent_asked"),
        *("clock_warned", "clock_breached", "clock_escalated", "stock_used", "part_reserved"),
        *("feedback_link", "feedback", "feedback_changed", "not_reached"),
        *("follow_up_opened", "follow_up_overdue", "follow_up_done"),
    }
)
"""What is told and changes nobody's way."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a whole look at a day knew at `at` (epoch ms): the log up to `event`, what took longer by then.

    `waits`: something was seen and left for later.
    """

    event: int
    at: int
    day: date
    longer: frozenset[str]
    waits: bool = False


def looked(session: Session, now: int, day: date) -> Looked:
    """Return what a whole look at this moment is going to know; to be asked before it."""
    return Looked(newest_event(session), now, day, _longer(session, now))


def is_worth_it(session: Session, last: Looked | None, now: int, day: date) -> bool:
    """Tell whether anything that a plan goes by may have changed since the last whole look."""
    if last is None or last.waits or day != last.day or now - last.at >= _ANYWAY_MS:
        return True
    told = glimpses_after(session, last.event, _CONCERNS)
    return any_concerns(told) or not _longer(session, now) <= last.longer


def any_concerns(told: Iterable[Glimpse]) -> bool:
    """Tell whether anything that happened may change who goes where."""
    return any(
        each.after not in _AS_PLANNED if each.what == "state" else each.what not in _WORDS for each in told
    )


def _longer(session: Session, now: int) -> frozenset[str]:
    """Return the keys of the visits that take longer; on most days there is none, and one row is read."""
    if not any_overdue(session, now):
        return frozenset()
    return frozenset(each.key for each in took_longer(open_assignments(session), now))
