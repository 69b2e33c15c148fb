"""Follow-up cases: what a visit found and left for another one gets a case, when the first is closed."""

from typing import Any

from sqlalchemy.orm import Session

from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.follow_up_cases import follow_up_of, left_over
from fleet.principals import Principal
from fleet.tickets import Ticket, TicketLink, TicketState
from storage.records.events import tell
from storage.records.ticket_links import link_tickets, note_follow_up


class FollowUpCases:
    """Opens a case for what another deferred, in the transaction that closes that one.

    A device has one open repair: the first is closed before the other is opened, and whoever would open one
    meanwhile finds it. What has a case of its own by now gets no second one, however often the first is
    opened and closed again.
    """

    def __init__(self, cases: CaseWriter) -> None:
        self._cases = cases
        cases.follow(self._moved)

    def _moved(
        self, session: Session, _before: Ticket, first: Ticket, principal: Principal, _why: str
    ) -> None:
        left = left_over(first)
        if first.state is not TicketState.CONFIRMED or not left:
            return
        now = self._cases.now()
        new = self._cases.open(session, follow_up_of(first, now))
        note_follow_up(session, left, new.id)
        link_tickets(session, first.id, new.id, TicketLink.FOLLOWS)
        opened: dict[str, Any] = {"fault": new.fault, "other": first.id}
        tell(session, happened(new, "opened", principal, "", now, after=new.state, **opened))
        faults = [each.fault for each in left]
        tell(session, happened(first, "follow_up", principal, "", now, deferred=faults, other=new.id))
