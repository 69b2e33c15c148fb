"""The bounded queue between the network thread and the committer."""

from collections import deque
from collections.abc import Sequence
from threading import Condition
from time import monotonic

from ingest.messages import Message, size_of

_DENSE = 250
"""Messages in one commit that tell of a dense stream: with a window of 20, no commit has as many."""
_ENOUGH = 5_000
_QUIET_S = 0.01
_GATHER_S = 0.1


class MessageBuffer:
    """Messages that were read and are not yet durable; counted in bytes until they are released.

    `put` never blocks: whoever reads from the network asks for `room` before reading more, so that the bound
    is passed by one read at most.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._waiting: deque[Message] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._dense = False

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of the messages that wait or are being committed."""
        return self._bytes

    def has_room(self) -> bool:
        """Tell whether more may be read."""
        return self._bytes < self._limit

    def room(self) -> int:
        """Return how many bytes more may be held; not above 0 when it is full."""
        return self._limit - self._bytes

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages at the end."""
        size = size_of(messages)
        with self._changed:
            self._waiting.extend(messages)
            self._bytes += size
            self._changed.notify()

    def take(self, most: int, timeout_s: float) -> list[Message]:
        """Return what waits, up to `most` messages, oldest first; wait for the first up to `timeout_s`.

        In a dense stream it waits a little for more to come, so that a commit is worth its cost: while they
        keep coming, the broker's window is not what holds them up. They stay counted until they are released.
        """
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            if self._dense:
                self._gather(min(most, _ENOUGH))
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._dense = len(taken) >= _DENSE
        return taken

    def _gather(self, enough: int) -> None:
        until = monotonic() + _GATHER_S
        before = -1
        while before < len(self._waiting) < enough and monotonic() < until and self.has_room():
            before = len(self._waiting)
            self._changed.wait(_QUIET_S)

    def release(self, messages: Sequence[Message]) -> None:
        """Stop counting messages that are durable now."""
        done = size_of(messages)
        with self._changed:
            self._bytes -= done

    def wake(self) -> None:
        """End a wait in `take` now."""
        with self._changed:
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._waiting)
