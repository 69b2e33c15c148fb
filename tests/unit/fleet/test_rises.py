"""What an hour's rise of a counter is: use alone, whatever the counter says in between."""

from collections.abc import Callable

import polars as pl
import pytest

from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.rises import rise, with_left
from fleet.signals import STANDARD_SIGNALS

HOUR = 480_000 * HOUR_MS
STEP_MS = 30_000
STEPS = HOUR_MS // STEP_MS
_UNSEEN = 3.0
"""A reading so little beside its true value need not be seen to be wrong."""
USE_A_STEP = {"run_s": 27.0, "area_m2": 9.0, "bumper_hits": 0.2, "charge_cycles": 0.004}
START = {"run_s": 412_345.0, "area_m2": 98_100.0, "bumper_hits": 812.0, "charge_cycles": 140.0}

Counted = list[float]
Dip = Callable[[Counted, int], Counted]


def _three_hours(counter: str) -> Counted:
    return [float(int(START[counter] + USE_A_STEP[counter] * step)) for step in range(3 * STEPS)]


def _to_zero(values: Counted, at: int) -> Counted:
    return [0.0 if step == at else value for step, value in enumerate(values)]


def _below(values: Counted, at: int) -> Counted:
    return [value - 3 if step == at else value for step, value in enumerate(values)]


