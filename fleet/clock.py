"""Time: epoch milliseconds in UTC everywhere, from a clock that is handed in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import time_ns
from typing import Protocol

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


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
