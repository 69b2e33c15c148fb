"""Opens tickets for alerts, and tells them when one is over or a device moves: a follower of the log."""

from desk.tickets.desk import TicketDesk
from fleet.alerts import AlertState
from fleet.events import Event, Subject
from storage.records.alerts import CHANGES, alert_of
from storage.records.database import DeskDatabase

_FIRES = (AlertState.FIRING, AlertState.ACKNOWLEDGED)


class TicketOpener:
    """Gives each alert that fires and wants a ticket its place in the case of its device.

    It goes by what each event tells, not by how the alert stands now: an alert that fired and cleared while
    nobody followed leaves the same case behind as one that was followed at once.
    """

    name = "tickets for alerts"
    subjects = frozenset({Subject.ALERT, Subject.DEVICE})

    def __init__(self, desk: DeskDatabase, tickets: TicketDesk) -> None:
        self._desk = desk
        self._tickets = tickets

    def handle(self, event: Event) -> None:
        """Open or join the case of an alert that fired, or note that it is over; let it go with a device."""
        if event.subject is Subject.DEVICE and event.what == "moved":
            self._tickets.device_moved(event.subject_id, str(event.data["to"]), event.principal, event.reason)
            return
        if event.subject is not Subject.ALERT or event.what not in CHANGES:
            return
        if event.after == AlertState.PENDING or event.data.get("opens_ticket") is False:
            return  # what wants no ticket is in no case; once it wants one, that is an event of its own
        with self._desk.transaction() as session:
            alert = alert_of(session, event.subject_id)
        if event.after in _FIRES:
            self._tickets.open_for(alert)
        elif event.after == AlertState.RESOLVED:
            self._tickets.alert_ended(alert)
