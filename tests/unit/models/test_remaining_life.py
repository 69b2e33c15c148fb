"""Remaining life: the blend learns, the band keeps its promise on units not seen, and nothing is below 0."""

import numpy as np
import pytest

from fleet.errors import NotEnoughHistory
from models.features.windows import Floats, Ints
from models.learning.remaining_life import (
    LifeModel,
    LifeSettings,
    drawn_evenly,
    even_weights,
    weighted_quantile,
)

QUICK = LifeSettings(folds=3, boosted_trees=40, boosted_leaf_rows=15, band_trees=30, kernel_rows=300)


def lives(units: int, seed: int) -> tuple[Floats, Floats, Ints]:
    """Return features, remaining life and unit of rows of units that wear at a pace of their own."""
    rng = np.random.default_rng(seed)
    length = rng.integers(20, 60, units)
    unit = np.repeat(np.arange(units), length)
    left = np.concatenate([np.arange(n)[::-1] for n in length]).astype(float)
    wear = 1 - left / length[unit] + rng.normal(0, 0.05, len(left))
    features = np.stack(
        [wear, length[unit] + rng.normal(0, 3, len(left)), rng.normal(size=len(left))], axis=1
    )
    return features, left, unit


def test_the_band_holds_about_four_of_five_lives_of_units_never_seen() -> None:
    features, left, unit = lives(60, 0)
    told = LifeModel(QUICK).fit(features, left, unit, 1).predict(lives(40, 1)[0])
    truth = lives(40, 1)[1]
    assert 0.7 <= told.coverage(truth) <= 0.9
    assert np.sqrt(((told.expected - truth) ** 2).mean()) < 0.5 * truth.std()


def test_quantiles_are_in_order_and_within_what_is_possible_even_where_nothing_is_known() -> None:
    features, left, unit = lives(30, 0)
    features[::7] = np.nan
    model = LifeModel(LifeSettings(folds=3, most=25.0, boosted_trees=20, band_trees=20, kernel_rows=200))
    told = model.fit(features, left, unit, 1).predict(features)
    assert (told.p10 >= 0).all()
    assert (told.p10 <= told.p50).all()
    assert (told.p50 <= told.p90).all()
    assert (told.p90 <= 25.0).all()
    assert (told.expected <= 25.0).all()


def test_the_same_seed_gives_the_same_estimate_and_the_order_of_rows_asked_for_is_irrelevant() -> None:
    features, left, unit = lives(20, 0)
    first, second = (LifeModel(QUICK).fit(features, left, unit, 3) for _ in range(2))
    np.testing.assert_array_equal(first.predict(features).p90, second.predict(features).p90)
    np.testing.assert_allclose(
        first.predict(features[::-1]).p50, first.predict(features).p50[::-1], atol=1e-9
    )


def test_too_few_lives_are_refused_in_one_sentence() -> None:
    features, left, unit = lives(5, 0)
    with pytest.raises(NotEnoughHistory, match="5 lives to learn from; 6 are needed"):
        LifeModel(QUICK).fit(features, left, unit, 0)


def test_every_unit_counts_the_same_and_rows_are_drawn_in_proportion_to_their_weight() -> None:
    weight = even_weights(np.array([0, 0, 0, 1]))
    assert weight.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])
    assert drawn_evenly(np.array([1.0, 0.0, 3.0, 0.0])).tolist() == [0, 2, 2, 2]
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5) == 2.0
