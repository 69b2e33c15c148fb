"""Remaining life: what becomes of a row, what its band promises, and how it is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from helpers.fresh_desk import fresh_desk

from fleet.clock import DAY_MS
from fleet.faults import FAULTS
from models.features.definitions import View, all_features, features_of
from models.features.history import History
from models.features.windows import Floats, Ints
from models.learning.life import LifeModel, coverage, fit_life
from models.learning.life_members import blend_weights, drawn_evenly, weighted_quantile
from models.learning.lives import DAYS, HOURS, Lives, lives_of, lives_of_units
from models.registry.registry import ModelRegistry

FAULT = FAULTS["brush_wear"]
CAP = 21.0
T0 = 1_795_200_000_000 // DAY_MS * DAY_MS


def history(days: int, repairs: list[tuple[str, int, int]], devices: tuple[str, ...] = ("R1",)) -> History:
    """Return a row a day for each device, which runs 5 h a day; repairs open and end on whole days."""
    until = np.tile(T0 + np.arange(1, days + 1) * DAY_MS, len(devices))
    place = np.repeat(np.arange(len(devices)), days)
    features = np.zeros((len(until), len(all_features())))
    used = [n for n, each in enumerate(all_features()) if each.view is View.USED]
    features[:, used] = 5.0 * np.tile(np.arange(1, days + 1), len(devices))[:, None]
    rows = pl.DataFrame({"device_id": [devices[each] for each in place], "until": until})
    known = [(d, "brush_wear", T0 + a * DAY_MS, T0 + b * DAY_MS) for d, a, b in repairs]
    schema = {"device_id": pl.String, "fault": pl.String, "opened": pl.Int64, "ended": pl.Int64}
    doubtful = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "ts": pl.Int64})
    return History(
        rows=rows,
        devices=place,
        device_models=pl.Series(["X"] * len(until)),
        features=features,
        repairs=pl.DataFrame(known, schema=schema, orient="row"),
        doubtful=doubtful,
        start=T0,
        end=T0 + days * DAY_MS,
    )


def test_days_and_run_hours_are_counted_to_the_opening_of_the_repair() -> None:
    lives = lives_of(FAULT, history(40, [("R1", 10, 12)]))
    assert lives is not None
    assert lives.left[DAYS][:9].tolist() == pytest.approx([9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert lives.left[HOURS][:9].tolist() == pytest.approx([45, 40, 35, 30, 25, 20, 15, 10, 5])
    assert not lives.known[9:11].any(), "while it is broken and being repaired"


def test_what_was_watched_for_the_whole_cap_counts_as_the_cap_and_the_rest_is_unknown() -> None:
    lives = lives_of(FAULT, history(40, []))
    assert lives is not None
    assert lives.cap == CAP
    assert (lives.left[DAYS][:19] == CAP).all()
    assert lives.left[HOURS][:19] == pytest.approx(CAP * 5)
    assert not lives.known[19:].any()
    assert not lives.ended.any()


def test_rows_that_are_known_stand_for_those_that_history_ended_before() -> None:
    lives = lives_of(FAULT, history(42, [("R1", 10, 12)]))
    assert lives is not None
    assert lives.weight[8] < lives.weight[0] < lives.weight[15]
    assert lives.weight[15] == pytest.approx(2.0, rel=0.1), "half of the rows were watched for the cap"


def test_a_fault_that_is_no_wear_has_no_remaining_life() -> None:
    assert lives_of(FAULTS["comms_loss"], history(40, [])) is None


def worn(devices: int, seed: int) -> tuple[Floats, Lives]:
    """Return rows of parts, one a day; for its last days a signal rises, before that it says nothing."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(devices), 100)
    left = np.tile(np.arange(100.0, 0.0, -1.0), devices) * rng.lognormal(0, 0.15, devices)[place]
    signal = np.maximum(10 - left, 0) + rng.normal(0, 0.7, len(left))
    features = rng.normal(size=(len(left), len(features_of("brush_wear"))))
    features[:, 3] = signal
    ended = left < CAP
    days = np.minimum(left, CAP)
    own = {DAYS: days, HOURS: 5 * days}
    lives = Lives(own, ended, np.zeros(len(left), np.int64), place, np.ones(len(left)), CAP)
    return features, lives


