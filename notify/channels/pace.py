"""How often a robot may be spoken to: providers shut out whoever speaks more often."""

import hashlib
from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic

from fleet.notices import NotDelivered


class Pace:
    """At most so many messages to one robot in any window of time; from any thread.

    Kept in memory for as long as the channel lives; the provider's own answer catches what another process
    sent meanwhile. A token bucket that refills would let twice as many through in its first window.
    """

    def __init__(self, most: int, window_s: float = 60.0, now_s: Callable[[], float] = monotonic) -> None:
        self._most, self._window_s, self._now_s = most, window_s, now_s
        self._spoken: dict[str, deque[float]] = {}
        self._lock = Lock()

    def take(self, robot: str) -> None:
        """Take one place. Raises NotDelivered, to be tried again when there will be one."""
        key, now = hashlib.sha256(robot.encode()).hexdigest(), self._now_s()
        with self._lock:
            self._forget(now)
            spoken = self._spoken.setdefault(key, deque())
            if len(spoken) < self._most:
                spoken.append(now)
                return
            wait = max(0.0, spoken[0] + self._window_s - now)
        raise NotDelivered(
            f"this robot takes {self._most} messages in {self._window_s:.0f} s, and has had them",
            again=True,
            after_s=wait,
        )

    def _forget(self, now: float) -> None:
        for key, spoken in list(self._spoken.items()):
            while spoken and spoken[0] <= now - self._window_s:
                spoken.popleft()
            if not spoken:
                del self._spoken[key]
