"""The forecast: seasons, sums over a lead time, young fleets, and the choice of a form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from desk.parts.forecast.choice import chosen, likely_gains, pinball
from desk.parts.forecast.counts import Floats
from desk.parts.forecast.forecast import Forecast, forecast
from desk.parts.forecast.hurdles import beta_binomial, hurdles
from desk.parts.forecast.past import Past
from desk.parts.forecast.season import seasons
from desk.parts.forecast.simple import Form
from fleet.errors import InvalidInput


def lumpy(series: int, periods: int, seed: int = 0) -> Floats:
    """Return a fleet of parts: each has its own chance of an order, and its own size of one."""
    rng = np.random.default_rng(seed)
    chance, size = rng.beta(1, 8, (series, 1)), rng.integers(1, 12, (series, 1))
    return (rng.random((series, periods)) < chance) * rng.poisson(size, (series, periods)).astype(float)


def test_the_sum_over_a_lead_time_is_what_is_drawn() -> None:
    told = forecast(Past(lumpy(60, 48), 1), 3)
    rng = np.random.default_rng(2)
    row = int(told.pooled.chances[:, 0].argmax())
    orders = rng.choice(4, 100_000, p=beta_binomial(told.pooled.chances[row], told.pooled.together))
    weights = told.pooled.weights[row] / told.pooled.weights[row].sum()
    sizes = rng.choice(told.pooled.sizes[row], (100_000, 3), p=weights) * (np.arange(3) < orders[:, None])
    total, drawn = told.total(row, 3), sizes.sum(axis=1)
    assert total.mean == pytest.approx(drawn.mean(), rel=0.02)
    for q in (0.5, 0.9, 0.95, 0.99):
        assert np.mean(drawn <= total.quantile(q)) >= q - 0.005
        assert np.mean(drawn < total.quantile(q)) <= q + 0.005


def test_one_period_as_a_sum_has_the_quantiles_of_the_table() -> None:
    told = forecast(Past(lumpy(40, 60), 1), 4)
    for q in (0.9, 0.95, 0.99):
        assert [told.total(row, 1).quantile(q) for row in range(40)] == list(told.quantiles(q)[:, 0])


def test_part_of_a_period_lies_between_and_none_is_none() -> None:
    told = forecast(Past(lumpy(20, 40)), 6)
    assert told.total(0, 0).mean == 0
    assert told.total(0, 2.5).mean == pytest.approx((told.total(0, 2).mean + told.total(0, 3).mean) / 2)


def test_a_share_of_the_orders_has_that_share_of_the_mean() -> None:
    told = forecast(Past(lumpy(20, 40)), 6)
    for form in Form:
        one = Forecast(told.pooled, told.plain, (form,) * 20)
        assert one.total(3, 3, 0.25).mean == pytest.approx(one.total(3, 3).mean / 4)
        assert one.total(3, 3, 0.0).mean == 0


@pytest.mark.parametrize("periods", [0, 1, 2, 5])
def test_a_young_fleet_is_told_something_even_without_history(periods: int) -> None:
    told = forecast(Past(np.zeros((3, periods)), 7), 12)
    means = [told.total(row, 12).mean for row in range(3)]
    assert 0 < means[0] <= 1.5 and means == [means[0]] * 3, "an order a year at most"
    assert told.total(0, 12).quantile(0.95) >= 1


def test_all_zero_for_years_expects_next_to_nothing() -> None:
    told = forecast(Past(np.zeros((50, 72)), 1), 12)
    assert told.quantiles(0.99).max() == 0
    assert told.total(0, 3).mean < 0.01


def test_one_huge_count_neither_fails_nor_is_forgotten() -> None:
    used = lumpy(30, 48)
    used[4, 40] = 2_000_000
    told = forecast(Past(used, 1), 12)
    assert told.total(4, 12).above(1_000_000) > 0.01
    others = [told.total(row, 3).quantile(0.95) for row in range(30) if row != 4]
    assert max(others) < 200, "others are not drawn along"


def test_a_part_that_joined_later_is_told_among_the_others() -> None:
    used = lumpy(30, 48)
    used[0, :44] = np.nan
    used[1] = np.nan
    told = forecast(Past(used, 1), 3)
    assert np.isfinite(told.pooled.chances).all()
    assert 0 < told.total(1, 3).mean < np.mean([told.total(row, 3).mean for row in range(2, 30)]) * 3


def test_parts_that_went_quiet_are_expected_less_than_those_that_woke_up() -> None:
    used = lumpy(200, 72, 3)
    used[0], used[1] = np.zeros(72), np.zeros(72)
    used[0, :30:3] = 2
    used[1, 42::3] = 2
    told = forecast(Past(used, 1), 3)
    assert told.total(1, 3).mean > 1.5 * told.total(0, 3).mean


def test_seasons_need_two_years_and_are_drawn_towards_1() -> None:
    rng = np.random.default_rng(4)
    month = np.arange(48) % 12
    chance = np.where(month == 6, 0.6, 0.1)
    used = (rng.random((100, 48)) < chance).astype(float)
    told = seasons(Past(used, 1))
    assert told.argmax() == 6 and 2.5 < told[6] < 0.6 / 0.14
    assert told.mean() == pytest.approx(1)
    shifted = seasons(Past(used, 4))
    np.testing.assert_allclose(shifted, np.roll(told, 3))
    few = seasons(Past(used[:2], 1))
    assert 1 < few[6] < 1.6, "two parts say little"
    np.testing.assert_array_equal(seasons(Past(used[:, :23], 1)), np.ones(12))
    np.testing.assert_array_equal(seasons(Past(used)), np.ones(12))
    ahead = hurdles(Past(used[:, :47], 1), 12).chances.mean(axis=0)
    assert ahead.argmax() == 7, "the month that stands 8th after 47 is July"


def test_beta_binomial_is_scipys_and_binomial_at_no_correlation() -> None:
    from scipy import stats

    chances = np.full(5, 0.3)
    np.testing.assert_allclose(beta_binomial(chances, 0.0), stats.binom.pmf(range(6), 5, 0.3), atol=1e-12)
    weight = 1 / 0.2 - 1
    wanted = stats.betabinom.pmf(range(6), 5, 0.3 * weight, 0.7 * weight)
    np.testing.assert_allclose(beta_binomial(chances, 0.2), wanted, atol=1e-12)
    np.testing.assert_allclose(beta_binomial(np.array([0.3]), 0.2), [0.7, 0.3])


def test_where_gains_of_one_year_say_nothing_of_the_next_all_series_are_told_alike() -> None:
    rng = np.random.default_rng(0)
    assert (likely_gains(rng.normal(-0.1, 1, (2, 400))) < 0).all()
    assert (likely_gains(rng.normal(0.5, 1, (2, 400))) > 0).all()


def test_where_gains_last_each_series_has_its_own() -> None:
    rng = np.random.default_rng(0)
    lasting = np.where(np.arange(400) < 100, 2.0, -1.0)
    likely = likely_gains(lasting + rng.normal(0, 0.5, (2, 400)))
    assert (likely[:100] > 0).mean() > 0.95 and (likely[100:] < 0).all()


def test_few_series_one_year_or_unknown_gains_change_nothing() -> None:
    assert (likely_gains(np.full((2, 4), 3.0)) < 0).all(), "four series show nothing"
    once = likely_gains(np.array([[5.0, 5.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]]))
    assert (once < 0).all(), "one year may be chance"
    told = likely_gains(np.array([[1.0] * 9 + [np.nan]] * 2))
    assert (told[:9] > 0).all() and told[9] == -np.inf


def test_smooth_demand_that_grows_is_told_by_a_mean_that_adapts() -> None:
    rng = np.random.default_rng(5)
    growing = rng.poisson(rng.uniform(20, 60, (40, 1)) * np.linspace(1, 3, 84), (40, 84)).astype(float)
    before, after = Past(growing[:, :72], 1), growing[:, 72:]
    told = forecast(before, 12)
    assert set(told.forms) == {Form.NEGATIVE_BINOMIAL}
    assert [told.quantiles(0.95)[row, 0] for row in range(40)] == [
        told.total(row, 1).quantile(0.95) for row in range(40)
    ]
    ours = pinball(after, told.quantiles(0.95), 0.95).mean()
    assert ours < 0.8 * pinball(after, hurdles(before, 12).quantiles(0.95), 0.95).mean()


def test_the_young_and_the_unused_are_told_by_what_all_series_taught() -> None:
    assert chosen(Past(lumpy(30, 30))) == (Form.POOLED,) * 30
    growing = np.random.default_rng(5).poisson(np.linspace(20, 60, 72), (30, 72)).astype(float)
    growing[0, :60], growing[1] = np.nan, 0
    forms = chosen(Past(growing))
    assert forms[:2] == (Form.POOLED, Form.POOLED)
    assert Form.POOLED not in forms[2:]


def test_nothing_of_later_periods_is_in_what_was_told_before() -> None:
    used = lumpy(50, 60)
    changed = used.copy()
    changed[:, 48:] = 7
    one, other = (forecast(Past(each, 1).until(48), 6).quantiles(0.95) for each in (used, changed))
    np.testing.assert_array_equal(one, other)


@settings(max_examples=40, deadline=None)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(0, 6), st.integers(0, 40)),
        elements=st.one_of(st.just(0.0), st.just(np.nan), st.integers(0, 10_000).map(float)),
    )
)
def test_any_past_gives_proper_distributions_that_grow_with_q_and_with_time(used: Floats) -> None:
    told = forecast(Past(used, 5), 4)
    assert (told.quantiles(0.95) <= told.quantiles(0.99)).all()
    for row in range(len(used)):
        sums = [told.total(row, periods) for periods in (1, 2.5, 4)]
        assert [each.mean for each in sums] == sorted(each.mean for each in sums)
        assert all(each.chances.sum() == pytest.approx(1) for each in sums)


def test_what_cannot_be_asked_is_said_in_one_line() -> None:
    told = forecast(Past(lumpy(3, 12)), 2)
    with pytest.raises(InvalidInput, match="periods: 3 must lie between 0 and 2"):
        told.total(0, 3)
    with pytest.raises(InvalidInput, match=r"share: 1.5 must lie"):
        told.total(0, 1, 1.5)
    with pytest.raises(InvalidInput, match="q: 95 must lie between 0 and 1"):
        told.quantiles(95)
    with pytest.raises(InvalidInput, match="ahead: 0 must be 1 period or more"):
        forecast(Past(lumpy(3, 12)), 0)
