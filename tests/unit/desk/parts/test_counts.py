"""Distributions over counts: quantiles as defined, sums as drawn or counted out."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from desk.parts.forecast.counts import NONE, Counts, bernoulli_sum, compound, mixed, thinned
from fleet.errors import InvalidInput

CHANCES = st.lists(st.floats(0, 1), min_size=0, max_size=8)
CELLS = st.lists(st.floats(0.001, 1), min_size=1, max_size=30).map(
    lambda some: Counts(np.array(some) / sum(some))
)


def test_a_quantile_is_the_smallest_count_that_is_enough() -> None:
    counts = Counts(np.array([0.5, 0.25, 0.125, 0.125]))
    assert [counts.quantile(q) for q in (0.01, 0.5, 0.51, 0.75, 0.875, 0.88, 0.999)] == [0, 0, 1, 1, 2, 3, 3]
    assert (counts.above(-1), counts.above(0), counts.above(2.5), counts.above(3)) == (1.0, 0.5, 0.125, 0.0)
    assert NONE.quantile(0.999) == 0


@settings(deadline=None)
@given(CELLS, st.floats(0.001, 0.999))
def test_a_quantile_is_enough_and_one_less_is_not(counts: Counts, q: float) -> None:
    found = counts.quantile(q)
    assert counts.above(found) <= (1 - q) * (1 + 1e-6)
    assert found == 0 or counts.above(found - 1) > (1 - q) * (1 - 1e-6)


@settings(deadline=None)
@given(CELLS, CELLS)
def test_a_sum_has_the_means_and_variances_of_both(one: Counts, other: Counts) -> None:
    both = one.plus(other)
    assert both.mean == pytest.approx(one.mean + other.mean)
    assert both.variance == pytest.approx(one.variance + other.variance, abs=1e-9)
    assert both.quantile(0.9) <= one.quantile(0.95) + other.quantile(0.95), "by the bound of the union"


def test_long_sums_by_the_transform_are_the_short_ones() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(300), rng.random(200)
    one, other = one / one.sum(), other / other.sum()
    np.testing.assert_allclose(Counts(one).plus(Counts(other)).chances, np.convolve(one, other), atol=1e-14)


@settings(deadline=None)
@given(CHANCES)
def test_independent_events_are_counted_as_if_each_outcome_were_written_down(chances: list[float]) -> None:
    told = np.zeros(len(chances) + 1)
    for outcome in product((0, 1), repeat=len(chances)):
        told[sum(outcome)] += np.prod([c if hit else 1 - c for c, hit in zip(chances, outcome, strict=True)])
    found = bernoulli_sum(chances).chances
    np.testing.assert_allclose(found, told[: len(found)], atol=1e-12)
    assert told[len(found) :].sum() < 1e-12


def test_a_hundred_thousand_small_risks_are_a_poisson_nearly() -> None:
    counts = bernoulli_sum([0.0002] * 100_000)
    assert counts.mean == pytest.approx(20)
    assert counts.variance == pytest.approx(20 * (1 - 0.0002))
    assert counts.quantile(0.95) == 28
    assert len(counts.chances) < 200, "tails of no chance are cut off"


def test_a_part_of_a_time_has_its_part_of_a_poisson_and_lots_come_whole() -> None:
    whole = Counts(poisson.pmf(np.arange(60), 10.0) / poisson.cdf(59, 10.0))
    part = thinned(whole, 0.3)
    np.testing.assert_allclose(part.chances[:20], poisson.pmf(np.arange(20), 3.0), atol=1e-9)
    ten = Counts(np.eye(11)[10])
    assert thinned(ten, 0.25, 10).chances.round(9).tolist() == [0.75, *[0.0] * 9, 0.25]
    assert thinned(ten, 1.0).mean == pytest.approx(10) and thinned(ten, 0.0).mean == 0
    with pytest.raises(InvalidInput, match="share: 1.1"):
        thinned(ten, 1.1)


def test_a_compound_sum_is_what_is_drawn() -> None:
    rng = np.random.default_rng(1)
    orders, sizes, weights = np.array([0.3, 0.4, 0.2, 0.1]), np.array([1, 5, 40]), np.array([0.5, 0.3, 0.2])
    found = compound(orders, sizes, weights)
    number = rng.choice(4, 200_000, p=orders)
    drawn = rng.choice(sizes, (200_000, 3), p=weights) * (np.arange(3) < number[:, None])
    total = drawn.sum(axis=1)
    np.testing.assert_allclose(
        found.chances, np.bincount(total, minlength=len(found.chances)) / len(total), atol=4e-3
    )
    assert found.mean == pytest.approx((orders @ np.arange(4)) * (weights @ sizes))


def test_huge_sizes_are_told_in_steps_and_never_too_low() -> None:
    found = compound(np.array([0.5, 0.5]), np.array([3, 1_000_001]), np.array([0.5, 0.5]))
    assert found.step > 1 and len(found.chances) <= 2 * (1 << 14)
    assert 1_000_001 <= found.quantile(0.9) < 1_000_001 + found.step
    assert 3 <= found.quantile(0.6) <= found.step
    assert found.plus(bernoulli_sum([1.0])).quantile(0.9) >= 1_000_002


def test_a_mixture_weighs_what_it_is_made_of() -> None:
    told = mixed(((0.25, NONE), (0.75, Counts(np.array([0.0, 0.0, 1.0])))))
    np.testing.assert_allclose(told.chances, [0.25, 0.0, 0.75])


@pytest.mark.parametrize("cells", [[], [0.5, 0.6], [-0.1, 1.1], [np.nan, 1.0], [[1.0]]])
def test_what_is_no_distribution_is_refused(cells: list[float]) -> None:
    with pytest.raises(InvalidInput, match="sum to 1"):
        Counts(np.array(cells))


@pytest.mark.parametrize("q", [0, 1, -0.1, 95, float("nan")])
def test_a_quantile_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(InvalidInput, match=r"between 0 and 1, for example 0.95"):
        NONE.quantile(q)


@settings(max_examples=20, deadline=None)
@given(st.floats(allow_nan=True).filter(lambda risk: not 0 <= risk <= 1))
def test_what_is_no_risk_is_refused(risk: float) -> None:
    with pytest.raises(InvalidInput, match="each must lie between 0 and 1"):
        bernoulli_sum([0.5, risk])
