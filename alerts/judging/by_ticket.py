"""What alerts follow in the log of events: what ends them, and others that change them."""

from alerts.engine import AlertEngine
from fleet.events import Event, Subject
from fleet.tickets import CLOSED_STATES
from storage.records.alerts import CHANGES


class TicketEnds:
    """Ends what a closed ticket was about: its alerts are over, and what recurs is a new one."""

    name = "alerts end with their ticket"
    subjects = frozenset({Subject.TICKET})

    def __init__(self, engine: AlertEngine) -> None:
        self._engine = engine

    def handle(self, event: Event) -> None:
        """End the alerts of a ticket that was closed."""
        if event.subject is Subject.TICKET and event.what == "state" and event.after in CLOSED_STATES:
            self._engine.end_with_ticket(event)


class DeviceEnds:
    """Ends what was wrong with a device that was replaced: the new one has none of it."""

    name = "alerts end with their device"
    subjects = frozenset({Subject.DEVICE})

    def __init__(self, engine: AlertEngine) -> None:
        self._engine = engine

    def handle(self, event: Event) -> None:
        """End the alerts of a device in whose place another came."""
        if event.subject is Subject.DEVICE and event.what == "replaced":
            self._engine.end_with_device(event)


class ChangedElsewhere:
    """Lets an engine take over at once what another process did to alerts; its own changes it knows.

    So it does with what devices are and where they belong, by which rules are scoped.
    """

    name = "alerts that another process changed"

    def __init__(self, engine: AlertEngine) -> None:
        self._engine = engine

    def handle(self, event: Event) -> None:
        """Take over one change."""
        if event.subject is Subject.ALERT and event.what in CHANGES:
            self._engine.hear(event)
        elif event.subject in (Subject.DEVICE, Subject.SITE):
            self._engine.learn(event)
