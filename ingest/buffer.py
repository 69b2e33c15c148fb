"""The bounded queue between the network thread and the committer."""

from collections import deque
from collections.abc import Sequence
from threading import Condition

from ingest.messages import Message


class MessageBuffer:
    """Messages that were read and are not yet durable; counted in bytes until they are released.

    `put` never blocks: whoever reads from the network asks `has_room` before reading more, so that the bound
    is passed by one read at most.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._changed = Condition()

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of the messages that wait or are being committed."""
        return self._bytes

    def has_room(self) -> bool:
        """Tell whether more may be read."""
        return self._bytes < self._limit

    def put(self, message: Message) -> None:
        """Add a message at the end."""
        with self._changed:
            self._waiting.append(message)
            self._bytes += message.size
            self._changed.notify()

    def take(self, most: int, timeout_s: float) -> list[Message]:
        """Return what waits, up to `most` messages, oldest first; wait for the first up to `timeout_s`.

        The messages stay counted until they are released.
        """
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def release(self, messages: Sequence[Message]) -> None:
        """Stop counting messages that are durable now."""
        done = sum(message.size for message in messages)
        with self._changed:
            self._bytes -= done

    def wake(self) -> None:
        """End a wait in `take` now."""
        with self._changed:
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._waiting)
