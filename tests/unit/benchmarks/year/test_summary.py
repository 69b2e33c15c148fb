"""Intervals over seeds, gains step by step, and what is missed."""

import pytest

from benchmarks.year.figures import NAMES
from benchmarks.year.life import Policy
from benchmarks.year.summary import interval, missed, summary


def runs(**figures: list[float]) -> dict[int, dict[str, dict[str, float]]]:
    return {
        seed: {"figures": {name: figures.get(name, [1.0] * 3)[seed] for name in NAMES}} for seed in range(3)
    }


def test_an_interval_is_students_and_none_with_one_seed() -> None:
    found = interval([10.0, 12.0, 14.0])
    assert found["mean"] == 12
    assert found["high"] == pytest.approx(12 + 4.303 * 2 / 3**0.5, abs=0.01)
    assert interval([5.0]) == {"mean": 5.0, "low": None, "high": None}


def test_a_gain_is_the_difference_seed_by_seed() -> None:
    before, after = runs(wait_h=[70, 80, 90]), runs(wait_h=[60, 70, 80])
    found = summary({Policy.MANUAL: before, Policy.DISPATCH: after}, NAMES)
    assert found["gains"]["dispatch"]["wait_h"] == {"mean": -10.0, "low": -10.0, "high": -10.0}
    assert found["targets"] == {}


def test_what_must_be_and_is_not_is_named() -> None:
    manual = runs(wait_h=[72] * 3, travel_min=[45] * 3, complaints=[100] * 3, out_of_use_h=[100] * 3)
    ours = runs(
        wait_h=[8] * 3,
        travel_min=[30] * 3,
        complaints=[20] * 3,
        out_of_use_h=[30] * 3,
        parts_turnover=[6.0] * 3,
    )
    assert missed(summary({Policy.MANUAL: manual, Policy.PROACTIVE: ours}, NAMES)) == ["travel_against_a"]
