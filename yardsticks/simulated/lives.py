"""Whether remaining life keeps its promise where no model has been: p10 to p90 against what came."""

from collections.abc import Mapping, Sequence

import numpy as np

from fleet.faults import FAULTS
from models.features.history import History
from models.learning.life import LifeModel, coverage, fit_life
from models.learning.lives import UNITS, lives_of
from models.learning.pipeline import examples_of


def learn_lives(history: History, seed: int) -> dict[str, LifeModel]:
    """Learn the remaining life of every wear fault, as the product does, where there is enough to learn."""
    found: dict[str, LifeModel] = {}
    for code, fault in FAULTS.items():
        lives = lives_of(fault, history)
        if lives is not None:
            learned = fit_life(examples_of(fault, history).features, lives, seed)
            if isinstance(learned, LifeModel):
                found[code] = learned
    return found


def cover(models: Mapping[str, LifeModel], histories: Sequence[History]) -> dict[str, dict[str, float]]:
    """Return by fault the coverage of p10 to p90 over the rows of all histories, and how many rows those are.

    Of rows with an end in sight and a known life; see models.learning.life.coverage.
    """
    told: dict[str, dict[str, float]] = {}
    for code, model in models.items():
        found = []
        for history in histories:
            lives = lives_of(FAULTS[code], history)
            assert lives is not None  # models are of wear faults alone
            found.append(coverage(model.estimate(examples_of(FAULTS[code], history).features), lives))
        found = [each for each in found if each["rows"]]
        rows = sum(each["rows"] for each in found)
        told[code] = {"rows": rows} | {
            f"coverage_{unit}": sum(each[f"coverage_{unit}"] * each["rows"] for each in found) / rows
            for unit in UNITS
            if rows
        }
    return told


def covered(told: Mapping[str, Mapping[str, float]]) -> float:
    """Return the coverage over all faults and both units, each row counting the same; NaN for no row."""
    rows = [each["rows"] for each in told.values() if each["rows"]]
    share = [np.mean([each[f"coverage_{unit}"] for unit in UNITS]) for each in told.values() if each["rows"]]
    return float(np.average(share, weights=rows)) if rows else float("nan")
