"""Sparkplug's STATE: how edge nodes that wait for a host application learn that we are there."""

from collections.abc import Sequence

import orjson

from fleet.errors import ConfigError
from ingest.dialects.ports import Dialect
from ingest.dialects.sparkplug import SparkplugDialect


def state_payload(timestamp: int, *, online: bool) -> bytes:
    """Return a birth or a death of a host application; both of one connection have the same `timestamp`."""
    return orjson.dumps({"online": online, "timestamp": timestamp})


def host_topic(dialects: Sequence[Dialect]) -> str | None:
    """Return the topic on which the host application of the dialects is announced; None where none is.

    Raises ConfigError for two: a connection has one will.
    """
    announced = [one for one in dialects if isinstance(one, SparkplugDialect) and one.state_topic]
    topics = {one.state_topic for one in announced}
    if len(topics) > 1:
        raise ConfigError(f"dialects.{announced[1].name}.host: one host id for all of Sparkplug is allowed")
    return topics.pop() if topics else None
