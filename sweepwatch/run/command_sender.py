"""Who sends commands to devices: of several processes with a connection to the broker, one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from access.devices.outbox import Outbox
from access.devices.publisher import CommandPublisher
from fleet.broker_url import parse_broker_url
from sweepwatch.run.sharing import Leases
from sweepwatch.wiring import Services

JOB = "send commands"
_RENEW_EVERY_S = 5


class Turn:
    """Whether it is this process's turn to send; asks the desk for it every few seconds only."""

    def __init__(self, leases: Leases | None) -> None:
        self._leases = leases
        self._asked_at = float("-inf")
        self._ours = leases is None

    def __call__(self) -> bool:
        """Tell whether it is. Raises StoreUnavailable."""
        if self._leases is not None and monotonic() - self._asked_at >= _RENEW_EVERY_S:
            self._ours = False  # unless the desk says so
            self._ours = self._leases.claim(JOB, _RENEW_EVERY_S)
            self._asked_at = monotonic()
        return self._ours


@contextmanager
def sending_commands(
    services: Services, broker_url: str, mqtt_version: str = "auto"
) -> Iterator[CommandPublisher]:
    """Send commands in the background, as long as it is this process's turn."""
    leases = None
    if services.settings.desk.url is not None:
        # A holder of its own: the schedule gives back what it holds while commands still go out.
        leases = Leases(services.desk, services.clock, part="commands")
    publisher = CommandPublisher(
        Outbox(services.desk, services.clock),
        parse_broker_url(broker_url),
        services.clock,
        Turn(leases),
        mqtt_version,
    )
    services.desk.when_told(publisher.wake)
    publisher.start()
    try:
        yield publisher
    finally:
        publisher.stop()
        if leases is not None:
            leases.leave()
