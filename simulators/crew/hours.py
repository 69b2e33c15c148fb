"""The crew's clock: local time of the city, shifts, and times as the API writes them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, from_rfc3339

ZONE = "Asia/Shanghai"
_OFFSET_MS = 8 * HOUR_MS
_LOCAL = timezone(timedelta(milliseconds=_OFFSET_MS))
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def weekday(ms: int) -> int:
    """Return the day of the week there, Monday 0."""
    return ((ms + _OFFSET_MS) // DAY_MS + 3) % 7


def hour(ms: int) -> float:
    """Return the hour of the day there, 0 to 24."""
    return ((ms + _OFFSET_MS) % DAY_MS) / HOUR_MS


def day_number(ms: int) -> int:
    """Return the number of the day there."""
    return (ms + _OFFSET_MS) // DAY_MS


def iso_day(ms: int) -> str:
    """Return the day there, 2026-11-30."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(_LOCAL).date().isoformat()


def in_shift(shifts: Mapping[str, tuple[str, ...]], ms: int) -> bool:
    """Tell whether somebody with these shifts works at a time."""
    return any(begins <= ms < ends for begins, ends in _of_day(shifts, day_number(ms)))


def next_shift(shifts: Mapping[str, tuple[str, ...]], ms: int) -> int:
    """Return when the next shift begins, at the soonest after `ms`; a week later where there is none."""
    for ahead in range(8):
        for begins, _ in _of_day(shifts, day_number(ms) + ahead):
            if begins > ms:
                return begins
    return ms + 7 * DAY_MS


def _of_day(shifts: Mapping[str, tuple[str, ...]], day: int) -> list[tuple[int, int]]:
    midnight = day * DAY_MS - _OFFSET_MS
    spans = []
    for each in shifts.get(_DAYS[(day + 3) % 7], ()):
        begins, ends = (int(part[:2]) * HOUR_MS + int(part[3:]) * MINUTE_MS for part in each.split("-"))
        spans.append((midnight + begins, midnight + ends))
    return sorted(spans)


def ms_of(text: str | None) -> int | None:
    """Return a time of the API in epoch ms."""
    return None if text is None else from_rfc3339(text)
