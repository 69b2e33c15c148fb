"""The store of the parts yardstick: what it meets, what it holds, and how its q is found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from desk.parts.forecast.counts import Floats
from yardsticks.parts_stock import Weights, held_at_fill, poisson_target, run_store

UNITS = Weights(np.ones(2), np.ones(2))


def test_an_order_lasts_for_the_lead_time() -> None:
    demand = np.array([[2.0, 0, 3, 0, 0, 1]])
    met, left = run_store(demand, np.array([[4.0, 4, 4, 4]]), lead=3)
    np.testing.assert_array_equal(met, [[2, 0, 0, 1]])
    np.testing.assert_array_equal(left, [[0, 1, 1, 3]])


def test_a_lower_target_sends_nothing_back() -> None:
    met, left = run_store(np.array([[0.0, 1, 0]]), np.array([[5.0, 1, 1]]), lead=1)
    np.testing.assert_array_equal((met, left), ([[0, 1, 0]], [[5, 4, 4]]))


@settings(deadline=None)
@given(
    arrays(np.float64, (2, 9), elements=st.integers(0, 9).map(float)),
    arrays(np.float64, (2, 7), elements=st.integers(0, 20).map(float)),
)
def test_it_is_what_a_ledger_of_the_same_store_says(demand: Floats, targets: Floats) -> None:
    lead = 3
    met, left = run_store(demand, targets, lead)
    for series in range(2):
        shelf, owed, coming = 0.0, 0.0, np.zeros(20)
        for month in range(9):
            if month < 7:
                position = shelf + coming.sum() - owed
                first = targets[series, 0] if not month else 0.0
                coming[month + lead - 1] += first or max(targets[series, month] - position, 0)
            shelf += coming[month]
            coming[month] = 0
            paid = min(shelf, owed)
            shelf, owed = shelf - paid, owed - paid
            given_out = min(shelf, demand[series, month])
            shelf, owed = shelf - given_out, owed + demand[series, month] - given_out
            if month >= lead - 1:
                assert met[series, month - lead + 1] == given_out
                assert left[series, month - lead + 1] == shelf


def test_the_smallest_q_that_reaches_the_fill_is_found() -> None:
    rng = np.random.default_rng(0)
    demand = rng.poisson(4.0, (2, 202)).astype(float)

    def targets(strictness: float) -> Floats:
        return poisson_target(np.full((2, 200), 12.0), strictness)

    told = held_at_fill(demand, targets, 3, 0.95, UNITS)
    assert told.fill >= 0.95
    met, _ = run_store(demand, targets(told.strictness) - 1, 3)
    assert met.sum() < 0.95 * demand[:, 2:].sum(), "one less would not be enough"


def test_a_fill_out_of_reach_is_told_as_what_was_reached() -> None:
    demand = np.full((2, 5), 3.0)
    told = held_at_fill(demand, lambda _: np.ones((2, 3)), 3, 0.95, UNITS)
    assert told.fill == 0 and told.stock == 0


def test_weights_let_series_count_alike() -> None:
    demand = np.array([[0.0, 0, 100, 0], [0, 0, 1, 0]])
    targets = np.array([[0.0, 0], [1, 1]])
    told = held_at_fill(
        demand, lambda _: targets, 3, 2.0, Weights(np.array([0.01, 1.0]), np.array([0.0, 1.0]))
    )
    assert told.fill == pytest.approx(0.5)


def test_poisson_targets_are_scipys_and_go_on_where_floats_end() -> None:
    mean = np.array([0.0, 0.02, 0.9, 3.0, 40.0, 900.0])
    np.testing.assert_array_equal(poisson_target(mean, 3.0), stats.poisson.isf(1e-3, mean))
    near, far = poisson_target(mean, 289.0), poisson_target(mean, 291.0)
    assert (far >= near).all() and (far - near <= 20).all(), "no jump where the formula changes"
    most = poisson_target(np.array([0.9]), 5_000.0)[0]
    assert stats.poisson.logpmf(most + 1, 0.9) < -5_000 * np.log(10) < stats.poisson.logpmf(most - 1, 0.9)
