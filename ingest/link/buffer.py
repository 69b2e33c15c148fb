"""The bounded queue between the network thread and the committer."""

from collections import deque
from threading import Condition
from time import monotonic

from ingest.messages import MessageBlock

_DENSE = 250
"""Messages in one commit that tell of a dense stream: with a window of 20, no commit has as many."""
_QUIET_S = 0.03
"""The connection reads every 10 ms in a dense stream: what has not come by then is held up."""
_GATHER_S, _GATHER_LONGEST_S = 0.1, 0.2
_VERY_DENSE = 2_000
"""So many gathered by _GATHER_S: commits are large, and what they cost beside their messages counts."""


class MessageBuffer:
    """Messages that were read and are not yet durable; counted in bytes until they are released.

    `put` never blocks: whoever reads from the network asks for `room` before reading more, so that the bound
    is passed by one read at most.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._waiting: deque[MessageBlock] = deque()
        self._count = 0
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

    def put(self, messages: MessageBlock) -> None:
        """Add messages at the end."""
        with self._changed:
            self._waiting.append(messages)
            self._count += len(messages)
            self._bytes += messages.size
            self._changed.notify()

    def take(self, enough: int, timeout_s: float) -> MessageBlock | None:
        """Return what waits, oldest first, or None; wait for the first up to `timeout_s`.

        What was read at once stays together: of several reads, no more than reach `enough` messages.

        In a dense stream it waits a little for more to come, so that a commit is worth its cost: while they
        keep coming, the broker's window is not what holds them up. They stay counted until they are released.
        """
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            if self._dense:
                self._gather(enough)
            taken: list[MessageBlock] = []
            count = 0
            while self._waiting and count < enough:
                taken.append(self._waiting.popleft())
                count += len(taken[-1])
            self._count -= count
        self._dense = count >= _DENSE
        return MessageBlock.joined(taken) if taken else None

    def _gather(self, enough: int) -> None:
        begun = monotonic()
        before = -1
        while before < self._count < enough and self.has_room():
            longest = _GATHER_LONGEST_S if self._count >= _VERY_DENSE else _GATHER_S
            if monotonic() >= begun + longest:
                break
            before = self._count
            self._changed.wait(_QUIET_S)

    def release(self, messages: MessageBlock) -> None:
        """Stop counting messages that are durable now."""
        with self._changed:
            self._bytes -= messages.size

    def wake(self) -> None:
        """End a wait in `take` now."""
        with self._changed:
            self._changed.notify_all()

    def __len__(self) -> int:
        return self._count
