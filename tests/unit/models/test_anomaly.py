"""The anomaly score: causal, blind to units, quick to forget, deaf to drift, and true to its budget."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomaly.score import Following, follow, held_out_scores, learn_own, limit_for, trailing_means

LEARNED = 300
WINDOWS = Following().windows


def stream(seed: int, rows: int = 900) -> np.ndarray:
    """Return four signals of a machine in order, two of which go together."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(rows, 1))
    return np.hstack([common, common, np.zeros((rows, 2))]) + rng.normal(size=(rows, 4)) * [0.2, 0.2, 1, 1]


def drifting(seed: int, rows: int, a_row: float = 0.01) -> np.ndarray:
    """Return such signals of which the last warms up for ever."""
    return stream(seed, rows) + np.arange(rows)[:, None] * [0, 0, 0, a_row]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.integers(LEARNED + 1, 800))
def test_a_score_knows_nothing_of_later_rows(seed: int, until: int) -> None:
    rows = stream(seed)
    changed = rows.copy()
    changed[until:] += 100
    np.testing.assert_allclose(follow(rows, LEARNED)[:until], follow(rows[:until], LEARNED), rtol=1e-9)
    np.testing.assert_allclose(follow(rows, LEARNED)[:until], follow(changed, LEARNED)[:until], rtol=1e-9)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1000), st.floats(-500, 500)), min_size=4, max_size=4))
def test_units_of_signals_do_not_matter(units: list[tuple[float, float]]) -> None:
    rows = stream(1, 600)
    scale, shift = np.array(units).T
    np.testing.assert_allclose(
        follow(rows, LEARNED)[LEARNED:], follow(rows * scale + shift, LEARNED)[LEARNED:], rtol=1e-3
    )


def test_a_broken_relation_is_seen_that_no_signal_shows_alone() -> None:
    rows = stream(2)
    rows[600:700, 1] *= -1
    rows[600:700, :2] += [[0.8, -0.8]]
    scores = follow(rows, LEARNED)
    assert scores[640:700].min() > np.nanmax(scores[:600])


def test_restlessness_is_seen_that_moves_no_mean() -> None:
    rows = stream(8)
    rows[600:700, 2] *= 3
    scores = follow(rows, LEARNED)
    assert np.median(scores[650:700]) > 1.3 * np.nanquantile(scores[:600], 0.99)


def test_the_score_falls_back_soon_after_a_fault_ends() -> None:
    rows = stream(3)
    rows[500:700, 2] += 6
    scores = follow(rows, LEARNED)
    assert scores[560:700].min() > 1.3 * scores[770:].max()
    assert np.median(scores[770:]) < 1.3 * np.nanmedian(scores[:500])


def test_a_level_that_lasts_becomes_normal() -> None:
    rows = stream(3, 6000)
    rows[500:, 2] += 4
    scores = follow(rows, LEARNED, Following(lasting=1000))
    assert scores[560:700].min() > 2
    assert np.median(scores[5000:]) < 1.3


def test_drift_that_was_seen_while_learning_is_discounted_and_a_jump_is_not() -> None:
    rows = drifting(4, 1200)
    quiet = follow(rows, LEARNED)
    assert np.median(quiet[-300:]) < 1.3
    rows[1000:1100, 2] += 4
    assert follow(rows, LEARNED)[1040:1100].min() > 1.3 * quiet[1040:1100].max()


def test_what_drifts_is_known_by_its_learning_rows() -> None:
    drift = learn_own(drifting(4, LEARNED) - drifting(4, LEARNED).mean(axis=0), WINDOWS).drift[:, 0]
    assert drift[3] == pytest.approx(0.7 * 0.01, rel=0.2)
    assert drift[:3].max() < 0.003


def test_discount_grows_with_time_since_it_was_learned() -> None:
    levels = drifting(4, LEARNED)
    own = learn_own(levels - levels.mean(axis=0), WINDOWS)
    spreads = [own.units(age).spread[-1, 3, 0] for age in (0, 200, 400, 800)]
    assert all(later > 1.3 * earlier for earlier, later in pairwise(spreads))


def test_a_signal_that_never_moves_is_survived() -> None:
    rows = stream(5)
    rows[:, 2] = 7.0
    still = follow(rows, LEARNED)[LEARNED:]
    assert np.isfinite(still).all()
    rows[600:, 2] = 9.0
    assert follow(rows, LEARNED)[640:].min() > still.max()


def test_held_out_scores_are_of_rows_that_taught_nothing() -> None:
    rows = stream(7)
    changed = rows.copy()
    changed[225:300] += 5
    first, second = held_out_scores([rows], LEARNED), held_out_scores([changed], LEARNED)
    np.testing.assert_allclose(first[:75], second[:75])
    assert second[75:].mean() > 2 * first[75:].mean()


@pytest.mark.parametrize("a_row", [0.0, 0.01])
def test_a_budget_is_kept_much_later_whether_machines_drift_or_not(a_row: float) -> None:
    streams = [drifting(seed, 1600, a_row) for seed in range(12)]
    limit = limit_for(0.1355, streams, 400)
    late = np.concatenate([follow(rows, 400)[800:] for rows in streams])
    assert 0.05 < (late > limit).mean() < 0.2


def test_trailing_means_begin_with_what_there_is() -> None:
    np.testing.assert_allclose(trailing_means(np.array([[2.0], [4.0], [9.0]]), 2), [[2.0], [3.0], [6.5]])
