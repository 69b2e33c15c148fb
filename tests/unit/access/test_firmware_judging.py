"""The draw and the sequential test: who comes first is chance, and chance alone stops hardly anything."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.firmware.draw import order_of, other_orders, sizes
from access.firmware.judging import (
    FALSE_STOPS,
    centred,
    count_scores,
    differences,
    judge,
    level_scores,
    to_spend,
)
from access.firmware.power import needed, needs_of
from access.firmware.words import needs_in_words
from fleet.rollouts import STAGES, Past, Stage

SITES = st.lists(st.sampled_from(["pudong", "jingan", "xuhui"]), min_size=1, max_size=60)


@given(sites=SITES, seed=st.integers(0, 2**31 - 1))
@settings(max_examples=50, deadline=None)
def test_an_order_holds_each_device_once_and_each_beginning_about_the_same_share_of_each_site(
    sites: list[str], seed: int
) -> None:
    order = order_of(sites, seed)
    assert sorted(order) == list(range(len(sites)))
    assert order_of(sites, seed).tolist() == order.tolist(), "same seed, same order"
    for taken in range(1, len(sites) + 1):
        for site in set(sites):
            expected = taken * sites.count(site) / len(sites)
            got = sum(sites[each] == site for each in order[:taken])
            assert abs(got - expected) <= 1 + len(set(sites)) / 2


@given(
    devices=st.integers(1, 5_000), stages=st.lists(st.floats(0.001, 1.0), min_size=1, max_size=6, unique=True)
)
def test_cohorts_are_nested_and_hold_a_device_at_least(devices: int, stages: list[float]) -> None:
    found = sizes(devices, [Stage(share, 24) for share in sorted(stages)])
    assert found[0] >= 1
    assert all(before < after or after == devices for before, after in pairwise(found))
    assert found[-1] <= devices


def test_the_usual_stages_of_a_thousand_and_of_ten() -> None:
    assert sizes(1_000, STAGES) == [10, 100, 500, 1_000]
    assert sizes(10, STAGES) == [1, 2, 5, 10]


def test_every_device_of_a_site_comes_first_as_often_and_of_two_sites_nearly() -> None:
    firsts = other_orders(["a"] * 6 + ["b"] * 4, 5, 1, 20_000)[:, 0]
    shares = np.bincount(firsts, minlength=10) / len(firsts)
    assert shares[:6] == pytest.approx([shares[:6].mean()] * 6, abs=0.012)
    assert shares[6:] == pytest.approx([shares[6:].mean()] * 4, abs=0.012)
    assert shares == pytest.approx([0.1] * 10, abs=0.03)


def test_what_may_be_spent_never_passes_the_false_stops_however_many_parts_and_looks() -> None:
    whole = sum(to_spend(part, elapsed=1e9) for part in range(60))
    assert whole == pytest.approx(FALSE_STOPS)
    rising = [to_spend(0, elapsed) for elapsed in np.linspace(0, 3, 40)]
    assert rising[0] == 0
    assert rising == sorted(rising)


def _stopped(seed: int, devices: int, cohort: int, looks: int, spend: float) -> bool:
    """Tell whether an equal firmware is stopped where a few devices do nearly all that is bad."""
    random = np.random.default_rng(seed)
    sites = [f"s{each}" for each in random.integers(0, 3, devices)]
    own, others = order_of(sites, seed)[:cohort], other_orders(sites, seed, cohort, 199)
    rates = np.minimum(random.pareto(0.8, devices) * 0.01, 0.5)
    past = random.binomial(100, rates).astype(float)
    codes = np.unique(sites, return_inverse=True)[1]
    seen, ended = np.zeros(devices), ()  # type: ignore[var-annotated]
    for look in range(1, looks + 1):
        burst = np.where(random.random(devices) < 0.05, 10, 1)  # faults come in bursts
        seen = seen + random.binomial(10, np.minimum(rates * burst, 0.9))
        hours = np.full(devices, 10.0 * look)
        errors = centred(count_scores(seen, hours, past, np.full(devices, 100.0)), codes)
        silence = centred(random.standard_cauchy(devices), codes)
        verdict = judge({"errors": errors, "silence": silence}, own, others, spend * look / looks, ended)
        if verdict.stop:
            return True
        ended = verdict.ended  # type: ignore[assignment]
    return False


@pytest.mark.parametrize(("devices", "cohort"), [(40, 4), (60, 20)])
def test_an_equal_firmware_is_stopped_no_oftener_than_said_whatever_devices_are_like(
    devices: int, cohort: int
) -> None:
    runs, spend = 150, 0.2
    stopped = sum(_stopped(seed, devices, cohort, 5, spend) for seed in range(runs))
    assert stopped <= runs * spend + 2.6 * np.sqrt(runs * spend * (1 - spend))
    assert stopped >= runs * spend / 4, "what may be spent is not wasted"


def test_a_cohort_that_does_worse_is_stopped_and_the_verdict_says_by_what() -> None:
    random = np.random.default_rng(3)
    own, others = order_of(["a"] * 200, 3)[:20], other_orders(["a"] * 200, 3, 20)
    errors, restarts = random.normal(0, 1, 200), random.normal(0, 1, 200)
    restarts[own] += 2
    scores = {"errors": errors - errors.mean(), "restarts": restarts - restarts.mean()}
    verdict = judge(scores, own, others, 0.01)
    assert verdict.stop
    assert verdict.worst == "restarts"
    assert verdict.statistic > verdict.bound
    assert verdict.larger <= 0.01
    scores["restarts"] = -scores["restarts"]
    assert not judge(scores, own, others, 0.01).stop, "better is not worse"


def test_one_device_of_ten_can_never_be_told_from_bad_luck() -> None:
    own, others = order_of(["a"] * 10, 1)[:1], other_orders(["a"] * 10, 1, 1)
    scores = np.zeros(10)
    scores[own] = 1_000.0
    verdict = judge({"errors": scores - scores.mean()}, own, others, to_spend(0, 1.0))
    assert not verdict.stop
    assert verdict.bound == np.inf
    assert verdict.larger == pytest.approx(0.1, abs=0.03), "each of ten comes first as often"


def test_orders_that_were_stopped_stay_so_and_use_up_what_was_spent() -> None:
    own, others = order_of(["a"] * 50, 2)[:5], other_orders(["a"] * 50, 2, 5, 999)
    scores = {"errors": np.random.default_rng(1).normal(0, 1, 50)}
    first = judge(scores, own, others, 0.02)
    assert len(first.ended) == 20 - first.stop
    again = judge({"errors": -scores["errors"]}, own, others, 0.02, first.ended)
    assert again.ended == first.ended
    assert not again.stop
    assert again.bound == np.inf, "nothing is left to be spent"


def test_scores_take_a_device_by_its_own_past() -> None:
    past, hours = np.array([90.0, 0.0]), np.array([168.0, 168.0])
    seen = np.array([12.0, 12.0])
    used, never = count_scores(seen, np.array([24.0, 24.0]), past, hours)
    assert never > 5 * abs(used), "twelve bad hours are news from the one that never had any"
    assert count_scores(np.zeros(2), np.zeros(2), past, hours).tolist() == [0.0, 0.0], "not heard, no news"
    nan = np.nan
    assert level_scores(np.array([0.4, nan, 0.4]), np.array([0.1, 0.1, nan])).tolist() == pytest.approx(
        [0.3, 0.0, 0.0]
    )


def test_no_difference_without_any_spread() -> None:
    zero = differences([np.zeros(5), np.zeros(5)], np.array([[0, 1], [2, 3]]))
    assert zero.tolist() == [[0.0, 0.0]] * 3


def _pasts(count: int, errors: float) -> Sequence[Past]:
    return [Past(168, 160, errors, errors / 2) for _ in range(count)]


def test_the_larger_the_growth_the_fewer_devices_show_it_and_few_devices_none() -> None:
    pasts = _pasts(1_000, 3.0)
    double, tenfold = (needed(pasts, "errors", factor, 72, 0) for factor in (2.0, 10.0))
    assert double.devices is not None
    assert tenfold.devices is not None
    assert tenfold.devices < double.devices
    assert double.device_days == double.devices * 3
    assert needed(_pasts(10, 3.0), "errors", 10.0, 72, 0).devices != 1, "one of ten shows nothing"


def test_a_small_fleet_is_told_what_it_cannot_see() -> None:
    needs = needs_of(_pasts(10, 3.0), STAGES)
    assert not needs["stages"][0]["rates"]["errors"]["can"]
    assert not needs["stages"][-1]["rates"]["errors"]["can"], "where all have it there is no other side"
    said = needs_in_words(needs, 0, 1)
    assert "doubling" in said.en
    assert "cannot be seen" in said.en
    assert "翻倍" in said.zh


def test_a_large_fleet_is_told_how_many_device_days_it_takes() -> None:
    needs = needs_of(_pasts(2_000, 3.0), STAGES)
    found = needs["stages"][0]["rates"]["errors"]
    said = needs_in_words(needs, 0, 20)
    assert (
        f"needs about {round(found['device_days']):,} device-days ({found['devices']:,} devices)" in said.en
    )
    can = any(each["can"] for each in needs["stages"][0]["rates"].values())
    assert ("it has 20" in said.en) is not can
    assert needs_of(_pasts(100_000, 3.0), STAGES)["stages"][0]["rates"]["errors"]["can"]
