"""Remaining life of wearing parts: what becomes of a row, what its band promises, and how it is kept."""

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
from models.features.windows import Floats
from models.learning.lives import Lives, lives_of
from models.learning.wear_life import WearLife, coverage, fit_wear_life
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
    assert lives.days[:9].tolist() == pytest.approx([9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert lives.hours[:9].tolist() == pytest.approx([45, 40, 35, 30, 25, 20, 15, 10, 5])
    assert not lives.known[9:11].any(), "while it is broken and being repaired"


def test_what_was_watched_for_the_whole_cap_counts_as_the_cap_and_the_rest_is_unknown() -> None:
    lives = lives_of(FAULT, history(40, []))
    assert lives is not None
    assert lives.cap == CAP
    assert (lives.days[:19] == CAP).all()
    assert lives.hours[:19] == pytest.approx(CAP * 5)
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
    place = np.repeat(np.arange(devices), 40)
    left = np.tile(np.arange(40.0, 0.0, -1.0), devices) * rng.lognormal(0, 0.15, devices)[place]
    signal = np.maximum(10 - left, 0) + rng.normal(0, 0.7, len(left))
    features = rng.normal(size=(len(left), len(features_of("brush_wear"))))
    features[:, 3] = signal
    ended = left < CAP
    days = np.minimum(left, CAP)
    lives = Lives(days, 5 * days, ended, np.zeros(len(left), np.int64), place, np.ones(len(left)), CAP)
    return features, lives


@pytest.fixture(scope="module")
def model() -> WearLife:
    found = fit_wear_life(*worn(40, 0), 1)
    assert isinstance(found, WearLife)
    return found


def test_the_band_holds_about_four_of_five_lives_of_parts_never_seen(model: WearLife) -> None:
    features, lives = worn(40, 1)
    told = model.estimate(features)
    found = coverage(told, lives)
    assert 0.7 <= found["coverage_days"] <= 0.9
    assert 0.7 <= found["coverage_hours"] <= 0.9
    assert found["rows"] == told.told.sum() >= 200
    for band in (told.days, told.hours):
        assert (np.diff(band[told.told], axis=1) >= 0).all()
        assert (band[told.told] >= 0).all()
    assert told.days[told.told].max() <= CAP


def test_of_a_part_with_no_end_in_sight_only_that_is_told(model: WearLife) -> None:
    told = model.estimate(worn(40, 1)[0])
    beyond = ~told.told
    assert 0 < beyond.sum() < len(beyond)
    assert (told.days[beyond, 1] == CAP).all()
    unseen = np.isnan(told.hours[:, 1])
    assert unseen.any()
    assert beyond[unseen].all()
    assert np.isnan(told.days[unseen][:, [0, 2]]).all()


def test_missing_signals_are_survived_and_the_order_of_rows_is_irrelevant(model: WearLife) -> None:
    features, _ = worn(6, 2)
    features[::3] = np.nan
    told = model.estimate(features)
    assert np.isfinite(told.days[:, 1]).all()
    assert np.isfinite(told.hours[told.told]).all()
    np.testing.assert_array_equal(model.estimate(features[::-1]).hours, told.hours[::-1])
    assert model.estimate(features[:0]).days.shape == (0, 3)


def test_too_few_ends_of_lives_are_said_in_a_sentence() -> None:
    features, lives = worn(8, 0)
    told = fit_wear_life(features, lives, 1)
    assert told == "only 4 ends of lives in a half of the devices; 6 are needed"
    features, lives = worn(40, 0)
    late = fit_wear_life(features, replace(lives, ended=np.zeros_like(lives.ended)), 1)
    assert isinstance(late, str)
    assert late.startswith("only 0 ends of lives")


def test_it_is_kept_beside_the_risk_and_comes_back_the_same(model: WearLife, tmp_path: Path) -> None:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.frozen import FrozenEstimator

    features, lives = worn(10, 3)
    trees = HistGradientBoostingClassifier(max_iter=3).fit(features, lives.ended)
    risk = CalibratedClassifierCV(FrozenEstimator(trees), method="sigmoid").fit(features, lives.ended)
    desk = fresh_desk(tmp_path / "desk.sqlite")
    registry = ModelRegistry(desk, tmp_path / "models")
    registry.save("brush_wear", risk, 0.3, 1, {}, life=model)
    loaded = registry.load()["brush_wear"]
    assert loaded.life is not None
    np.testing.assert_array_equal(loaded.life.estimate(features).days, model.estimate(features).days)
    registry.save("fan_motor_wear", risk, 0.3, 1, {}, life=model)
    assert "fan_motor_wear" not in registry.load(), "its features are others"
    assert "another number of features" in registry.problems[0]
    desk.close()
