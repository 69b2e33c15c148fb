"""Time: epoch milliseconds in UTC everywhere, from a clock that is handed in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from threading import Lock
from time import monotonic, time_ns
from typing import Protocol

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
_CATCHES_UP, _MADE_GOOD_MS = 1.25, MINUTE_MS


class Clock(Protocol):
    """Whatever tells the time."""

    def now_ms(self) -> int:
        """Return the present time in epoch milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return the present time in epoch milliseconds."""
        return time_ns() // 1_000_000


class FastClock:
    """A clock that runs `speed` times as fast as the machine's, from `ms` on (epoch ms), once it is started.

    It stands still before, from when it is stopped on, and at what it is held at. What it is behind then, up
    to a minute of the machine's, it makes good by running faster by a quarter. From any thread.
    """

    def __init__(self, speed: float, ms: int, seconds: Callable[[], float] = monotonic) -> None:
        self.speed = speed
        self._ms = self._due_ms = float(ms)
        self._seconds = seconds
        self._read_at: float | None = None
        self._hold_ms = inf
        self._lock = Lock()

    def start(self) -> None:
        """Let it run."""
        with self._lock:
            if self._read_at is None:
                self._read_at = self._seconds()

    def stop(self) -> None:
        """Let it stand still where it is."""
        self.now_ms()
        with self._lock:
            self._read_at = None

    def hold(self, ms: int) -> None:
        """Let it go no further than this until it is held at another time; it never goes back."""
        self.now_ms()
        with self._lock:
            self._hold_ms = ms

    def now_ms(self) -> int:
        """Return its time in epoch milliseconds."""
        with self._lock:
            if self._read_at is not None:
                now = self._seconds()
                passed = (now - self._read_at) * 1000 * self.speed
                self._due_ms = min(self._due_ms + passed, self._ms + passed + _MADE_GOOD_MS * self.speed)
                further = min(self._ms + passed * _CATCHES_UP, self._due_ms, self._hold_ms)
                self._ms, self._read_at = max(self._ms, further), now
            return round(self._ms)


@dataclass
class ManualClock:
    """A clock that stands still until it is moved: for tests and for replaying a past."""

    ms: int

    def now_ms(self) -> int:
        """Return the time it was set to, in epoch milliseconds."""
        return self.ms

    def advance(self, ms: int) -> None:
        """Move it forward by `ms` milliseconds."""
        self.ms += ms


def to_rfc3339(ms: int) -> str:
    """Return epoch milliseconds as RFC 3339 in UTC with three decimals: `2026-11-22T08:00:00.000Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """Return the epoch milliseconds of an RFC 3339 time; without an offset it is taken as UTC.

    Raises ValueError for anything else.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
