"""What happened goes to the broker too, from the processes that have a connection to it."""

from collections.abc import Iterator
from contextlib import contextmanager

from fleet.broker_url import parse_broker_url
from notify.publisher import EventPublisher


@contextmanager
def publishing_events(broker_url: str, mqtt_version: str = "auto") -> Iterator[EventPublisher]:
    """Yield the follower that publishes the log; it connects when there is something to tell."""
    publisher = EventPublisher(parse_broker_url(broker_url), mqtt_version)
    try:
        yield publisher
    finally:
        publisher.close()
