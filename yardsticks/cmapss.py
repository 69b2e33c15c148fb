"""The cmapss yardstick: how many cycles a turbofan has left, on engines never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fleet.errors import InvalidInput, NotEnoughHistory
from models.features.windows import Floats, Ints
from models.learning.remaining_life import LifeEstimate, LifeModel, LifeSettings
from models.learning.training import single_threaded
from yardsticks.engine_features import look_at, open_eyes
from yardsticks.engine_files import Engines, read_engines, sets_in
from yardsticks.report import Report, over_seeds

CAP = 125.0
PROTOCOL = (
    "Trained on every engine of train_NAME, judged at the last cycle of every engine of test_NAME; remaining "
    "life capped at 125 cycles in both. Blend weights, the band of p10 to p90 and all settings come from "
    "training engines left out in turn (4 folds of whole engines). NASA score: sum over the engines of "
    "exp(-d/13)-1 for d < 0, else exp(d/10)-1, d = predicted - true. Seeds are those of models and folds."
)
_ROWS = 4_000
"""So many cycles of training engines are learned from: neighbours say nearly the same."""
_LEAST_CYCLES = 5
SETTINGS = LifeSettings(most=CAP)


@dataclass(frozen=True)
class Case:
    """A set of engines looked at once.

    `units`, `features` (rows, features) and `life` of rows to learn from; `asked` and `truth` of the last
    cycle of each test engine.
    """

    engines: Engines
    units: Ints
    features: Floats
    life: Floats
    asked: Floats
    truth: Floats


def evaluate(folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    A folder with several sets is judged by its first, the others stand in the details with the first seed.
    Raises InvalidInput when a file is missing or wrong, or holds too few engines.
    """
    first, *others = sets_in(folder)
    case = prepared(read_engines(folder, first))
    metrics, _ = over_seeds(seeds, lambda seed: judge(case, predict(case, seed)))
    details: dict[str, Any] = {"set": first, "test_engines": len(case.truth)}
    for name in others:
        other = prepared(read_engines(folder, name))
        details[name] = judge(other, predict(other, seeds[0]))
    return Report("cmapss", seeds, metrics, baselines(case), PROTOCOL, details).as_json()


def prepared(engines: Engines) -> Case:
    """Look at a set of engines once. Raises InvalidInput."""
    eyes = open_eyes(engines.train)
    features = look_at(engines.train, eyes)
    usable = np.flatnonzero(engines.train.cycle >= _LEAST_CYCLES)
    rows = usable[:: -(-len(usable) // _ROWS)]
    return Case(
        engines,
        engines.train.unit[rows],
        features[rows],
        np.minimum(engines.train.remaining()[rows], CAP),
        look_at(engines.test, eyes)[engines.test.last],
        np.minimum(engines.left, CAP),
    )


def predict(case: Case, seed: int) -> LifeEstimate:
    """Learn from training engines and say what the test engines have left. Raises InvalidInput."""
    try:
        with single_threaded():
            model = LifeModel(SETTINGS).fit(case.features, case.life, case.units, seed)
            return model.predict(case.asked)
    except NotEnoughHistory as error:
        raise InvalidInput(f"train_{case.engines.name}: {error}") from error


def judge(case: Case, told: LifeEstimate) -> dict[str, float]:
    """Return RMSE (cycles), NASA score and coverage of p10 to p90."""
    return {
        "rmse": rmse(told.expected, case.truth),
        "nasa_score": nasa_score(told.expected, case.truth),
        "coverage_p10_p90": told.coverage(case.truth),
        "band_cycles": float((told.p90 - told.p10).mean()),
    }


def rmse(predicted: Floats, true: Floats) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(((predicted - true) ** 2).mean()))


def nasa_score(predicted: Floats, true: Floats) -> float:
    """Return the asymmetric score of PHM 2008: late is worse than early."""
    off = predicted - true
    return float(np.where(off < 0, np.expm1(-off / 13), np.expm1(off / 10)).sum())


def baselines(case: Case) -> dict[str, float]:
    """Return what simple rules reach: the mean life of training rows, and the mean whole life less age."""
    train, test = case.engines.train, case.engines.test
    mean = np.full(len(case.truth), case.life.mean())
    age = np.clip(train.cycle[train.last].mean() - test.cycle[test.last], 0.0, CAP)
    return {"rmse_mean": rmse(mean, case.truth), "rmse_by_age": rmse(age, case.truth)}
