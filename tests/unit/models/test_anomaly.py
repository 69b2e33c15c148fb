"""The anomaly score: causal, blind to time, quick to forget, and deaf to slow drift."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.anomaly.score import (
    Following,
    follow,
    held_out_scores,
    learn_normal,
    limit_for,
    trailing_means,
)

LEARNED = 300


def stream(seed: int, rows: int = 900) -> np.ndarray:
    """Return four signals of a machine in order, two of which go together."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(rows, 1))
    return np.hstack([common, common, np.zeros((rows, 2))]) + rng.normal(size=(rows, 4)) * [0.2, 0.2, 1, 1]


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.integers(LEARNED + 1, 800))
def test_a_score_knows_nothing_of_later_rows(seed: int, until: int) -> None:
    rows = stream(seed)
    np.testing.assert_allclose(follow(rows, LEARNED)[:until], follow(rows[:until], LEARNED))


def test_a_score_does_not_know_how_long_the_stream_runs() -> None:
    """The same rows later on score the same once the windows have filled: there is no clock in it."""
    rows = stream(1, 1200)
    how = Following(adaptation=0.0)
    tail = follow(np.vstack([rows, rows[LEARNED:]]), LEARNED, how)
    np.testing.assert_allclose(tail[LEARNED + 60 : 1200], tail[1200 + 60 :])


def test_a_broken_relation_is_seen_that_no_signal_shows_alone() -> None:
    rows = stream(2)
    rows[600:700, 1] *= -1
    rows[600:700, :2] += [[0.8, -0.8]]
    scores = follow(rows, LEARNED)
    assert scores[640:700].min() > 3 * np.nanmax(scores[:600])


def test_the_score_falls_back_soon_after_a_fault_ends() -> None:
    rows = stream(3)
    rows[500:700, 2] += 6
    scores = follow(rows, LEARNED)
    assert scores[560:700].min() > 3
    assert scores[770:].max() < 2


def test_a_level_that_lasts_becomes_normal() -> None:
    rows = stream(3, 3000)
    rows[500:, 2] += 4
    scores = follow(rows, LEARNED, Following(lasting=600))
    assert scores[560:1100].min() > 2
    assert np.median(scores[2000:]) < 1.5


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1000), st.floats(-500, 500)), min_size=4, max_size=4))
def test_units_of_signals_do_not_matter(units: list[tuple[float, float]]) -> None:
    rows = stream(1, 600)
    scale, shift = np.array(units).T
    np.testing.assert_allclose(
        follow(rows, LEARNED)[LEARNED:], follow(rows * scale + shift, LEARNED)[LEARNED:], rtol=1e-3
    )


def test_a_budget_is_not_overspent_much_later_by_machines_that_drift() -> None:
    streams = [stream(seed, 1600) + np.arange(1600)[:, None] * [0, 0, 0, 0.002] for seed in range(8)]
    limit = limit_for(0.1355, streams, 400)
    late = np.concatenate([follow(rows, 400)[800:] for rows in streams])
    assert (late > limit).mean() < 0.1355


def test_slow_drift_of_a_machine_in_order_does_not_add_up() -> None:
    rows = stream(4, 3000)
    rows[:, 3] += np.linspace(0, 4, 3000)
    still = follow(rows, LEARNED, Following(adaptation=0.0))
    assert still[-300:].min() > 2
    assert np.median(follow(rows, LEARNED)[-300:]) < 1.5


def test_a_signal_that_never_moves_is_survived() -> None:
    rows = stream(5)
    rows[:, 2] = 7.0
    assert np.isfinite(follow(rows, LEARNED)[LEARNED:]).all()


def test_a_normal_s_limit_is_what_a_hundredth_of_its_own_rows_passes() -> None:
    rows = stream(6, 2000)
    assert (learn_normal(rows).distance(rows) > 1).mean() == pytest.approx(0.01, abs=0.002)


def test_held_out_scores_are_of_rows_that_taught_nothing() -> None:
    rows = stream(7)
    changed = rows.copy()
    changed[225:300] += 5
    first, second = held_out_scores([rows], LEARNED), held_out_scores([changed], LEARNED)
    np.testing.assert_allclose(first[:75], second[:75])
    assert second[75:].mean() > 3 * first[75:].mean()


def test_trailing_means_begin_with_what_there_is() -> None:
    np.testing.assert_allclose(trailing_means(np.array([[2.0], [4.0], [9.0]]), 2), [[2.0], [3.0], [6.5]])