@pytest.fixture(scope="module")
def model() -> LifeModel:
    found = fit_life(*worn(40, 0), 1)
    assert isinstance(found, LifeModel)
    return found


def test_the_band_holds_about_four_of_five_lives_of_parts_never_seen(model: LifeModel) -> None:
    features, lives = worn(40, 1)
    told = model.estimate(features)
    found = coverage(told, lives)
    assert 0.7 <= found["coverage_days"] <= 0.9
    assert 0.7 <= found["coverage_hours"] <= 0.9
    assert found["rows"] == told.told.sum() >= 200
    for band in (told.bands[DAYS], told.bands[HOURS]):
        assert (np.diff(band[told.told], axis=1) >= 0).all()
        assert (band[told.told] >= 0).all()
    assert told.bands[DAYS][told.told].max() <= CAP


def test_of_a_part_with_no_end_in_sight_only_that_is_told(model: LifeModel) -> None:
    told = model.estimate(worn(40, 1)[0])
    beyond = ~told.told
    assert 0 < beyond.sum() < len(beyond)
    assert (told.bands[DAYS][beyond, 1] == CAP).all()
    unseen = np.isnan(told.bands[HOURS][:, 1])
    assert unseen.any()
    assert beyond[unseen].all()
    assert np.isnan(told.bands[DAYS][unseen][:, [0, 2]]).all()


def test_missing_signals_are_survived_and_the_order_of_rows_is_irrelevant(model: LifeModel) -> None:
    features, _ = worn(6, 2)
    features[::3] = np.nan
    told = model.estimate(features)
    assert np.isfinite(told.bands[DAYS][:, 1]).all()
    assert np.isfinite(told.bands[HOURS][told.told]).all()
    np.testing.assert_array_equal(model.estimate(features[::-1]).bands[HOURS], told.bands[HOURS][::-1])
    assert model.estimate(features[:0]).bands[DAYS].shape == (0, 3)


def test_too_few_ends_of_lives_are_said_in_a_sentence() -> None:
    told = fit_life(*worn(5, 0), 1)
    assert told == "only 5 ends of lives; 6 are needed"
    features, lives = worn(40, 0)
    late = fit_life(features, replace(lives, ended=np.zeros_like(lives.ended)), 1)
    assert isinstance(late, str)
    assert late.startswith("only 0 ends of lives")


def test_of_few_lives_a_forest_alone_is_made() -> None:
    found = fit_life(*worn(10, 0), 1)
    assert isinstance(found, LifeModel)
    assert found.parts["units"][DAYS]["weights"] == [1.0]


def test_what_one_device_alone_measures_is_no_reason_to_fail() -> None:
    """Who is left out of a fold may be the only one that knows it: a robot with a tank among others."""
    features, lives = worn(10, 0)
    features[lives.devices != 3, 0] = np.nan
    assert isinstance(fit_life(features, lives, 1), LifeModel)


def test_the_band_is_narrow_near_the_end(model: LifeModel) -> None:
    features, lives = worn(40, 1)
    told = model.estimate(features)
    width = told.bands[DAYS][:, 2] - told.bands[DAYS][:, 0]
    left = lives.left[DAYS]
    near, far = told.told & (left < 4), told.told & (left > 8)
    assert width[near].mean() < 0.75 * width[far].mean()


def units(count: int, seed: int) -> tuple[Floats, Floats, Ints]:
    """Return features, steps left and unit of rows of units that wear at a pace of their own."""
    rng = np.random.default_rng(seed)
    length = rng.integers(20, 60, count)
    unit = np.repeat(np.arange(count), length)
    left = np.concatenate([np.arange(n)[::-1] for n in length]).astype(float)
    wear = 1 - left / length[unit] + rng.normal(0, 0.05, len(left))
    paced = length[unit] + rng.normal(0, 3, len(left))
    return np.stack([wear, paced, rng.normal(size=len(left))], axis=1), left, unit


