"""When somebody is told: pure decisions with a named reason."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.faults import Level
from fleet.outbox import NoticeState, Wishes
from fleet.tellings import Occasion, Telling
from notify.stages import is_too_old, next_at, place, quiet_until, retry_at

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Wishes(zone="Europe/Berlin", quiet_from=22 * 60, quiet_to=7 * 60)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp() * 1000)


def telling(*, loud: bool, occasion: Occasion = Occasion.FIRING) -> Telling:
    return Telling(occasion, "first", Level.L2, "brush_jam", 0, loud=loud)


def test_what_is_loud_comes_in_quiet_hours_and_what_is_not_waits_for_their_end() -> None:
    night = at("2026-06-17T23:30")
    assert place(telling(loud=True), NIGHT, night).state is NoticeState.WAITING
    held = place(telling(loud=False), NIGHT, night)
    assert (held.state, held.due_at, held.reason) == (
        NoticeState.HELD,
        at("2026-06-18T07:00"),
        "quiet_hours",
    )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-06-17T21:59", None),
        ("2026-06-17T22:00", "2026-06-18T07:00"),
        ("2026-06-18T06:59", "2026-06-18T07:00"),
        ("2026-06-18T07:00", None),
        ("2026-03-29T01:30", "2026-03-29T07:00"),
        ("2026-10-25T01:30", "2026-10-25T07:00"),
    ],
)
def test_quiet_hours_are_by_the_persons_clock_over_midnight_and_summer_time(
    now: str, until: str | None
) -> None:
    assert quiet_until(NIGHT, at(now)) == (None if until is None else at(until))


def test_a_time_that_summer_time_leaves_out_comes_an_hour_later() -> None:
    shown = datetime.fromtimestamp(next_at(150, "Europe/Berlin", at("2026-03-29T01:00")) / 1000, BERLIN)
    assert shown.isoformat() == "2026-03-29T03:30:00+02:00"


def test_a_digest_takes_what_is_not_loud_but_not_the_end_of_something() -> None:
    wishes = Wishes(zone="Europe/Berlin", digest_at=9 * 60)
    now = at("2026-06-17T10:00")
    assert place(telling(loud=False), wishes, now).due_at == at("2026-06-18T09:00")
    assert place(telling(loud=False, occasion=Occasion.RESOLVED), wishes, now).reason == "at_once"


def test_tries_are_further_and_further_apart_and_a_provider_is_heard() -> None:
    assert [retry_at(tries, 0, None) for tries in (1, 2, 3, 8, 40)] == [
        5_000,
        10_000,
        20_000,
        300_000,
        300_000,
    ]
    assert retry_at(1, 0, 42.0) == 42_000
    assert retry_at(1, 0, 1e9) == HOUR_MS


def test_nobody_is_woken_for_something_older_than_a_day() -> None:
    assert not is_too_old(0, 24 * HOUR_MS)
    assert is_too_old(0, 24 * HOUR_MS + MINUTE_MS)
