"""What is to happen when: a heap of events by time, and the clock that goes from one to the next."""

import heapq
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count

from fleet.clock import DAY_MS, HOUR_MS, ManualClock

LOCAL_MS = 8 * HOUR_MS
"""All of the city keeps one local time, UTC+8, as simulators/sites.py does."""


class Agenda:
    """Runs what is due in order of time, what was noted first first; `clock` shows the time of what runs."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()

    def at(self, ms: int, what: Callable[[], None]) -> None:
        """Let something happen at a time (epoch ms), or now where that is over."""
        heapq.heappush(self._heap, (max(ms, self.clock.ms), next(self._number), what))

    def run_until(self, ms: int) -> None:
        """Let everything happen that is due before a time; the clock then shows it."""
        while self._heap and self._heap[0][0] < ms:
            self.clock.ms, _, what = heapq.heappop(self._heap)
            what()
        self.clock.ms = ms


def local_day(ms: int) -> int:
    """Return the number of the local day."""
    return (ms + LOCAL_MS) // DAY_MS


def day_start(day: int) -> int:
    """Return when a local day begins, epoch ms."""
    return day * DAY_MS - LOCAL_MS


def date_of(day: int) -> date:
    """Return the date of a local day."""
    return datetime.fromtimestamp((day_start(day) + LOCAL_MS) / 1000, UTC).date()


def local_hour(ms: int) -> float:
    """Return the hour of the local day, 0 to 24."""
    return ((ms + LOCAL_MS) % DAY_MS) / HOUR_MS


def weekday(ms: int) -> int:
    """Return the local day of the week, Monday 0."""
    return (local_day(ms) + 3) % 7


def within_hours(ms: int, hours: tuple[int, int]) -> int:
    """Return the time itself where it is within these hours of a day, else when the next begin."""
    begins, ends = hours
    hour, day = local_hour(ms), local_day(ms)
    if hour < begins:
        return day_start(day) + begins * HOUR_MS
    return ms if hour < ends else day_start(day + 1) + begins * HOUR_MS


def after_hours(ms: int, wait_h: float, hours: tuple[int, int]) -> int:
    """Return when so many hours have passed, counted within these hours of each day."""
    begins, ends = hours
    ms, left = within_hours(ms, hours), wait_h
    while True:
        here = ends - local_hour(ms)
        if left <= here:
            return ms + round(left * HOUR_MS)
        left -= here
        ms = day_start(local_day(ms) + 1) + begins * HOUR_MS
