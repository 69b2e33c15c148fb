"""Which devices a roll-out is for, and what it does next by itself."""

from dataclasses import replace

import pytest
from helpers.api import NOW

from access.firmware.planning import eligible, is_older, sites_asked
from access.firmware.steps import ACTIONS, MAY, after_time, allowed, begun, check_action, looks_now
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.devices import Device
from fleet.errors import IllegalTransition, InvalidInput
from fleet.rollouts import STAGES, Aim, Firmware, Rollout, RolloutState
from fleet.signals import Kind

IMAGE = Firmware("1.5.0", "https://fw.example.org/x", "ab" * 32, 10)
PLAN = Rollout(
    1,
    IMAGE,
    Aim("CR-200"),
    STAGES,
    by_hand=False,
    seed=1,
    state=RolloutState.DRAFT,
    stage=-1,
    made_by="x",
    made_at=NOW,
)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.4.2", "1.5.0"),
        ("1.9", "1.10"),
        ("2.0-beta", "2.0"),
        ("v1.4", "1.4.1"),
        ("1.4", "2"),
        ("1.a", "1.1"),
    ],
)
def test_versions_are_ordered_by_their_numbers(older: str, newer: str) -> None:
    assert is_older(older, newer)
    assert not is_older(newer, older)


def test_a_version_is_not_older_than_itself() -> None:
    assert not is_older("1.4", "1.4.0")
    assert not is_older("1.4.0", "1.4")


def _device(device_id: str, firmware: str | None) -> Device:
    empty = dict.fromkeys(
        (
            "serial",
            "commissioned",
            "last_seen",
            "newest_ts",
            "battery_pct",
            "risk",
            "fault",
            "risk_ts",
            "confidence",
        )
    )
    return Device(
        id=device_id,
        kind=Kind.ROBOT,
        site="s",
        model="m",
        firmware=firmware,
        registered_at=0,
        status="online",
        **empty,
    )


def test_devices_with_the_version_with_a_case_or_too_new_are_left_out() -> None:
    fleet = [_device(n, v) for n, v in (("a", "1.4"), ("b", "1.5"), ("c", None), ("d", "1.3"), ("e", "1.6"))]
    assert [each.id for each in eligible(fleet, "1.5", None, {"d"})] == ["a", "c", "e"]
    assert [each.id for each in eligible(fleet, "1.5", "1.4", ())] == ["d"], "below it, and known to be"


def test_a_rollout_reaches_no_further_than_who_asks() -> None:
    a, b = frozenset({"a"}), frozenset({"a", "b"})
    assert sites_asked(None, None, None) is None
    assert sites_asked(None, a, None) == a
    assert sites_asked(b, None, None) == b
    assert sites_asked(None, None, b) == b
    with pytest.raises(InvalidInput, match='no site "b"'):
        sites_asked(b, a, None)


def test_each_state_says_what_can_be_asked_of_it() -> None:
    assert allowed(PLAN) == ["start", "cancel"]
    stopped = replace(PLAN, state=RolloutState.STOPPED, stage=0)
    assert allowed(stopped) == ["resume", "roll_back", "cancel"]
    with pytest.raises(
        IllegalTransition, match="stopped: pause is not possible; possible: resume, roll-back, cancel"
    ):
        check_action("pause", stopped)
    over = replace(PLAN, state=RolloutState.ROLLED_BACK)
    assert not [action for action in ACTIONS if over.state in MAY[action]]
    last = replace(PLAN, state=RolloutState.SOAKING, stage=3)
    assert "skip" not in allowed(last)


def test_a_stage_is_offered_then_soaks_then_leads_on_by_time_or_by_hand() -> None:
    first = begun(PLAN, 0, NOW)
    assert first.judged_from == NOW + HOUR_MS, "the next whole hour, half an hour from now at least"
    assert first.part == 0
    assert after_time(first, NOW + 59 * MINUTE_MS) is None
    soaking = after_time(first, NOW + HOUR_MS)
    assert soaking is not None
    assert soaking.rollout.state is RolloutState.SOAKING
    seen = replace(soaking.rollout, test={"until": first.judged_from + 71 * HOUR_MS})
    assert after_time(seen, NOW + 100 * HOUR_MS) is None, "not before all of it was looked at"
    whole = replace(seen, test={"until": first.judged_from + 72 * HOUR_MS})
    following = after_time(whole, NOW + 74 * HOUR_MS)
    assert following is not None
    assert (following.begins, following.rollout.stage, following.rollout.part) == (1, 1, 1)
    by_hand = after_time(replace(whole, by_hand=True), NOW + 74 * HOUR_MS)
    assert by_hand is not None
    assert (by_hand.rollout.state, by_hand.begins) == (RolloutState.WAITING, None)
    done = after_time(replace(whole, stage=3), NOW + 74 * HOUR_MS)
    assert done is not None
    assert done.rollout.state is RolloutState.DONE


def test_looks_come_a_quarter_of_an_hour_after_an_hour_is_over_and_no_oftener_than_24_a_stage() -> None:
    soaking = replace(begun(PLAN, 0, NOW), state=RolloutState.SOAKING)
    start = soaking.judged_from
    assert start is not None
    assert looks_now(soaking, start + 3 * HOUR_MS + 14 * MINUTE_MS) is None
    assert looks_now(soaking, start + 3 * HOUR_MS + 15 * MINUTE_MS) == start + 3 * HOUR_MS
    seen = replace(soaking, test={"until": start + 3 * HOUR_MS})
    assert looks_now(seen, start + 5 * HOUR_MS) is None
    assert looks_now(replace(seen, state=RolloutState.PAUSED), start + 50 * HOUR_MS) is None
