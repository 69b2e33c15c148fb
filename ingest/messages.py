"""What arrives from the broker, and what it means when it is turned away."""

from collections.abc import Sequence
from typing import NamedTuple

from fleet.wire import Reason


class Message(NamedTuple):
    """One PUBLISH as it arrived.

    `received` is the ingester's clock (epoch ms) when it was read; `mid` is the broker's packet id (0 at
    QoS 0) and holds only within the connection numbered `connection`, since ids are reused after it.
    """

    topic: str
    payload: bytes
    qos: int
    retain: bool
    mid: int
    received: int
    connection: int = 0

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly: what the bound on the bytes in flight counts."""
        return len(self.payload) + len(self.topic) + _OVERHEAD_BYTES


_OVERHEAD_BYTES = 300


def size_of(messages: Sequence[Message]) -> int:
    """Return the bytes that messages take together."""
    text = sum([len(message[0]) + len(message[1]) for message in messages])  # by place: half the time
    return text + _OVERHEAD_BYTES * len(messages)


class Refusal(NamedTuple):
    """Why a message or a reading was turned away: the named reason, and one line for people."""

    reason: Reason
    detail: str
