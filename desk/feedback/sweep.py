"""Tells, once, that nobody looked after a low score in time: the log, and whoever is above."""

from desk.tickets.telling import CaseTeller
from fleet.cases import happened
from fleet.principals import schedule
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.follow_ups import follow_up, overdue_follow_ups, take_overdue
from storage.records.tickets import ticket

_AT_ONCE = 200


class FollowUpSweep:
    """Goes through follow-ups that are overdue; several processes may, each is told of by one of them."""

    def __init__(self, desk: DeskDatabase, teller: CaseTeller | None = None) -> None:
        self._desk = desk
        self._teller = teller

    def tick(self, now: int) -> int:
        """Tell of those overdue at `now` (epoch ms); return how many were told of."""
        with self._desk.transaction() as session:
            due = overdue_follow_ups(session, now, _AT_ONCE)
        return sum(self._tell(each, now) for each in due)

    def _tell(self, follow_up_id: int, now: int) -> bool:
        with self._desk.transaction() as session:
            if not take_overdue(session, follow_up_id, now):
                return False
            found = follow_up(session, follow_up_id)
            case = ticket(session, found.ticket_id)
            what, reason = "follow_up_overdue", f"{found.score}/5"
            event = happened(
                case, what, schedule("follow_ups"), reason, now, follow_up=follow_up_id, due=found.due
            )
            tell(session, event)
            if self._teller is not None:
                tell(session, self._teller.low_score(case, found, now, late=True))
            return True
