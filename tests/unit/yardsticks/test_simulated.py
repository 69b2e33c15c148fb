"""The simulated yardstick counts what its protocol says: catches a day ahead, right tickets, equal visits."""

import numpy as np
import pytest

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import ConfigError
from fleet.faults import predicted_faults
from fleet.signals import Kind
from simulators.ground_truth import GroundTruth, TruthEntry
from yardsticks.simulated.alerts import (
    Series,
    Truths,
    broken,
    caught,
    fails_within,
    tickets_of,
    warnable,
)
from yardsticks.simulated.judging import FaultFigures, Judged, together
from yardsticks.simulated.thresholds import FIXED, _once
from yardsticks.simulated.yardstick import JUDGED_IN, TRAINED_IN, Size, evaluate, protocol

H = HOUR_MS
TIMES = np.arange(0, 240, 3) * H
HORIZON = 3 * DAY_MS


def entry(onset: int, failure: int | None, repaired: int | None = None, **more: object) -> TruthEntry:
    """Return a fault of R1; times in hours."""
    at = None if failure is None else failure * H
    told = {"cause": "hazard", "shape": "linear", "warning": True} | more
    return TruthEntry("R1", "water_leak", onset * H, at, repaired_at=repaired and repaired * H, **told)  # type: ignore[arg-type]


def series(*spans: tuple[int, int]) -> Series:
    """Return risks that are high within spans of hours and low elsewhere."""
    risks = np.full(len(TIMES), 0.01)
    for start, end in spans:
        risks[(start * H <= TIMES) & (end * H > TIMES)] = 0.9
    return Series("R1", "water_leak", TIMES, risks)


def test_a_risk_that_stays_high_over_a_fault_opens_one_ticket_and_it_is_right() -> None:
    fault = entry(48, 120, 140)
    found = tickets_of(series((60, 140)), 0.5, [fault], HORIZON)
    assert [(t.at, t.entry) for t in found] == [(60 * H, fault)]
    assert caught(fault, found)


def test_a_ticket_less_than_a_day_ahead_is_right_but_not_a_catch() -> None:
    fault = entry(48, 120, 140)
    found = tickets_of(series((99, 140)), 0.5, [fault], HORIZON)
    assert found[0].entry is fault
    assert not caught(fault, found)


def test_a_visit_for_nothing_ends_its_alert_and_a_risk_that_stays_calls_again_after_a_horizon() -> None:
    """One day until someone was there, then the fault's own horizon of three days, as in production."""
    found = tickets_of(series((48, 150)), 0.5, [], HORIZON)
    assert [(t.at, t.entry) for t in found] == [(48 * H, None), ((48 + 24 + 72) * H, None)]


def test_a_device_that_is_broken_already_gets_no_proactive_ticket() -> None:
    fault = entry(48, 60, 120)
    assert tickets_of(series((63, 120)), 0.5, [fault], HORIZON) == []
    assert broken([fault], TIMES).sum() == (120 - 60) // 3


def test_a_fault_that_comes_within_the_horizon_makes_a_ticket_right() -> None:
    fault = entry(70, 110, 130)
    assert tickets_of(series((60, 66)), 0.5, [fault], HORIZON)[0].entry is fault
    assert tickets_of(series((30, 36)), 0.5, [fault], HORIZON)[0].entry is None
    assert fails_within([fault], TIMES, HORIZON).sum() == HORIZON // (3 * H)


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        (entry(48, 120), True),
        (entry(100, 120), False),
        (entry(48, None), False),
        (entry(120, 120, shape="sudden", warning=False), False),
        (entry(0, 30), False),
    ],
)
def test_only_failures_with_a_day_of_warning_can_be_missed(fault: TruthEntry, counts: bool) -> None:
    assert warnable(fault, 40 * H, 240 * H) is counts


def test_thresholds_are_not_charged_twice_for_one_excursion_without_a_cause() -> None:
    over = series((48, 200))
    tickets = tickets_of(over, 0.5, [], HORIZON)
    assert len(tickets) > 1
    assert len(_once(over, tickets)) == 1
    twice = series((48, 60), (180, 200))
    assert len(_once(twice, tickets_of(twice, 0.5, [], HORIZON))) == 2


def test_several_worlds_are_pooled_by_their_counts() -> None:
    one = FaultFigures((3, 4), (2, 2), {"linear": (3, 4)}, (0.01,), (10, 4.0, 3))
    other = FaultFigures((1, 4), (1, 4), {"linear": (0, 2), "stepwise": (1, 2)}, (0.03,), (10, 6.0, 2))
    both = together(
        [
            Judged({"water_leak": one}, 1, 4, 10, 2, 10, 5, 6, 20),
            Judged({"water_leak": other}, 2, 2, 10, 1, 10, 5, 3, 20),
        ]
    )
    told = both.metrics()
    assert told["caught_24h_ahead"] == 0.5
    assert told["ticket_precision"] == 0.5
    assert told["avoided_ratio_to_thresholds"] == 2.0
    assert told["ece"] == pytest.approx(0.02)
    assert both.high_risks() == {"said": 0.5, "came_true": 0.25, "moments": 20}
    assert both.thresholds()["models_at_their_own"] == {"visits": 40, "failures_avoided": 9}
    assert both.by_shape() == {"linear": "3 of 6", "stepwise": "1 of 2"}
    assert both.faults["water_leak"].told()["caught"] == "4 of 8"


def test_the_truth_is_found_by_device_and_fault_in_order_of_time() -> None:
    later, earlier = entry(90, None), entry(10, 60)
    truths = Truths(GroundTruth([later, earlier]))
    assert truths.of("R1", "water_leak", "brush_jam") == [earlier, later]
    assert truths.of("R2", "water_leak") == []
    assert len(truths.of_fault("water_leak")) == 2


def test_fixed_thresholds_name_faults_that_are_predicted() -> None:
    known = {fault.code for fault in predicted_faults(Kind.ROBOT)}
    assert {fault for rule in FIXED for fault in rule.faults} <= known


def test_worlds_to_learn_and_to_judge_in_are_different_ones() -> None:
    assert TRAINED_IN not in JUDGED_IN
    assert "world A" in protocol(Size())


def test_a_folder_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("data")
    with pytest.raises(ConfigError, match="leave --data out"):
        evaluate(folder, (0,))
