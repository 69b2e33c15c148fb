"""From the clock on the wall to epoch ms and back, through changes of summer time.

A time that the wall's clock skips (02:30 when it jumps from 02:00 to 03:00) is when it jumps; of one that
comes twice it is the first. So what is later on the wall is never earlier in truth.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from fleet.clock import DAY_MS

DAY_MIN = 24 * 60
EARLIEST_MS = -2_208_988_800_000
"""1900-01-01: earlier and later than these nothing is asked, so that dates can be counted on."""
LATEST_MS = 253_370_764_800_000
"""9999-01-01."""
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9998, 12, 31)
"""The days between which anything is asked: each has a day before and after it, in all zones."""


def clamped(ms: int) -> int:
    """Return a time, or the first or the last that is counted with."""
    return max(EARLIEST_MS, min(LATEST_MS, ms))


@lru_cache(maxsize=4096)  # the day of now, in the few zones of an installation, is asked for of each case
def day_of(ms: int, zone: ZoneInfo) -> date:
    """Return the date that calendars on the wall show at a time."""
    return datetime.fromtimestamp(clamped(ms) // 1000, zone).date()


def day_in(text: str) -> date:
    """Return the day of an ISO 8601 date. Raises ValueError for anything else, or one nothing is asked of."""
    day = date.fromisoformat(text)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{text} is not between {FIRST_DAY} and {LAST_DAY}")
    return day


def ms_of(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return when the wall's clock shows a minute of a day (epoch ms); 1440 is the next day's midnight."""
    more, minute = divmod(minute, DAY_MIN)
    wall = datetime.combine(day + timedelta(days=more), time(minute // 60, minute % 60), zone)
    ms = _ms(wall)
    there = datetime.fromtimestamp(ms // 1000, zone).replace(tzinfo=None)
    return ms if there == wall.replace(tzinfo=None) else _jump(ms, zone)


def shown(ms: int, zone: ZoneInfo) -> str:
    """Return a time as the zone's clock shows it, with its offset: an hour may come twice."""
    return datetime.fromtimestamp(clamped(ms) // 1000, zone).isoformat(timespec="minutes")


def moment_of(text: str, zone: ZoneInfo) -> int:
    """Return the epoch ms of an ISO 8601 time; without an offset it is what the wall's clock shows.

    Raises ValueError for anything else.
    """
    moment = datetime.fromisoformat(text)
    try:
        if moment.tzinfo is not None:
            return _ms(moment)
        return ms_of(moment.date(), moment.hour * 60 + moment.minute, zone) + moment.second * 1000
    except OverflowError as error:
        raise ValueError(f"{text} is in no year that calendars have") from error


def _ms(wall: datetime) -> int:
    return int(wall.astimezone(UTC).timestamp()) * 1000


def jump_between(begin: int, end: int, zone: ZoneInfo) -> int | None:
    """Return when the clock jumps in [begin, end) (epoch ms), at most a day; None where it does not."""
    before, after = begin // 1000, end // 1000 - 1
    offset = _offset(before, zone)
    if _offset(after, zone) == offset:
        return None
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after * 1000


def _jump(ms: int, zone: ZoneInfo) -> int:
    """Return when the clock jumps (epoch ms), given a time within a day after it."""
    found = jump_between(ms - DAY_MS - 1000, ms + 1000, zone)
    assert found is not None
    return found


def _offset(second: int, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(second, zone).utcoffset()
