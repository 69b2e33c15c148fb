"""The whole way of `evaluate simulated`, on fleets too small for figures: from worlds to a report."""

import json
from typing import Any

import pytest

from yardsticks.simulated.yardstick import Size, judged_over

SMALL = Size(train_robots=40, train_days=60, judge_robots=16, judge_days=24)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    return judged_over((0,), SMALL)


def test_every_metric_is_there_and_makes_sense(told: dict[str, Any]) -> None:
    metrics = {name: figure["mean"] for name, figure in told["metrics"].items()}
    assert set(metrics) >= {"caught_24h_ahead", "ticket_precision", "avoided_ratio_to_thresholds", "ece"}
    assert 0 <= metrics["caught_24h_ahead"] <= 1
    assert 0 <= metrics["ticket_precision"] <= 1
    assert 0 <= metrics["ece"] <= 0.1
    assert told["name"] == "simulated"
    assert told["seeds"] == [0]
    assert json.dumps(told)


def test_counts_by_fault_and_by_shape_add_up_to_the_metric(told: dict[str, Any]) -> None:
    def tally(texts: Any) -> tuple[int, int]:
        pairs = [tuple(int(part) for part in text.split(" of ")) for text in texts]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    details = told["details"]
    by_fault = tally(each["caught"] for each in details["by_fault_all_seeds"].values())
    assert by_fault == tally(details["caught_by_shape_all_seeds"].values())
    assert by_fault[1] > 5
    assert told["metrics"]["caught_24h_ahead"]["mean"] == pytest.approx(by_fault[0] / by_fault[1])


def test_the_models_spend_no_more_visits_than_the_thresholds_that_they_are_measured_by(
    told: dict[str, Any],
) -> None:
    fixed = told["baselines"]["fixed_thresholds"]
    assert fixed["models_at_equal_visits"]["visits"] <= fixed["visits"]
    assert fixed["visits_right"] <= fixed["visits"]
