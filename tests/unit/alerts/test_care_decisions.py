"""The pure parts of care: the bound, the causes, the stages, and the hours of mutes."""

from dataclasses import replace
from datetime import datetime
from math import comb
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.care.evidence import causes, tail_bound
from alerts.care.stages import SETTLE_MS, Around, expired, hold, next_telling
from fleet.care import Case, Place
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.duty import Chain, Step
from fleet.events import Subject
from fleet.faults import Level
from fleet.mutes import Matcher, Mute, Weekly, in_hours, next_change
from fleet.tellings import Occasion

CASE = Case(
    Subject.ALERT, "7", "R1", "water_leak", "leak", Level.L2, Place(site="hall", customer="acme"), 0, 0
)
CHAIN = Chain("usual", (Step(0, ()), Step(15 * MINUTE_MS, ())), HOUR_MS, 4 * HOUR_MS, loud=True)
SITES = [(Place("robot", f"s{n}", "east" if n < 20 else "west", "", "CR-200", "7.1"), 500) for n in range(40)]


@given(st.integers(1, 60), st.integers(1, 60), st.floats(1e-6, 0.5))
def test_the_bound_is_never_below_the_true_chance(k: int, n: int, p: float) -> None:
    k = min(k, n)
    true = sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))
    assert tail_bound(k, n, p) >= true * (1 - 1e-9)


def found(counts: list[tuple[Place, int]], *, of_places: bool = True) -> list[str]:
    return [str(each.group) for each in causes(counts, SITES, 1e-5, of_places=of_places)]


def test_one_site_and_two_are_sites_and_most_are_the_fleet() -> None:
    gone = [(place, 500) for place, _ in SITES]
    assert found(gone[:1]) == ["site:s0"]
    assert found(gone[:2]) == ["site:s0", "site:s1"]
    assert found(gone[:20]) == ["region:east"]
    assert found(gone[:30]) == ["fleet:*"]
    assert found(gone) == ["fleet:*"]


def test_a_firmware_everywhere_is_the_firmware() -> None:
    new = [(replace(place, firmware="8.0"), 50) for place, _ in SITES]
    fleet = [(place, 450) for place, _ in SITES] + new
    ill = [(place, 20) for place, _ in new]
    assert [str(each.group) for each in causes(ill, fleet, 1e-5, of_places=False)] == ["firmware:8.0"]


def test_a_few_of_many_are_no_incident() -> None:
    assert found([(SITES[0][0], 4)]) == []
    assert found([(place, 1) for place, _ in SITES]) == []


@pytest.mark.parametrize(
    ("around", "reason"),
    [
        (Around(), None),
        (Around(absence="12", mute=3, crowd=True, spent=True), "inhibited_by:12"),
        (Around(mute=3, crowd=True, spent=True), "muted_by:3"),
        (Around(crowd=True, spent=True), "settling"),
        (Around(spent=True, digest_at=9), "over_budget:acme"),
    ],
)
def test_the_first_stage_that_holds_names_why(around: Around, reason: str | None) -> None:
    held = hold(CASE, around, 0)
    assert (held.reason if held else None) == reason


def test_a_worker_in_danger_is_held_by_a_narrow_mute_alone() -> None:
    sos = replace(CASE, fault="worker_sos", level=Level.L1, device_id="W1")
    assert hold(sos, Around(absence="12", crowd=True, spent=True), 0) is None
    wide = Mute(1, Matcher(site="hall"), 0, HOUR_MS, "why", "li", 0)
    assert wide.hides(replace(sos, fault="water_leak"))
    assert not wide.hides(sos)
    narrow = replace(wide, matcher=Matcher(device="W1"))
    assert narrow.hides(sos)
    assert not replace(narrow, end=HOUR_MS + 1).hides(sos)


def test_what_is_unusable_waits_for_a_crowd_half_a_minute_and_never_for_a_budget() -> None:
    broken = replace(CASE, level=Level.L1)
    held = hold(broken, Around(crowd=True), 0)
    assert held is not None
    assert held.look_at == SETTLE_MS
    assert hold(broken, Around(crowd=True, spent=True), SETTLE_MS) is None


def test_steps_then_reminders_and_nothing_loud_after_a_day() -> None:
    first = next_telling(CASE, CHAIN, 0)
    assert (first.occasion, first.step, first.loud, first.next_at) == (
        Occasion.FIRING,
        0,
        True,
        15 * MINUTE_MS,
    )
    second = next_telling(replace(CASE, told_at=0, step=0), CHAIN, 15 * MINUTE_MS)
    assert (second.occasion, second.reason) == (Occasion.ESCALATED, "escalated:1")
    third = next_telling(replace(CASE, told_at=0, step=1), CHAIN, 2 * DAY_MS)
    assert (third.occasion, third.loud, third.next_at) == (Occasion.REMINDER, False, 2 * DAY_MS + HOUR_MS)
    assert expired(CASE, CHAIN, HOUR_MS).occasion is Occasion.ACK_EXPIRED
    old = expired(CASE, CHAIN, DAY_MS)
    assert (old.occasion, old.loud) == (Occasion.STILL_OPEN, False)


def wall(text: str, zone: str = "Europe/Berlin") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_hours_go_by_the_wall_clock_over_changes_of_summer_time() -> None:
    nights = Weekly((5,), "22:00", "06:00", "Europe/Berlin")
    for day, after in (("2026-03-28", "2026-03-29"), ("2026-10-24", "2026-10-25")):
        assert not in_hours(nights, wall(f"{day}T21:59:59"))
        assert in_hours(nights, wall(f"{day}T22:00:00"))
        assert in_hours(nights, wall(f"{after}T05:59:59"))
        assert not in_hours(nights, wall(f"{after}T06:00:00"))
    spring = wall("2026-03-29T06:00:00") - wall("2026-03-28T22:00:00")
    autumn = wall("2026-10-25T06:00:00") - wall("2026-10-24T22:00:00")
    assert (spring, autumn) == (7 * HOUR_MS, 9 * HOUR_MS)


def test_a_mute_says_when_it_next_changes() -> None:
    begun = wall("2026-03-28T21:00:00")
    weekly = Weekly((5,), "22:00", "06:00", "Europe/Berlin")
    mute = Mute(1, Matcher(site="hall"), begun, None, "why", "li", begun, weekly)
    assert next_change(mute, begun) == wall("2026-03-28T22:00:00")
    assert next_change(mute, wall("2026-03-28T23:00:00")) == wall("2026-03-29T06:00:00")
    assert next_change(replace(mute, weekly=None), begun) is None
