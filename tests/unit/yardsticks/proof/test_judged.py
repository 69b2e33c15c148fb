"""What became of warnings, held against cases: right, late, again, in vain, or not to be told."""

import numpy as np
import pytest

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import FAULTS, UNUSUAL
from fleet.past_cases import PastCase
from models.learning.settings import Costs
from storage.records.devices import ReportedEvent
from yardsticks.proof.figures import Draws, figures, share
from yardsticks.proof.judged import Judged, Outcome, judge
from yardsticks.proof.past import PastDevice, PastFleet, doubts_at, repairs_by
from yardsticks.proof.warnings import Warned

T0 = 1_750_000_000_000
FAULT = "drive_motor_wear"
HORIZON = 7
END = T0 + 60 * DAY_MS
COSTS = Costs()


def warned(days: float, fault: str = FAULT, device: str = "R1") -> Warned:
    """Return a warning so many days after T0."""
    return Warned(device, fault, T0 + int(days * DAY_MS), 0.6, 0.4, "m", ())


def case(days: float, *faults: str, device: str = "R1", reported: bool = True) -> PastCase:
    """Return a case that was opened so many days after T0, and mended six hours later."""
    at = T0 + int(days * DAY_MS)
    return PastCase(device, at, faults, repaired=at + 6 * HOUR_MS, confirmed=at + DAY_MS, reported=reported)


def judged(warnings: list[Warned], cases: list[PastCase], *events: ReportedEvent) -> Judged:
    """Judge warnings of two robots."""
    devices = {name: PastDevice("s", "CR-200") for name in ("R1", "R2")}
    return judge(warnings, PastFleet(devices, cases, events), COSTS, END)


def outcomes(found: Judged) -> list[str]:
    """Return the outcomes of visits in order of time."""
    return [str(each.outcome) for each in found.visits]


@pytest.mark.parametrize(
    ("after_days", "outcome", "foreseen"),
    [
        (0.5, Outcome.LATE, False),
        (1.5, Outcome.RIGHT, True),
        (HORIZON - 0.1, Outcome.RIGHT, True),
        (HORIZON + 0.1, Outcome.VAIN, False),
        (-0.1, Outcome.VAIN, False),
    ],
)
def test_a_warning_is_right_within_its_horizon_and_helps_a_day_ahead(
    after_days: float, outcome: Outcome, foreseen: bool
) -> None:
    found = judged([warned(10)], [case(10 + after_days, FAULT)])
    assert outcomes(found) == [str(outcome)]
    assert [each.is_foreseen for each in found.breakdowns] == [foreseen]


def test_another_fault_or_another_device_makes_nothing_right() -> None:
    cases = [case(12, "brush_wear"), case(12, FAULT, device="R2")]
    assert outcomes(judged([warned(10)], cases)) == ["vain"]


def test_unusual_behaviour_is_right_by_any_fault() -> None:
    found = judged([warned(10, UNUSUAL)], [case(12, "brush_wear")])
    assert outcomes(found) == ["right"]
    assert found.breakdowns[0].is_foreseen


def test_what_an_earlier_visit_would_have_mended_is_not_counted_again() -> None:
    found = judged([warned(10, UNUSUAL), warned(12)], [case(14, FAULT)])
    assert outcomes(found) == ["right", "again"]
    lost = found.breakdowns[0].lead_ms
    assert lost == 4 * DAY_MS


def test_a_warning_whose_horizon_is_not_over_is_open_unless_it_is_right_already() -> None:
    late = (END - T0) / DAY_MS - 3
    assert outcomes(judged([warned(late)], [])) == ["open"]
    assert outcomes(judged([warned(late)], [case(late + 2, FAULT)])) == ["right"]


def test_a_part_that_was_changed_before_it_failed_tells_nothing() -> None:
    changed = ReportedEvent("R1", T0 + 12 * DAY_MS, "part_replaced", {"fault": FAULT}, 0)
    assert outcomes(judged([warned(10)], [], changed)) == ["open"]
    other = ReportedEvent("R1", T0 + 12 * DAY_MS, "part_replaced", {"fault": "brush_wear"}, 0)
    assert outcomes(judged([warned(10)], [], other)) == ["vain"]


def test_what_others_found_ahead_is_no_breakdown_and_makes_a_warning_right() -> None:
    found = judged([warned(10)], [case(12, FAULT, reported=False)])
    assert outcomes(found) == ["right"]
    assert not found.breakdowns


def test_warnings_of_one_night_are_one_visit_of_the_dearest_trip() -> None:
    found = judged([warned(10), warned(10, "brush_wear")], [])
    (visit,) = found.visits
    assert not visit.is_call
    assert visit.trip == COSTS.trip(FAULTS[FAULT])
    (call,) = judged([warned(10, "brush_wear")], []).visits
    assert call.is_call
    assert call.trip == COSTS.trip(FAULTS["brush_wear"])


def test_money_adds_up() -> None:
    """One breakdown avoided, one not; one trip right, one in vain."""
    found = judged([warned(10), warned(30)], [case(12, FAULT), case(50, FAULT)])
    told = figures(found, COSTS, Draws.of(["R1", "R2"], 0))["money"]
    failure, trip = COSTS.failure(FAULTS[FAULT]), COSTS.trip(FAULTS[FAULT])
    assert told["breakdowns_cost"]["value"] == 2 * failure
    assert told["avoided"]["value"] == failure
    assert told["trips"]["value"] == 2 * trip
    assert told["unfounded"]["value"] == COSTS.unfounded
    assert told["saved"]["value"] == failure - 2 * trip - COSTS.unfounded


def test_too_little_is_no_share() -> None:
    draws = Draws.of([f"R{n}" for n in range(20)], 0)
    few = share(draws, ["R1"], ["R1", "R2", "R3"])
    assert few["share"] is None and few["count"] == 1 and few["of"] == 3
    one_device = share(draws, ["R1"] * 5, ["R1"] * 20)
    assert one_device["share"] is None


def test_the_range_of_a_share_holds_it_and_follows_the_seed() -> None:
    names = [f"R{n}" for n in range(40)]
    hits, every = names[::2], names
    told = share(Draws.of(names, 0), hits, every)
    assert told["low"] < 0.5 == told["share"] < told["high"]
    assert told == share(Draws.of(names, 0), hits, every)
    assert np.isclose(told["high"] - told["low"], 4 * np.sqrt(0.25 / 40), atol=0.06)


def test_what_a_case_found_is_known_when_it_is_confirmed_and_before_only_that_it_is_open() -> None:
    cases = [case(10, FAULT)]
    opened, confirmed = T0 + 10 * DAY_MS, T0 + 11 * DAY_MS
    assert repairs_by(cases, confirmed - 1).is_empty()
    assert doubts_at(cases, opened - 1).is_empty()
    open_of = doubts_at(cases, confirmed - 1)
    assert open_of["fault"].n_unique() > 5
    assert doubts_at(cases, confirmed).is_empty()
    assert repairs_by(cases, confirmed).rows() == [("R1", FAULT, opened, opened + 6 * HOUR_MS)]
