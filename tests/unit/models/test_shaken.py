"""Rows are moved as a whole fleet would be: changes over time, never what is against the cohort."""

import numpy as np

from fleet.clock import DAY_MS
from models.features.definitions import View, all_features
from models.learning.shaken import FEW_ROWS, SHIFT, shaken

_RNG = np.random.default_rng(3)
ROWS = 2_000
UNTIL = np.repeat(np.arange(100), 20) * DAY_MS
DEVICES = np.tile(np.arange(20), 100)
TABLE = all_features()[:60]
MATRIX = _RNG.normal(5.0, 2.0, (ROWS, len(TABLE))).astype(np.float32)


def test_only_changes_over_time_are_moved() -> None:
    first = shaken(MATRIX, TABLE, UNTIL, DEVICES, 1)[:ROWS]
    still = [each.view in (View.DAY, View.COHORT, View.RENEWED, View.USED, View.CYCLED) for each in TABLE]
    np.testing.assert_array_equal(first[:, still], MATRIX[:, still])
    assert (np.abs(first[:, ~np.array(still)] - MATRIX[:, ~np.array(still)]).max(axis=0) > 0.1).all()


def test_devices_of_a_group_move_together_for_a_week_and_by_a_share_of_the_spread() -> None:
    moved = shaken(MATRIX, TABLE, UNTIL, DEVICES, 1)[:ROWS] - MATRIX
    column = [each.view for each in TABLE].index(View.OWN)
    same = (DEVICES % 7 == 2) & (UNTIL // (7 * DAY_MS) == 4)
    assert same.sum() > 10
    np.testing.assert_allclose(moved[same, column], moved[same, column][0], atol=1e-5)
    assert 0.5 < moved[:, column].std() / (SHIFT * MATRIX[:, column].std()) < 1.5


def test_the_same_seed_moves_alike_and_the_unknown_stays_unknown() -> None:
    holes = MATRIX.copy()
    holes[::3, ::2] = np.nan
    holes[:, 5] = np.nan
    once, again = (shaken(holes, TABLE, UNTIL, DEVICES, 4) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == (2 * ROWS, len(TABLE))
    assert once.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(once[:ROWS]), np.isnan(holes))
    assert not np.array_equal(once[:ROWS], once[ROWS:])


def test_in_the_last_copy_single_signals_are_silent_for_a_week_and_age_is_not() -> None:
    last = shaken(MATRIX, TABLE, UNTIL, DEVICES, 5)[ROWS:]
    silent = np.isnan(last)
    ages = [each.view in (View.RENEWED, View.USED, View.CYCLED) for each in TABLE]
    assert any(ages) and not silent[:, ages].any()
    assert 0.2 < silent.any(axis=1).mean() < 0.6
    row = int(np.flatnonzero(silent.any(axis=1))[0])
    read = [{each.measure.signal, *(given.signal for given in each.measure.given)} for each in TABLE]
    lost = [signals for signals, gone in zip(read, silent[row], strict=True) if gone]
    assert set.intersection(*lost), "one signal, and what is told from it"
    group = (DEVICES[row] % 7 == DEVICES % 7) & (UNTIL[row] // (7 * DAY_MS) == UNTIL // (7 * DAY_MS))
    assert (silent[group] == silent[row]).all()


def test_where_nothing_is_sensed_nothing_falls_silent() -> None:
    ages = [each for each in all_features() if each.view in (View.RENEWED, View.USED)]
    assert np.isfinite(shaken(MATRIX[:, : len(ages)], ages, UNTIL, DEVICES, 5)).all()


def test_many_rows_are_moved_once() -> None:
    many = FEW_ROWS // ROWS + 1
    moved = shaken(np.tile(MATRIX, (many, 1)), TABLE, np.tile(UNTIL, many), np.tile(DEVICES, many), 1)
    assert moved.shape == (many * ROWS, len(TABLE))
