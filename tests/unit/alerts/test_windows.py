"""Windows say what all their readings say, however these are cut into batches, and nothing counts twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.judging.quantities import Measure, Quantity, parse_quantity
from alerts.judging.windows.measures import measuring
from alerts.judging.windows.ring import STEPS
from alerts.judging.windows.stretch import in_order
from fleet.signals import STANDARD_SIGNALS

NOON = 1_800_000_000_000
MINUTE = 60_000


class Told:
    """One quantity, as readings of a few devices come in."""

    def __init__(self, text: str) -> None:
        quantity = parse_quantity(text)
        assert quantity is not None
        self.quantity: Quantity = quantity
        self.measures = measuring(quantity, STANDARD_SIGNALS.get(quantity.of))

    def of(self, rows: list[int], at: list[int], values: list[float]) -> list[float]:
        row, ts = np.array(rows, dtype=np.int64), NOON + np.array(at, dtype=np.int64)
        return list(self.measures.observe(in_order(row, ts, 8), np.array(values, dtype=float)))

    def one(self, at: list[int], values: list[float]) -> list[float]:
        return self.of([0] * len(at), at, values)


def _mean(at: list[int], values: list[float], index: int, over: int) -> float:
    """Return the mean as it is defined: over the twelve steps that end with the reading's own."""
    width = over // STEPS
    near = range(max(0, index - 600), index + 1)
    steps = {j: (NOON + at[j]) // width for j in near}
    within = [j for j in near if steps[j] > steps[index] - STEPS]
    reaches = any(steps[j] <= steps[index] - STEPS // 2 for j in within)
    return float(np.mean([values[j] for j in within])) if reaches else np.nan


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 90), st.floats(-50, 50)), min_size=1, max_size=60),
    st.lists(st.integers(1, 9), min_size=1, max_size=60),
)
def test_a_mean_is_that_of_its_readings_however_they_are_cut(
    readings: list[tuple[int, int, float]], cuts: list[int]
) -> None:
    clock = dict.fromkeys(range(4), 0)
    rows, at, values = [], [], []
    for row, gap, value in readings:
        clock[row] += gap * 1000
        rows.append(row)
        at.append(clock[row])
        values.append(value)
    told, found, begin = Told("mean of battery_temp_c over 5m"), [], 0
    for size in [*cuts, len(rows)]:
        end = min(begin + size, len(rows))
        if end > begin:
            found += told.of(rows[begin:end], at[begin:end], values[begin:end])
        begin = end
    for index, row in enumerate(rows):
        own = [j for j in range(len(rows)) if rows[j] == row]
        here = own.index(index)
        expected = _mean([at[j] for j in own], [values[j] for j in own], here, 5 * MINUTE)
        np.testing.assert_allclose(found[index], expected, atol=1e-9)


def test_a_long_backlog_in_one_batch_is_told_like_one_reading_after_the_other() -> None:
    at = list(range(0, 3_600_000, 10_000))
    values = [float(n % 17) for n in range(len(at))]
    whole = Told("mean of battery_temp_c over 5m").one(at, values)
    single = Told("mean of battery_temp_c over 5m")
    np.testing.assert_allclose(whole, [single.one([a], [v])[0] for a, v in zip(at, values, strict=True)])


@pytest.mark.parametrize("gap_s", [1, 24, 25, 26, 274, 275, 300, 324, 325, 326, 10_000])
@pytest.mark.parametrize("alone", [True, False])
def test_windows_of_a_long_life_are_those_of_its_newest_readings(gap_s: int, alone: bool) -> None:
    random, count = np.random.default_rng(gap_s), 12_000
    at = [n * 1_000 for n in range(count)]
    at += [at[-1] + gap_s * 1_000 + n * 1_000 for n in range(200)]
    values = [round(each, 1) for each in random.uniform(-40, 120, len(at))]
    told, found = Told("mean of battery_temp_c over 5m"), []
    for begin in range(0, count, 500):
        found += told.one(at[begin : begin + 500], values[begin : begin + 500])
    for begin in range(count, len(at), 1 if alone else 200):
        end = begin + 1 if alone else len(at)
        found += told.one(at[begin:end], values[begin:end])
    for index in (*range(300, count, 997), *range(count, len(at))):
        expected = _mean(at[: index + 1], values[: index + 1], index, 5 * MINUTE)
        np.testing.assert_allclose(found[index], expected, rtol=1e-11, atol=1e-11)