def test_units_without_a_cap_are_told_at_every_step_and_four_of_five_lives_lie_in_the_band() -> None:
    features, left, unit = units(60, 0)
    model = fit_life(features, lives_of_units(unit, left, np.full(len(unit), True)), 1)
    assert isinstance(model, LifeModel)
    asked, truth, _ = units(40, 1)
    told = model.estimate(asked)
    band = told.bands["steps"]
    assert told.told.all()
    assert 0.7 <= ((band[:, 0] <= truth) & (truth <= band[:, 2])).mean() <= 0.92
    assert np.sqrt(((told.expected["steps"] - truth) ** 2).mean()) < 0.4 * truth.std()


def test_units_that_were_cut_off_make_no_life_look_too_short() -> None:
    """Half of the units were seen for 25 steps at most; the model of all of them is hardly worse for it."""
    features, left, unit = units(120, 0)
    age = np.concatenate([np.arange(n) for n in np.bincount(unit)])
    seen = (unit % 2 == 0) | (age < 25)
    features, left, unit, age = features[seen], left[seen], unit[seen], age[seen]
    last = np.zeros(unit.max() + 1)
    np.maximum.at(last, unit, age)
    until = last[unit] - age
    ended = until == left
    model = fit_life(features, lives_of_units(unit, until, ended), 1)
    assert isinstance(model, LifeModel)
    asked, truth, _ = units(40, 1)
    off = model.estimate(asked).expected["steps"] - truth
    assert abs(off.mean()) < 0.1 * truth.mean()
    assert np.sqrt((off**2).mean()) < 0.5 * truth.std()


def test_weights_of_a_blend_sum_to_one_and_leave_out_who_knows_nothing() -> None:
    rng = np.random.default_rng(0)
    life = rng.uniform(0, 50, 500)
    said = np.stack(
        [life + rng.normal(0, 3, 500), life + rng.normal(0, 3, 500), rng.uniform(0, 50, 500)], axis=1
    )
    weights = blend_weights(said, life, np.ones(500), 0.1)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] == 0
    assert weights[:2] == pytest.approx([0.5, 0.5], abs=0.1)


def test_rows_are_drawn_in_proportion_to_their_weight() -> None:
    assert drawn_evenly(np.array([1.0, 0.0, 3.0, 0.0])).tolist() == [0, 2, 2, 2]
    assert weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5) == 2.0


def risk_of_worn(features: Floats, lives: Lives) -> object:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.frozen import FrozenEstimator

    trees = HistGradientBoostingClassifier(max_iter=3).fit(features, lives.ended)
    return CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid").fit(features, lives.ended)


def test_a_life_that_an_older_version_wrote_is_left_out_and_the_risk_beside_it_stays(tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "desk.sqlite")
    registry = ModelRegistry(desk, tmp_path / "models")
    older = LifeModel({"cap": CAP, "days": {"trees": [], "widening": 1.0}, "hours": {}})
    registry.save("brush_wear", risk_of_worn(*worn(10, 3)), 0.3, 1, {}, life=older)
    assert registry.load()["brush_wear"].life is None
    assert not registry.problems
    desk.close()


def test_it_is_kept_beside_the_risk_and_comes_back_the_same(model: LifeModel, tmp_path: Path) -> None:
    features, lives = worn(10, 3)
    risk = risk_of_worn(features, lives)
    desk = fresh_desk(tmp_path / "desk.sqlite")
    registry = ModelRegistry(desk, tmp_path / "models")
    registry.save("brush_wear", risk, 0.3, 1, {}, life=model)
    loaded = registry.load()["brush_wear"]
    assert loaded.life is not None
    np.testing.assert_array_equal(
        loaded.life.estimate(features).bands[DAYS], model.estimate(features).bands[DAYS]
    )
    registry.save("fan_motor_wear", risk, 0.3, 1, {}, life=model)
    assert "fan_motor_wear" not in registry.load(), "its features are others"
    assert "another number of features" in registry.problems[0]
    desk.close()
