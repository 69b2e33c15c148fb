"""What arrives from the broker, and what it means when it is turned away."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from fleet.wire import Reason

_OVERHEAD_BYTES = 300
"""What a message takes in memory beside its text, roughly, from when it is read until it is stored."""


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


class MessageBlock(Sequence[Message]):
    """Messages by columns, in the order of their arrival; every column has shape (messages,).

    A Message is made only of those that are looked at one by one. `size` is the bytes that all take in
    memory, roughly: what the bound on the bytes in flight counts.
    """

    __slots__ = ("connection", "mids", "payloads", "qos", "received", "retain", "size", "topics")

    def __init__(
        self,
        topics: Sequence[str],
        payloads: Sequence[bytes],
        qos: NDArray[np.int64],
        retain: NDArray[np.bool_],
        mids: NDArray[np.int64],
        received: NDArray[np.int64],
        connection: NDArray[np.int64],
    ) -> None:
        self.topics = topics
        self.payloads = payloads
        self.qos = qos
        self.retain = retain
        self.mids = mids
        self.received = received
        self.connection = connection
        self.size = sum(map(len, payloads)) + _OVERHEAD_BYTES * len(payloads)

    @classmethod
    def of(cls, messages: Iterable[Message]) -> "MessageBlock":
        """Return messages as a block; a block itself."""
        if isinstance(messages, MessageBlock):
            return messages
        topics, payloads, *rest = zip(*messages, strict=True) if (messages := list(messages)) else [()] * 7
        qos, retain, mids, received, connection = rest
        return cls(
            topics,
            payloads,
            np.array(qos, dtype=np.int64),
            np.array(retain, dtype=np.bool_),
            np.array(mids, dtype=np.int64),
            np.array(received, dtype=np.int64),
            np.array(connection, dtype=np.int64),
        )

    @classmethod
    def joined(cls, blocks: Sequence["MessageBlock"]) -> "MessageBlock":
        """Return the messages of at least one block, one block after the other."""
        if len(blocks) == 1:
            return blocks[0]
        return cls(
            [topic for block in blocks for topic in block.topics],
            [payload for block in blocks for payload in block.payloads],
            np.concatenate([block.qos for block in blocks]),
            np.concatenate([block.retain for block in blocks]),
            np.concatenate([block.mids for block in blocks]),
            np.concatenate([block.received for block in blocks]),
            np.concatenate([block.connection for block in blocks]),
        )

    def __len__(self) -> int:
        return len(self.payloads)

    @overload
    def __getitem__(self, at: int) -> Message: ...
    @overload
    def __getitem__(self, at: slice) -> "MessageBlock": ...
    def __getitem__(self, at: int | slice) -> "Message | MessageBlock":
        """Return one message, or those of a slice as a block."""
        if isinstance(at, slice):
            return self.chosen(range(len(self))[at])
        return Message(
            self.topics[at],
            self.payloads[at],
            int(self.qos[at]),
            bool(self.retain[at]),
            int(self.mids[at]),
            int(self.received[at]),
            int(self.connection[at]),
        )

    def __iter__(self) -> Iterator[Message]:
        numbers = (self.qos, self.retain, self.mids, self.received, self.connection)
        columns = (self.topics, self.payloads, *(part.tolist() for part in numbers))
        return map(Message._make, zip(*columns, strict=True))

    def chosen(self, places: Sequence[int]) -> "MessageBlock":
        """Return the messages at some places as a block."""
        at = np.asarray(places, dtype=np.int64)
        return MessageBlock(
            [self.topics[place] for place in places],
            [self.payloads[place] for place in places],
            self.qos[at],
            self.retain[at],
            self.mids[at],
            self.received[at],
            self.connection[at],
        )


class Refusal(NamedTuple):
    """Why a message or a reading was turned away: the named reason, and one line for people."""

    reason: Reason
    detail: str
