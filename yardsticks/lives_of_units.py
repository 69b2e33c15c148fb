"""How remaining life is learned and judged on units of a declared kind, whichever yardstick's they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.errors import InvalidInput
from models.features.condition import Condition, Steps, learn_condition, lives_among, steps_of
from models.features.own import OwnKind, channels_of
from models.features.windows import Floats
from models.learning.life import LEAST_LIVES, fit_life
from models.learning.lives import Lives, lives_of_units
from models.learning.training import single_threaded

UNIT = "steps"
LEAST_STEPS = 5
"""Of the first steps of a unit nothing is learned: its own baseline is not there yet."""


@dataclass(frozen=True)
class Taught:
    """Units to learn from, looked at once: rows of `features`, what became of them, and the eyes."""

    condition: Condition
    features: Floats
    lives: Lives


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of rows, in steps: `expected` (rows,), `band` (rows, 3) of p10, p50 and p90."""

    expected: Floats
    band: Floats


def look(kind: OwnKind, readings: pl.DataFrame) -> Steps:
    """Return what units showed, by step."""
    return steps_of(channels_of(readings, kind))


def teach(kind: OwnKind, steps: Steps, ended: NDArray[np.bool_], after: Floats, cap: float) -> Taught:
    """Look at units of which some (`ended`, by unit) were seen to their end, `after` steps after their last.

    Raises InvalidInput for too few lives.
    """
    if ended.sum() < LEAST_LIVES:
        raise InvalidInput(f"{int(ended.sum())} lives to learn from; {LEAST_LIVES} are needed")
    condition = learn_condition(kind, steps, ended)
    left = steps.step[steps.last][steps.unit] - steps.step + after[steps.unit]
    rows = np.flatnonzero(steps.step - steps.step[steps.first] >= LEAST_STEPS - 1)
    features = condition.look(steps, lives_among(ended))[rows]
    unit = steps.unit[rows]
    return Taught(condition, features, lives_of_units(unit, left[rows], ended[unit], cap, UNIT))


def tell(taught: Taught, features: Floats, seed: int) -> Told:
    """Learn, and say what rows have left. Raises InvalidInput."""
    with single_threaded():
        model = fit_life(taught.features, taught.lives, seed)
        if isinstance(model, str):
            raise InvalidInput(model)
        told = model.estimate(features)
    band = told.bands[UNIT]
    beyond = np.isnan(band[:, 0])
    return Told(told.expected[UNIT], np.where(beyond[:, None], told.cap, band))


def rms(off: Floats) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt((off**2).mean()))


def inside(told: Told, truth: Floats) -> float:
    """Return which share of true lives lies between p10 and p90."""
    return float(((told.band[:, 0] <= truth) & (truth <= told.band[:, 2])).mean())


def by_left(told: Told, truth: Floats, edges: Sequence[float]) -> dict[str, dict[str, float]]:
    """Return rows, error, coverage and width of the band by how long was left, from edge to edge."""
    found = {}
    for low, high in pairwise(edges):
        rows = np.flatnonzero((truth >= low) & (truth < high))
        if len(rows):
            part = Told(told.expected[rows], told.band[rows])
            found[f"{low:g}_to_{high:g}"] = {
                "rows": float(len(rows)),
                "rmse": rms(part.expected - truth[rows]),
                "coverage": inside(part, truth[rows]),
                "width": float((part.band[:, 2] - part.band[:, 0]).mean()),
            }
    return found
