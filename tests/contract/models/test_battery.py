"""One battery over every model: what any of them must hold, whatever it predicts.

Same scores after a reload, same seed same model, the order of devices is irrelevant, missing signals are
survived, and risks are monotone where physics says so (models/learning/physics.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.fresh_desk import fresh_desk
from helpers.models import examples
from threadpoolctl import threadpool_limits

from fleet.faults import FAULTS, predicted_faults
from fleet.signals import Kind
from models.anomaly.fleet import Usual, judge, learn_usual
from models.anomaly.levels import DAYS, Levels
from models.anomaly.risk import probability
from models.anomaly.score import learn_normal
from models.anomaly.watched import WATCHED
from models.features.definitions import features_of
from models.learning.life import LifeModel, fit_life
from models.learning.lives import Lives, lives_of_units
from models.learning.physics import direction, directions
from models.learning.settings import TrainingSettings
from models.learning.training import Trained, risk_of, train_fault
from models.registry.registry import ModelRegistry

Floats = np.ndarray[Any, np.dtype[np.float64]]
RISKS = [fault.code for fault in predicted_faults(Kind.ROBOT)]


@dataclass(frozen=True)
class Case:
    """A model under test: `learn` it from a seed, `score` rows (rows, columns), `reload` it from disk.

    `survives` tells whether its rows may have NaN: what is to be filled before is not the model's to survive.
    Scores of the same rows may differ by the share `rounding`, of what is computed in single precision more.
    """

    name: str
    columns: int
    learn: Callable[[int], Any]
    score: Callable[[Any, Floats], Floats]
    reload: Callable[[Any, Path], Any] | None = None
    survives: bool = True
    rounding: float = 1e-12

    def __str__(self) -> str:
        return self.name

    def rows(self, count: int = 60) -> Floats:
        return np.random.default_rng(9).normal(size=(count, self.columns))


def _risk(fault: str) -> Case:
    def learn(seed: int) -> Any:
        rows = examples(fault, devices=20)
        # Its first feature rises with the fault: not so where physics knows that it falls.
        rows.features[:, 0] *= direction(fault, features_of(fault)[0]) or 1
        result = train_fault(FAULTS[fault], rows, TrainingSettings(trees=6), seed)
        assert isinstance(result, Trained), result
        return result.classifier

    def reload(classifier: Any, folder: Path) -> Any:
        desk = fresh_desk(folder / "desk.sqlite")
        registry = ModelRegistry(desk, folder / "models")
        registry.save(fault, classifier, 0.3, 1, {})
        loaded = ModelRegistry(desk, folder / "models").load()[fault]
        desk.close()
        return loaded.classifier

    return Case(f"risk of {fault}", len(features_of(fault)), learn, risk_of, reload)


def _life() -> Case:
    fault = "brush_wear"
    columns = len(features_of(fault))

    def learn(seed: int) -> LifeModel:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(400, columns))
        days = np.clip(12 - 5 * rows[:, 0] + rng.normal(size=400), 0, 21)
        devices = np.repeat(np.arange(40), 10)
        left = {"days": days, "hours": 5 * days}
        found = fit_life(rows, Lives(left, days < 21, devices, devices, np.ones(400), 21.0), seed)
        assert isinstance(found, LifeModel), found
        return found

    def score(model: LifeModel, rows: Floats) -> Floats:
        found = model.estimate(rows)
        return np.hstack([*found.bands.values(), *(each[:, None] for each in found.expected.values())])

    def reload(model: LifeModel, folder: Path) -> LifeModel:
        desk = fresh_desk(folder / "desk.sqlite")
        registry = ModelRegistry(desk, folder / "models")
        registry.save(fault, learned(f"risk of {fault}"), 0.3, 1, {}, life=model)
        loaded = ModelRegistry(desk, folder / "models").load()[fault].life
        desk.close()
        assert loaded is not None
        return loaded

    return Case("remaining life", columns, learn, score, reload, rounding=1e-8)


def _few_lives() -> Case:
    """Lives of units without a cap, some of them cut off, so few that a forest alone is made of them."""

    def learn(seed: int) -> LifeModel:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(240, 5))
        left = np.maximum(10 - 3 * rows[:, 0] + rng.normal(size=240), 0)
        unit = np.repeat(np.arange(12), 20)
        found = fit_life(rows, lives_of_units(unit, left, unit > 2), seed)
        assert isinstance(found, LifeModel), found
        return found

    def score(model: LifeModel, rows: Floats) -> Floats:
        return model.estimate(rows).bands["steps"]

    return Case("remaining life of few", 5, learn, score, rounding=1e-8)


def _anomaly() -> Case:
    def learn(seed: int) -> Any:
        return learn_normal(np.random.default_rng(seed).normal(size=(200, 4)))

    return Case("anomaly", 4, learn, lambda normal, rows: np.asarray(normal.distance(rows)), survives=False)


def _levels(rows: Floats) -> Levels:
    """Return a robot for each row: 30 days of every measure, which is 50 and the numbers of the row."""
    values = 50 + rows.reshape(len(rows), len(WATCHED), DAYS).transpose(1, 2, 0)
    same = np.zeros(len(rows), dtype=np.int64)
    return Levels(values.astype(np.float32), same + 20_000, same)


def _unusual() -> Case:
    columns = len(WATCHED) * DAYS

    def learn(seed: int) -> Usual:
        return learn_usual(_levels(np.random.default_rng(seed).normal(size=(40, columns))))

    def score(usual: Usual, rows: Floats) -> Floats:
        return probability(judge(_levels(rows), usual).score, models=True)

    return Case("unusual behaviour", columns, learn, score, rounding=1e-4)


CASES = {case.name: case for case in (*map(_risk, RISKS), _life(), _few_lives(), _anomaly(), _unusual())}


@cache
def learned(name: str, seed: int = 0) -> Any:
    with threadpool_limits(1):
        return CASES[name].learn(seed)


def scores(case: Case, model: Any, rows: Floats) -> Floats:
    with threadpool_limits(1):
        return case.score(model, rows)


every_model = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
directed = pytest.mark.parametrize("fault", [code for code, fault in FAULTS.items() if fault.signs])


@every_model
def test_the_same_seed_learns_the_same_model(case: Case) -> None:
    rows = case.rows()
    with threadpool_limits(1):
        again = case.learn(0)
    np.testing.assert_array_equal(scores(case, again, rows), scores(case, learned(case.name), rows))


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.reload], ids=str)
def test_a_model_scores_the_same_after_a_reload(case: Case, tmp_path: Path) -> None:
    assert case.reload is not None
    again = case.reload(learned(case.name), tmp_path)
    rows = case.rows()
    np.testing.assert_array_equal(scores(case, again, rows), scores(case, learned(case.name), rows))


@every_model
def test_the_order_of_devices_changes_no_score(case: Case) -> None:
    rows, model = case.rows(), learned(case.name)
    order = np.random.default_rng(1).permutation(len(rows))
    found = scores(case, model, rows)
    np.testing.assert_allclose(scores(case, model, rows[order]), found[order], rtol=case.rounding)
    np.testing.assert_allclose(scores(case, model, rows[:1]), found[:1], rtol=case.rounding)


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.survives], ids=str)
def test_missing_signals_are_survived_one_by_one_and_all_at_once(case: Case) -> None:
    model, rows = learned(case.name), case.rows()
    rows[np.random.default_rng(2).random(rows.shape) < 0.3] = np.nan
    rows[0] = np.nan
    found = scores(case, model, rows)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    column = case.rows()
    column[:, 0] = np.nan
    assert np.isfinite(scores(case, model, column)).all()


@directed
def test_risks_are_probabilities_and_follow_physics(fault: str) -> None:
    """More of what a fault raises never lowers its risk, nor less of what it lowers; nor both at once."""
    case = CASES[f"risk of {fault}"]
    model, rows = learned(case.name), case.rows()
    before = scores(case, model, rows)
    assert ((before > 0) & (before < 1)).all()
    told = np.array(directions(fault, features_of(fault)))
    for column in [*np.flatnonzero(told)[:, None], np.flatnonzero(told)]:
        for step in (0.3, 2.0):
            worse = rows.copy()
            worse[:, column] += step * told[column]
            assert (scores(case, model, worse) >= before - 1e-12).all(), features_of(fault)[column[0]].name


def test_a_robot_that_gets_worse_is_never_less_unusual() -> None:
    """Whichever measure it is. One that is better than usual is a little unusual too, so it begins worse."""
    case = CASES["unusual behaviour"]
    usual, rows = learned(case.name), case.rows(20)
    calm = scores(case, usual, rows)
    for measure, watched in enumerate(WATCHED):
        before = np.zeros_like(calm)
        for step in (3.0, 4.0, 6.0, 12.0):
            worse = rows.copy().reshape(len(rows), len(WATCHED), DAYS)
            worse[:, measure, -3:] += step * watched.worse
            found = scores(case, usual, worse.reshape(rows.shape))
            assert (found >= before * (1 - case.rounding)).all(), watched.feature
            before = found
        assert (before > calm).all(), watched.feature


@pytest.mark.parametrize("name", ["remaining life", "remaining life of few"])
def test_the_quantiles_of_remaining_life_are_in_order_and_never_negative(name: str) -> None:
    case = CASES[name]
    found = scores(case, learned(case.name), 3 * case.rows())
    assert (found >= 0).all()
    assert (found[:, 0] <= found[:, 1]).all()
    assert (found[:, 1] <= found[:, 2]).all()
