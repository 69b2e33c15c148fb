"""Changes in units of what is usual: the same for a fleet's days and a pump's seconds."""

import numpy as np
import pytest

from models.anomaly.changes import Change, Units, away, in_units, towards, trailing_changes

ONE = np.ones((1, 1))
UNITS = Units(noise=2 * ONE, spread=np.zeros((1, 1, 1)), least=0 * ONE, limit=8 * ONE)


OWN = np.full((1, 1), np.nan)


def changed(by: float) -> list[Change]:
    return [Change(by * ONE, np.array(100.0), np.array(4.0))]


def test_a_window_is_held_against_what_was_before_and_too_little_tells_nothing() -> None:
    levels = np.array([[[1.0], [np.nan], [3.0], [8.0]]])
    one, three = trailing_changes(levels, (1, 3), 2)
    assert one.moved[0, 0] == pytest.approx(6.0)
    assert (one.earlier[0, 0], one.now[0, 0]) == (2, 1)
    assert np.isnan(three.moved[0, 0])


def test_a_change_is_told_in_what_chance_does_to_both_means() -> None:
    assert in_units(changed(3.0), UNITS, OWN, 0.4)[0, 0] == pytest.approx(3 / (2 * np.sqrt(1 / 4 + 1 / 100)))


def test_what_wanders_by_itself_counts_less() -> None:
    wandering = Units(UNITS.noise, np.full((1, 1, 1), 10.0), UNITS.least, UNITS.limit)
    assert in_units(changed(3.0), wandering, OWN, 0.4)[0, 0] < 0.3


def test_a_change_for_the_better_counts_less_and_none_counts_for_ever() -> None:
    worse = in_units(changed(3.0), UNITS, OWN, 0.4)
    assert in_units(changed(-3.0), UNITS, OWN, 0.4)[0, 0] == pytest.approx(0.4 * worse[0, 0])
    assert in_units(changed(1000.0), UNITS, OWN, 0.4)[0, 0] == 8


def test_the_longer_its_past_the_more_a_machine_s_own_noise_counts() -> None:
    own = np.full((1, 1), 0.2)
    assert in_units(changed(0.5), UNITS, own, 0.4)[0, 0] > 4 * in_units(changed(0.5), UNITS, OWN, 0.4)[0, 0]


def test_measures_that_go_together_are_not_two_reasons() -> None:
    two, heard = np.full((2, 1), 2.0), np.ones((2, 1), dtype=bool)
    together = towards(two, heard, np.array([[1, 0.99], [0.99, 1]]))[0]
    assert together == pytest.approx(2.0, abs=0.02)
    assert towards(two, heard, np.eye(2))[0] > together + 0.3


def test_a_broken_relation_is_further_away_than_a_common_change() -> None:
    covariance = np.array([[1, 0.9], [0.9, 1]])
    broken, common = away(np.array([[1.0, 1.0], [-1.0, 1.0]]), covariance)
    assert broken > 3 * common
