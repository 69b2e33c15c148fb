"""Plain distributions of one series: their quantiles are those of scipy, and far tails hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from desk.parts.forecast.past import Past
from desk.parts.forecast.simple import SIMPLE, Form, levels
from fleet.errors import InvalidInput

LUMPY = np.array([[0, 0, 3, 0, 0, 0, 10, 0, 0, 1, 0, 2], [1, 0, 2, 1, 0, 1, 1, 0, 0, 1, 2, 1]], dtype=float)


def test_quantiles_are_those_of_the_textbook() -> None:
    told, mean, variance = levels(Past(LUMPY)), LUMPY.mean(axis=1), LUMPY.var(axis=1, ddof=1)
    for q in (0.5, 0.9, 0.95, 0.99):
        np.testing.assert_array_equal(told.quantiles(Form.POISSON, q), stats.poisson.ppf(q, mean))
        shape = mean[0] ** 2 / (variance[0] - mean[0])
        wanted = stats.nbinom.ppf(q, shape, shape / (shape + mean[0]))
        assert told.quantiles(Form.NEGATIVE_BINOMIAL, q)[0] == wanted
        assert told.quantiles(Form.EMPIRICAL, q)[0] == np.quantile(LUMPY[0], q, method="inverted_cdf")
    assert variance[1] < mean[1], "less variance than a Poisson has"
    assert told.quantiles(Form.NEGATIVE_BINOMIAL, 0.95)[1] == stats.poisson.ppf(0.95, mean[1])


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.floats(0.01, 0.995), st.sampled_from(SIMPLE))
def test_a_row_as_a_distribution_has_the_quantile_of_all_rows(used: list[int], q: float, form: Form) -> None:
    told = levels(Past(np.array([used], dtype=float)), half_life=24)
    counts = told.counts(form, 0)
    assert abs(counts.quantile(q) - told.quantiles(form, q)[0]) <= (form is Form.EMPIRICAL)
    assert counts.mean == pytest.approx(told.mean[0], rel=1e-6, abs=1e-9)


def test_newer_periods_count_more_and_unknown_ones_not_at_all() -> None:
    rising = np.array([[0.0] * 24 + [4.0] * 12])
    assert levels(Past(rising), half_life=6).mean[0] > 2.9 > levels(Past(rising)).mean[0]
    young = np.array([[np.nan] * 30 + [4.0, 2.0]])
    assert levels(Past(young)).mean[0] == 3
    assert levels(Past(np.full((1, 3), np.nan))).counts(Form.POISSON, 0).mean == 0


def test_far_tails_are_no_rounding() -> None:
    told = levels(Past(np.ones((1, 4))))
    assert stats.poisson.sf(told.exceeded_with(Form.POISSON, 1e-100)[0], 1) <= 1e-100
    assert stats.poisson.sf(told.exceeded_with(Form.POISSON, 1e-100)[0] - 1, 1) > 1e-100


def test_what_is_no_past_is_refused_by_its_place() -> None:
    for wrong in (-1.0, 1.5, np.inf):
        with pytest.raises(InvalidInput, match=r"series 2, period 3\) is no whole number"):
            Past(np.array([[0, 1, 2], [0, 1, wrong]]))
    with pytest.raises(InvalidInput, match="a row a part"):
        Past(np.zeros(3))
    with pytest.raises(InvalidInput, match="month: 13 must be 1 to 12"):
        Past(np.zeros((1, 3)), 13)
