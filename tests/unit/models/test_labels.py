"""Labels, split and threshold: what training may learn from, and where acting pays."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from fleet.clock import DAY_MS
from models.learning.evaluation import best_threshold, calibration_error
from models.learning.labels import NEGATIVE, POSITIVE, UNKNOWN, label
from models.learning.training import Examples, split_by_time

DAY = DAY_MS
NONE = pl.DataFrame(schema={"device_id": pl.String, "ts": pl.Int64})


def rows(*days: float, device: str = "r1") -> pl.DataFrame:
    return pl.DataFrame({"device_id": [device] * len(days), "until": [int(day * DAY) for day in days]})


def repair(opened: float, ended: float, device: str = "r1") -> pl.DataFrame:
    return pl.DataFrame({"device_id": [device], "opened": [int(opened * DAY)], "ended": [int(ended * DAY)]})


def test_a_repair_within_the_horizon_makes_a_row_positive() -> None:
    """Open to the left, closed to the right: a fault noticed at the row's own time is no prediction."""
    found = label(rows(2, 3, 9, 9.9, 10, 11), repair(10, 10.5), NONE, 7 * DAY, 100 * DAY).value
    assert found.tolist() == [NEGATIVE, POSITIVE, POSITIVE, POSITIVE, UNKNOWN, NEGATIVE]


def test_another_devices_repair_says_nothing() -> None:
    assert label(rows(9), repair(10, 11, "r2"), NONE, 7 * DAY, 100 * DAY).value.tolist() == [NEGATIVE]


def test_rows_whose_horizon_is_not_over_are_left_out_unless_positive() -> None:
    found = label(rows(92, 93, 94, 97), repair(95, 96), NONE, 7 * DAY, 100 * DAY).value
    assert found.tolist() == [POSITIVE, POSITIVE, POSITIVE, UNKNOWN]


def test_a_ticket_that_is_still_open_leaves_its_rows_out() -> None:
    doubtful = pl.DataFrame({"device_id": ["r1"], "ts": [20 * DAY]})
    empty = repair(0, 0).clear()
    assert label(rows(12, 15), empty, doubtful, 7 * DAY, 100 * DAY).value.tolist() == [NEGATIVE, UNKNOWN]


def test_a_warning_some_time_before_its_horizon_is_early_and_decides_nothing() -> None:
    """With a horizon of 3 days a row 6 days ahead of a repair is early, one further ahead was in vain."""
    frame = rows(3, 4, 5, 6.9, 7, 9, 11)
    labels = label(frame, repair(10, 12), NONE, 3 * DAY, 100 * DAY)
    assert labels.value.tolist() == [NEGATIVE] * 4 + [POSITIVE] * 2 + [UNKNOWN]
    decides = labels.decides(frame["until"].to_numpy(), 3 * DAY)
    assert decides.tolist() == [True, False, False, False, True, True, False]


def test_rows_that_no_repair_follows_decide() -> None:
    frame = rows(20, 30, 99)
    labels = label(frame, repair(10, 12), NONE, 3 * DAY, 100 * DAY)
    assert labels.decides(frame["until"].to_numpy(), 3 * DAY).tolist() == [True, True, False]


def test_between_fitting_and_judging_lies_a_horizon() -> None:
    """No row that fits the trees could have known of a failure noticed after the cut."""
    days = np.arange(0, 60, 0.5)
    frame = rows(*days)
    repairs = pl.concat([repair(day, day + 0.2) for day in (9, 21, 33, 35, 44, 52)])
    labels = label(frame, repairs, NONE, 7 * DAY, 60 * DAY)
    examples = Examples(
        np.zeros((len(days), 1)),
        labels,
        frame["until"].to_numpy(),
        np.zeros(len(days), dtype=np.int64),
        60 * DAY,
    )
    split = split_by_time(examples, 7 * DAY, 0.6)
    assert split is not None
    assert split.fit.any()
    assert split.later.any()
    negative = split.fit & (labels.value == NEGATIVE)
    assert (examples.until[negative] + 7 * DAY <= split.cut).all()
    assert (labels.noticed[split.fit & (labels.value == POSITIVE)] <= split.cut).all()
    assert (examples.until[split.later] > split.cut).all()
    assert (examples.until[split.later] + 7 * DAY <= 60 * DAY).all()
    assert not (split.fit & split.later).any()
    assert split_by_time(examples, 31 * DAY, 0.6) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=60), st.integers(1, 9))
def test_the_threshold_is_within_two_percent_of_the_cheapest(pairs: list[tuple[bool, int]], act: int) -> None:
    truth = np.array([positive for positive, _ in pairs])
    risk = np.array([score / 20 for _, score in pairs])

    def cost(threshold: float) -> float:
        acted = risk >= threshold
        return float(act * acted.sum() + 10 * (truth & ~acted).sum())

    cheapest = min(cost(threshold) for threshold in [*risk, 1.1])
    if (risk >= 1.0).any():
        cheapest = min(cost(threshold) for threshold in risk)
    assert cost(best_threshold(truth, risk, act, 10)) <= cheapest * 1.02 + 1e-9


def test_calibration_error_is_zero_for_true_frequencies_and_large_for_false_ones() -> None:
    truth = np.tile([True] + [False] * 4, 200)
    assert calibration_error(truth, np.full(1000, 0.2)) < 1e-9
    assert calibration_error(truth, np.full(1000, 0.9)) > 0.69
