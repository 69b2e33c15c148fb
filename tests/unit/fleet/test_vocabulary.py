"""Topics, faults, ticket states and time: the words that every room shares."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.clock import ManualClock, SystemClock, from_rfc3339, to_rfc3339
from fleet.errors import IllegalTransition
from fleet.faults import FAULTS, Level, predicted_faults
from fleet.risks import RISK_COLUMNS, Scoring
from fleet.signals import Kind
from fleet.tickets import CLOSED_STATES, TicketKind, TicketState
from fleet.wire import Reason, Topic, is_code, is_id, is_our_own, parse_topic, topic_of
from fleet.workflows import WORKFLOWS

NEEDED = frozenset(
    {
        "battery_wear",
        "battery_overheat",
        "charging_failure",
        "drive_motor_wear",
        "brush_jam",
        "brush_wear",
        "fan_motor_wear",
        "filter_clog",
        "dustbin_full",
        "water_leak",
        "lidar_misaligned",
        "wheel_slip",
        "comms_loss",
        "tool_consumable_spent",
        "tool_zone_misuse",
        "tool_overuse",
        "wristband_battery",
        "worker_sos",
        "worker_fall",
        "worker_heart_rate",
        "wristband_not_worn",
    }
)


def test_the_catalogue_has_every_fault_of_the_design() -> None:
    assert set(FAULTS) >= NEEDED
    assert all(code == fault.code for code, fault in FAULTS.items())


def test_every_fault_says_in_both_languages_what_to_do() -> None:
    for fault in FAULTS.values():
        assert fault.name.en and fault.name.zh and fault.advice.en and fault.advice.zh, fault.code
        assert fault.repair_minutes > 0


def test_only_robot_faults_with_a_horizon_are_predicted() -> None:
    assert "dustbin_full" not in {fault.code for fault in predicted_faults(Kind.ROBOT)}
    assert len(predicted_faults(Kind.ROBOT)) == 12
    assert predicted_faults(Kind.WRISTBAND) == ()


def test_a_worker_in_danger_is_level_one() -> None:
    assert {FAULTS[code].level for code in ("worker_sos", "worker_fall")} == {Level.L1}


def test_the_main_line_is_legal_and_a_cancelled_ticket_is_final() -> None:
    for way in WORKFLOWS.values():
        for before, after in pairwise(way.line):
            way.check(before, after)
        assert way.ways[TicketState.CANCELLED] == ()


def test_an_illegal_transition_names_the_legal_ones() -> None:
    with pytest.raises(
        IllegalTransition, match="opened cannot become repaired; allowed: accepted, cancelled"
    ):
        WORKFLOWS[TicketKind.REPAIR].check(TicketState.OPENED, TicketState.REPAIRED)
    with pytest.raises(IllegalTransition, match="it is final"):
        WORKFLOWS[TicketKind.REPAIR].check(TicketState.CANCELLED, TicketState.OPENED)


@pytest.mark.parametrize("kind", list(TicketKind))
def test_every_open_state_can_reach_a_closed_one(kind: TicketKind) -> None:
    way = WORKFLOWS[kind]
    assert set(way.line) | set(way.beside) | {TicketState.CANCELLED} == set(way.ways)
    reached = CLOSED_STATES & set(way.ways)
    for _ in TicketState:
        reached |= {before for before, after in way.ways.items() if reached & set(after)}
    assert reached == set(way.ways)


@pytest.mark.parametrize("text", ["", "a" * 65, "a b", "a\n", "a/b", "é", "a.b", "a+", "#"])
def test_an_id_is_matched_in_full(text: str) -> None:
    assert not is_id(text)
    assert is_id("Az_-9" * 12)


def test_a_code_may_have_points_and_colons() -> None:
    assert is_code("E:1.2")
    assert not is_code("E 1")


@given(
    st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z").filter(lambda site: site != "events"),
    st.sampled_from(Kind),
    st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"),
    st.sampled_from(["telemetry", "cmd/reply"]),
)
def test_a_topic_comes_apart_as_it_was_put_together(site: str, kind: Kind, device: str, channel: str) -> None:
    assert parse_topic(topic_of(site, kind, device, channel)) == Topic(site, kind, device, channel)


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("sweepwatch/v1/events/robot/R1/telemetry", Reason.BAD_ID),
        ("sweepwatch/v1/s/robot/R1\n/telemetry", Reason.BAD_ID),
        ("sweepwatch/v1/s/toaster/R1/telemetry", Reason.UNKNOWN_KIND),
    ],
)
def test_a_foreign_topic_gets_its_reason(topic: str, reason: Reason) -> None:
    assert parse_topic(topic) is reason


@pytest.mark.parametrize(
    "topic",
    [
        "sweepwatch/v1/s/robot/R1/telemtry",
        "sweepwatch/v1/s/robot/R1/telemetry/x",
        "sweepwatch/v1/s/R1/telemetry",
        "sweepwatch/v2/s/robot/R1/telemetry",
        "sweepwatch",
        "sweepwatch/v1/s/robot/R1/cmd",
        "sweepwatch/v1/events/alert/17",
    ],
)
def test_a_topic_that_no_filter_of_ours_matches_is_beside_ours(topic: str) -> None:
    assert parse_topic(topic) is None


@pytest.mark.parametrize(
    ("topic", "own"),
    [
        ("sweepwatch/v1/s/robot/R1/cmd", True),
        ("sweepwatch/v1/events/alert/17", True),
        ("sweepwatch/v1/events/alert", False),
        ("sweepwatch/v2/s/robot/R1/cmd", False),
        ("sweepwatch/v1/s/robot/R1/telemtry", False),
    ],
)
def test_what_the_platform_itself_publishes_is_told_from_strangers(topic: str, own: bool) -> None:
    assert is_our_own(topic) is own


@given(st.integers(0, 4_102_444_800_000))
def test_times_survive_being_written_down(ms: int) -> None:
    assert from_rfc3339(to_rfc3339(ms)) == ms


def test_times_have_three_decimals_and_are_utc() -> None:
    assert to_rfc3339(1_795_334_400_007) == "2026-11-22T08:00:00.007Z"
    assert from_rfc3339("2026-11-22T09:00:00.007+01:00") == 1_795_334_400_007
    assert from_rfc3339("2026-11-22T08:00:00.007") == 1_795_334_400_007


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(5)
    clock.advance(10)
    assert clock.now_ms() == 15
    assert SystemClock().now_ms() > 1_700_000_000_000


def test_of_an_empty_scoring_nothing_is_notable() -> None:
    assert Scoring(pl.DataFrame(schema=RISK_COLUMNS), {}).notable([("r1", "brush_wear")]) == []
