"""When a notice goes out: small pure functions that answer with a named reason. Times are epoch ms."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fleet.clock import DAY_MS, MINUTE_MS, SECOND_MS
from fleet.outbox import Notice, NoticeState, Wishes
from fleet.tellings import Occasion, Telling

PROVEN_WITHIN_MS = {True: 2 * MINUTE_MS, False: 15 * MINUTE_MS}
"""So long an arrival may stay unproven before another way is taken, by whether it is loud."""
GIVE_UP_MS = DAY_MS
"""What is older than this when it could go out would only wake somebody for the past."""
FALLBACK = "fallback_from"
"""So the reason begins of what goes a person's next way."""
_FIRST_RETRY_MS, _SLOWEST_RETRY_MS = 5 * SECOND_MS, 5 * MINUTE_MS
_HOUR_MINUTES = 60
_NIGHT_FROM, _NIGHT_TO = 20 * 60, 8 * 60
"""No letter comes to a customer in between, by the clock of the site; minutes after midnight."""


@dataclass(frozen=True, slots=True)
class Placed:
    """In which state a notice is written, when it is due, and why."""

    state: NoticeState
    due_at: int
    reason: str


def place(telling: Telling, wishes: Wishes, now: int) -> Placed:
    """Decide when somebody is told: at once, after their quiet hours, or with their day's digest."""
    if telling.loud:
        return Placed(NoticeState.WAITING, now, "loud")
    if wishes.digest_at is not None and telling.occasion is not Occasion.RESOLVED:
        due = next_at(wishes.digest_at, wishes.zone, now)
        return Placed(NoticeState.HELD, due, "digest")
    until = quiet_until(wishes, now)
    if until is not None:
        return Placed(NoticeState.HELD, until, "quiet_hours")
    return Placed(NoticeState.WAITING, now, "at_once")


def place_again(telling: Telling, wishes: Wishes, now: int) -> Placed:
    """Decide when somebody is told by another way: they should have been already, but not in quiet hours."""
    until = None if telling.loud else quiet_until(wishes, now)
    if until is not None:
        return Placed(NoticeState.HELD, until, FALLBACK)
    return Placed(NoticeState.WAITING, now, FALLBACK)


def quiet_until(wishes: Wishes, now: int) -> int | None:
    """Return when somebody's quiet hours end, None where there are none now."""
    if wishes.quiet_from == wishes.quiet_to:
        return None
    local = datetime.fromtimestamp(now / 1000, ZoneInfo(wishes.zone))
    minute = local.hour * _HOUR_MINUTES + local.minute
    begins, ends = wishes.quiet_from, wishes.quiet_to
    quiet = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
    return next_at(ends, wishes.zone, now) if quiet else None


def by_day(zone: str, at: int) -> int:
    """Return when a letter may come that is due at a time: then, or in the morning where that is by night."""
    night = Wishes(zone=zone, quiet_from=_NIGHT_FROM, quiet_to=_NIGHT_TO)
    return quiet_until(night, at) or at


def next_at(minute: int, zone: str, now: int) -> int:
    """Return when the clocks of a zone next show a time of day (minutes after midnight), later than `now`.

    A time that the change to summer time leaves out comes as much later as the clocks were put forward.
    """
    place = ZoneInfo(zone)
    day = datetime.fromtimestamp(now / 1000, place).date()
    while True:
        shown = datetime.combine(day, time(minute // _HOUR_MINUTES, minute % _HOUR_MINUTES), place)
        at = round(shown.astimezone(UTC).timestamp() * 1000)
        if at > now:
            return at
        day += timedelta(days=1)


def retry_at(tries: int, now: int, after_s: float | None) -> int:
    """Return when to try again after so many tries: 5, 10, 20 s, ... 5 minutes, or as the provider said."""
    waited = _wait_ms(tries)
    if after_s is not None:
        waited = max(SECOND_MS, min(round(after_s * 1000), DAY_MS // 24))
    return now + int(waited)


def could_go_at(notice: Notice) -> int:
    """Return since when a notice may go out: what was held, since its first try or the end of holding."""
    if notice.state is not NoticeState.HELD:
        return notice.written_at
    return notice.due_at - sum(_wait_ms(tries) for tries in range(1, notice.tries + 1))


def is_too_old(since: int, now: int) -> bool:
    """Tell whether what could go out since then is of a past for which nobody is to be woken any more."""
    return now - since > GIVE_UP_MS


def later(telling: Telling, now: int) -> Telling:
    """Return what is told to whoever comes later: what began more than a day ago wakes nobody."""
    return replace(telling, loud=telling.loud and not is_too_old(telling.since, now))


def _wait_ms(tries: int) -> int:
    return min(_SLOWEST_RETRY_MS, _FIRST_RETRY_MS * (1 << min(tries - 1, 10)))