def _half(values: Counted, at: int) -> Counted:
    return [value // 2 if step == at else value for step, value in enumerate(values)]


def _for_three_readings(values: Counted, at: int) -> Counted:
    return [0.0 if at <= step < at + 3 else value for step, value in enumerate(values)]


def _outlier_up(values: Counted, at: int) -> Counted:
    return [value + 5_000 if step == at else value for step, value in enumerate(values)]


def _little_outlier_up(values: Counted, at: int) -> Counted:
    return [value + 2 if step == at else value for step, value in enumerate(values)]


DIPS: tuple[Dip, ...] = (_to_zero, _below, _half, _for_three_readings, _outlier_up, _little_outlier_up)
POSITIONS = {
    "first": STEPS,
    "second": STEPS + 1,
    "middle": STEPS + 60,
    "last": 2 * STEPS - 1,
    "next": 2 * STEPS,
}


def _rise(counter: str, values: Counted, hour: int = HOUR) -> float:
    times = [HOUR - HOUR_MS + step * STEP_MS for step in range(len(values))]
    return rise(STANDARD_SIGNALS[counter], times, values, hour, hour + HOUR_MS)


@pytest.mark.parametrize("counter", USE_A_STEP)
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("dip", DIPS)
def test_a_fall_and_return_or_an_outlier_is_no_rise(counter: str, position: str, dip: Dip) -> None:
    """What hides behind a dip at the end of an hour is shared out by time: no hour has another's."""
    true, told = _three_hours(counter), dip(_three_hours(counter), POSITIONS[position])
    hours = [HOUR - HOUR_MS, HOUR, HOUR + HOUR_MS]
    expected, found = ([_rise(counter, values, hour) for hour in hours] for values in (true, told))
    assert sum(found) == pytest.approx(sum(expected))
    assert found == pytest.approx(expected, abs=_UNSEEN)


@pytest.mark.parametrize("counter", USE_A_STEP)
@pytest.mark.parametrize("dip", [_to_zero, _half, _outlier_up, _little_outlier_up])
@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("at", [3, 4, 5])
def test_a_dip_in_a_device_that_sends_twice_an_hour_moves_no_use_into_another_hour(
    counter: str, dip: Dip, length: int, at: int
) -> None:
    """A reading each half hour, of which one or two are wrong: at a steady use each hour has its own."""
    step = HOUR_MS // 2
    true = [float(int(START[counter] + USE_A_STEP[counter] * 60 * number)) for number in range(10)]
    wrong = dip(true, at)
    if length == 2 and dip in (_to_zero, _half):
        wrong = dip(wrong, at + 1)
    times = [HOUR + number * step for number in range(len(true))]
    for hour in range(HOUR, HOUR + 5 * HOUR_MS, HOUR_MS):
        expected, found = (
            rise(STANDARD_SIGNALS[counter], times, values, hour, hour + HOUR_MS) for values in (true, wrong)
        )
        assert found == pytest.approx(expected, abs=_UNSEEN)


def test_a_counter_that_says_half_twice_and_counts_on_is_back_where_it_was() -> None:
    """Its own two hits while it said half do not make its return 730 hits more."""
    values = [1457.0, 1458.0, 729.0, 730.0, 1461.0, 1462.0]
    times = [HOUR + number * HOUR_MS // 2 for number in range(len(values))]
    hits = STANDARD_SIGNALS["bumper_hits"]
    assert [rise(hits, times, values, at, at + HOUR_MS) for at in times[::2]] == [1.0, 2.0, 2.0]


@pytest.mark.parametrize("counter", USE_A_STEP)
def test_what_rises_after_a_reset_counts(counter: str) -> None:
    true = _three_hours(counter)
    at = STEPS + 40
    reset = [value - true[at] if step >= at else value for step, value in enumerate(true)]
    last = true[at] - true[at - 1]
    assert _rise(counter, reset) == pytest.approx(_rise(counter, true) - last)
    assert _rise(counter, reset, HOUR + HOUR_MS) == _rise(counter, true, HOUR + HOUR_MS)


@pytest.mark.parametrize("width", [2.0**16, 2.0**24, 2.0**32])
def test_a_wrap_at_a_power_of_two_is_gone_through(width: float) -> None:
    true = [width - 700.0 + 27 * (step - STEPS) for step in range(3 * STEPS)]
    wrapped = [value % width for value in true]
    assert _rise("run_s", wrapped) == pytest.approx(_rise("run_s", true)) == 27.0 * STEPS


def test_a_counter_that_says_nothing_before_it_is_loaded_has_not_risen_when_it_is() -> None:
    values = [0.0, 0.0, *(300.0 + step // 10 for step in range(118))]
    times = [HOUR + step * STEP_MS for step in range(len(values))]
    assert rise(STANDARD_SIGNALS["bumper_hits"], times, values, HOUR, HOUR + HOUR_MS) == 11.0


def test_a_device_that_tells_its_run_time_at_the_end_of_a_run_has_run_so_long() -> None:
    values = [5_000.0] * 150 + [7_700.0] * 90
    assert _rise("run_s", values) == 2_700.0


def test_a_counter_of_a_new_device_rises_from_nothing() -> None:
    values = [27.0 * max(step - STEPS - 5, 0) for step in range(2 * STEPS)]
    assert _rise("run_s", values) == values[-1]


def test_a_dip_that_is_all_an_hour_has_is_not_where_the_next_hour_starts_from() -> None:
    """One reading an hour was lost: the other, a dip, is the only one of its hour."""
    values = [2909.0, 2909.0, 1454.0, 2910.0, 2911.0, 2912.0]
    times = [HOUR + minutes * MINUTE_MS for minutes in (0, 30, 90, 120, 150, 180)]
    hits = STANDARD_SIGNALS["bumper_hits"]
    found = [rise(hits, times, values, at, at + HOUR_MS) for at in range(HOUR, HOUR + 4 * HOUR_MS, HOUR_MS)]
    assert found == pytest.approx([0.0, 2 / 3, 4 / 3, 1.0])


def test_of_kept_hours_only_those_without_readings_are_stood_for() -> None:
    """A server may still hold readings of an hour that is kept: both would be two readings of one time."""
    kept = pl.DataFrame(
        {
            "device_id": ["R1", "R1"],
            "hour": [HOUR, HOUR + HOUR_MS],
            "readings": [120, 120],
            "run_s.max": [900.0, 1_800.0],
            "run_s.last": [0.0, 1_800.0],
        }
    )
    read = pl.DataFrame({"device_id": ["R1"], "ts": [HOUR + HOUR_MS + STEP_MS], "run_s": [930]})
    found = with_left(read, kept, ["run_s"]).sort("ts")
    ends = [HOUR + HOUR_MS - 2 * STEP_MS, HOUR + HOUR_MS - STEP_MS, HOUR + HOUR_MS + STEP_MS]
    assert found.rows() == [("R1", at, value) for at, value in zip(ends, [900, 0, 930], strict=True)]
