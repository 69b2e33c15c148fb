"""Reckons the clocks of a customer's open cases anew when plan, tier, contract or site changed."""

from collections.abc import Callable, Sequence

from desk.clocks.recount import Recount
from fleet.clock import Clock
from fleet.events import Event, Subject
from storage.records.customers import sites_of_customers
from storage.records.database import DeskDatabase

_FOLLOWED = frozenset({Subject.CUSTOMER, Subject.CONTRACT, Subject.SITE})


class TermsFollower:
    """Follows what the log tells of customers, contracts and sites, whichever process wrote it.

    `forget` lets go of what was known of them. To reckon twice changes nothing. Contracts that begin or end
    by themselves are the hourly job's.
    """

    name = "clocks by plan and tier"
    subjects = _FOLLOWED

    def __init__(
        self, desk: DeskDatabase, forget: Callable[[], None], recount: Recount, clock: Clock
    ) -> None:
        self._desk = desk
        self._forget = forget
        self._recount = recount
        self._clock = clock

    def handle(self, event: Event) -> None:
        """Reckon the cases that one change concerns."""
        self.handle_all([event])

    def handle_all(self, events: Sequence[Event]) -> None:
        """Reckon the cases that changes concern, once for all of them."""
        followed = [event for event in events if event.subject in _FOLLOWED]
        if not followed:
            return
        self._forget()
        sites = {event.subject_id for event in followed if event.subject is Subject.SITE}
        customers = {one for event in followed for one in _customers(event)}
        with self._desk.transaction() as session:
            sites |= sites_of_customers(session, customers)
        self._recount.at_sites(sites, self._clock.now_ms())


class ForgetsTerms:
    """Lets this process know at once what others said of customers, contracts and sites: a listener."""

    name = "plans that another process changed"

    def __init__(self, forget: Callable[[], None]) -> None:
        self._forget = forget

    def handle(self, event: Event) -> None:
        """Forget what was read."""
        if event.subject in _FOLLOWED:
            self._forget()


def _customers(event: Event) -> set[str]:
    """Return the customers that a change concerns: of a contract that moved, both."""
    if event.subject is Subject.CUSTOMER:
        return {event.subject_id}
    if event.subject is not Subject.CONTRACT:
        return set()
    named = (event.data.get("customer"), event.data.get("before", {}).get("customer"))
    return {str(one) for one in named if one}
