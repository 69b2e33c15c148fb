"""Hard use is no wear: what all parts show at once is taken off. What to expect of a fleet is learned."""

import numpy as np
import pytest

from fleet.clock import DAY_MS
from models.anomaly.expected import UNKNOWN, expected_of, weeks_told
from models.anomaly.risk import ALERT_SCORE, alert_threshold, probability
from models.anomaly.use import learn_use, without_use

PLACE = np.array([0, 0, 1, 2, 3])
DAYS, DEVICES = 30, 60


def a_fleet(seed: int = 0) -> np.ndarray:
    """Return daily changes in which the first four measures follow the load of their day, the last none."""
    rng = np.random.default_rng(seed)
    load = rng.normal(0, 0.05, (DAYS, DEVICES))
    follows = np.array([1.0, 0.8, 1.2, 1.0, 0.0])[:, None, None]
    return (follows * load + rng.normal(0, 0.01, (5, DAYS, DEVICES))).astype(np.float32)


def test_what_all_parts_show_is_use() -> None:
    left = a_fleet()
    left[:4, -3:, 0] += np.array([1.0, 0.8, 1.2, 1.0])[:, None] * np.float32(0.3)
    found = without_use(left, learn_use(left, PLACE))
    assert np.abs(found[:4, -3:, 0]).max() < 0.1
    assert found[:4].std() < 0.5 * left[:4].std()


def test_what_one_part_shows_alone_is_kept() -> None:
    left = a_fleet()
    left[:2, -3:, 0] += np.float32(0.3)
    found = without_use(left, learn_use(left, PLACE))
    assert found[:2, -3:, 0].min() > 0.2
    assert found[2:4, -3:, 0].max() < 0.05, "and makes no other part look worn"


def test_what_is_not_known_tells_nothing_and_stays_unknown() -> None:
    left = a_fleet()
    left[3] = np.nan
    left[1, :, 5] = np.nan
    found = without_use(left, learn_use(left, PLACE))
    assert np.isnan(found[3]).all()
    assert np.isnan(found[1, :, 5]).all()
    assert np.isfinite(np.delete(found, 3, axis=0)[:, :, :5]).all()


def test_what_devices_say_of_themselves_tells_nothing_of_use() -> None:
    left = a_fleet()
    left[3, -3:, 0] += np.float32(0.3)
    found = without_use(left, learn_use(left, np.array([0, 0, 1, -1, 3])))
    assert (found[3] == left[3]).all()
    assert np.abs(found[:3, -3:, 0]).max() < 0.1


def test_a_fleet_that_seldom_fails_needs_a_higher_score() -> None:
    seldom, often = expected_of(4, 2000.0, 0, 0), expected_of(200, 2000.0, 0, 0)
    assert seldom.weekly_rate < UNKNOWN.weekly_rate < often.weekly_rate
    score, worth = np.array([ALERT_SCORE]), alert_threshold(models=False)
    assert probability(score, models=False)[0] == worth
    assert probability(score, models=False, expected=seldom)[0] < worth
    assert probability(score, models=False, expected=often)[0] > worth


@pytest.mark.parametrize("models", [False, True])
def test_visits_in_vain_make_it_quieter_and_finds_louder(models: bool) -> None:
    score = np.array([2.0])
    usual = probability(score, models=models)
    vain, found = expected_of(0, 0.0, 1, 20), expected_of(0, 0.0, 20, 1)
    assert probability(score, models=models, expected=vain)[0] < usual[0]
    assert probability(score, models=models, expected=found)[0] > usual[0]
    assert abs(expected_of(0, 0.0, 0, 10_000).belief) <= 1.5


def test_an_installation_that_closes_no_case_says_nothing_of_its_rate() -> None:
    assert weeks_told(None, 500 * DAY_MS, 300) == 0
    assert expected_of(0, 0.0, 0, 0) == UNKNOWN
    assert weeks_told(0, 14 * DAY_MS, 300) == 600
    assert weeks_told(0, 500 * DAY_MS, 300) == 12 * 300