def test_a_mean_waits_until_its_readings_reach_back_half_of_the_window() -> None:
    told = Told("mean of battery_temp_c over 6m").one([n * 30_000 for n in range(12)], [60.0] * 12)
    assert np.isnan(told[:6]).all()
    assert told[6:] == [60.0] * 6


def test_a_rate_is_per_hour() -> None:
    at = [n * 10_000 for n in range(90)]
    told = Told("rate of fan_rpm over 10m").one(at, [9_000 - 2.0 * n for n in range(90)])
    assert told[-1] == pytest.approx(-2.0 * 360, rel=0.05)


def test_a_value_that_stays_the_same_has_no_rate() -> None:
    told = Told("rate of fan_rpm over 10m").one([n * 10_000 for n in range(90)], [9_000.0] * 90)
    assert told[-1] == 0


def test_a_reading_that_comes_again_or_late_changes_no_window() -> None:
    told = Told("rise of use_s over 1h")
    first = told.one([0, 60_000, 120_000], [100, 160, 220])
    again = told.one([0, 60_000, 120_000], [100, 160, 220])
    late = told.one([90_000], [190])
    assert first == [0, 60, 120]
    assert np.isnan(again + late).all()
    assert told.one([180_000], [280]) == [180]


def test_the_same_moment_twice_in_a_batch_counts_once() -> None:
    assert Told("rise of use_s over 1h").one([0, 60_000, 60_000], [100, 150, 160])[2] == 60


def test_a_counter_that_falls_has_not_risen() -> None:
    told = Told("rise of use_s over 1h")
    at = [n * 60_000 for n in range(5)]
    assert told.one(at, [1_000, 1_060, 0, 30, 60]) == [0, 60, 60, 90, 120]


def test_a_counter_that_falls_and_returns_has_not_risen_by_that() -> None:
    told = Told("rise of use_s over 1h")
    assert told.one([0, 10_000, 20_000, 30_000], [90_000, 0, 90_010, 90_020])[-1] == 10


def test_a_clock_that_jumps_ahead_and_back_makes_no_use() -> None:
    told = Told("time of worn over 14h")
    told.one([0, 60_000], [1, 1])
    ahead = told.one([60_000 + 9 * MINUTE], [1])
    back = told.one([120_000, 180_000], [1, 1])
    assert ahead == [600]
    assert np.isnan(back).all()
    assert told.one([60_000 + 10 * MINUTE], [1]) == [660]


def test_time_counts_while_it_is_so_and_not_over_a_gap() -> None:
    told = Told("time of worn over 14h")
    hour = 60 * MINUTE
    assert told.one([0, MINUTE, 2 * MINUTE, 3 * MINUTE], [0, 1, 1, 0]) == [0, 0, 60, 120]
    assert told.one([5 * hour, 5 * hour + MINUTE], [1, 1]) == [120, 180]


def test_what_left_the_window_counts_no_more() -> None:
    told = Told("rise of use_s over 12m")
    at = [n * MINUTE for n in range(40)]
    told_last = told.one(at, [60.0 * n for n in range(20)] + [1_140.0] * 20)
    assert told_last[19] == 12 * 60
    assert told_last[-1] == 0


def test_devices_do_not_see_each_others_readings() -> None:
    told = Told("rise of use_s over 1h")
    told.of([0, 1], [0, 0], [100, 5_000])
    assert told.of([1, 0], [MINUTE, MINUTE], [5_010, 160]) == [10, 60]


def test_a_value_lasts_until_another_comes_or_nothing_for_an_hour() -> None:
    lasting = measuring(Quantity("worn", Measure.UNCHANGED), None)
    row = np.zeros(1, dtype=np.int64)

    def told(after_min: int, value: float) -> float:
        at = np.array([NOON + after_min * MINUTE])
        return float(lasting.observe(in_order(row, at, 1), np.array([value], dtype=float))[0])

    assert [told(0, 1), told(10, 1), told(20, 1)] == [0, 600, 1200]
    assert [told(21, 0), told(31, 0), told(32, 1)] == [0, 600, 0]
    assert [told(92, 1), told(153, 1)] == [3600, 0]
