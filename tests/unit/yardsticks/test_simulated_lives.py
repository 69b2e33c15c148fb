"""The coverage of remaining life is a mean over rows, of faults with any."""

import math

import pytest

from yardsticks.simulated.lives import covered


def test_each_row_counts_the_same_and_both_units_do() -> None:
    told = {
        "brush_wear": {"rows": 30.0, "coverage_days": 0.8, "coverage_hours": 0.9},
        "filter_clog": {"rows": 10.0, "coverage_days": 0.5, "coverage_hours": 0.4},
        "battery_wear": {"rows": 0.0},
    }
    assert covered(told) == pytest.approx((30 * 0.85 + 10 * 0.45) / 40)


def test_without_any_row_nothing_is_claimed() -> None:
    assert math.isnan(covered({"brush_wear": {"rows": 0.0}}))
    assert math.isnan(covered({}))
