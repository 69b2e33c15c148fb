"""Opens tickets for alerts, and tells them when an alert is over: a follower of the log of events."""

from desk.tickets.desk import TicketDesk
from fleet.alerts import AlertState
from fleet.events import Event, Subject
from storage.records.alerts import alert_of
from storage.records.database import DeskDatabase


class TicketOpener:
    """Gives each alert that fires and wants a ticket its place in the case of its device."""

    name = "tickets for alerts"

    def __init__(self, desk: DeskDatabase, tickets: TicketDesk) -> None:
        self._desk = desk
        self._tickets = tickets

    def handle(self, event: Event) -> None:
        """Open or join the case of an alert that fires, or note that it is over."""
        if event.subject is not Subject.ALERT:
            return
        with self._desk.transaction() as session:
            alert = alert_of(session, event.subject_id)
        if alert.fires:
            self._tickets.open_for(alert)
        elif alert.state is AlertState.RESOLVED:
            self._tickets.alert_ended(alert)
