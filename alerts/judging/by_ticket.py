"""Ends alerts with their ticket: a follower of the log of events."""

from alerts.engine import AlertEngine
from fleet.events import Event, Subject
from fleet.tickets import CLOSED_STATES


class TicketEnds:
    """Ends what a closed ticket was about: its alerts are over, and what recurs is a new one."""

    name = "alerts end with their ticket"

    def __init__(self, engine: AlertEngine) -> None:
        self._engine = engine

    def handle(self, event: Event) -> None:
        """End the alerts of a ticket that was closed."""
        if event.subject is Subject.TICKET and event.what == "state" and event.after in CLOSED_STATES:
            alerts = [str(alert) for alert in event.data.get("alerts", ())]
            self._engine.end_with_ticket(alerts, str(event.after), event.principal, event.reason)
