"""What one pass sees of a fleet, and what the model of a fault makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from fleet.risks import LIFE_COLUMNS, risk_frame
from models.anomaly.scoring import Window
from models.features.compute import Look
from models.features.definitions import all_features, columns_by_name, telling
from models.features.windows import Floats, Ints
from models.learning.lives import UNITS
from models.registry.registry import LoadedModel
from models.scoring.confidence import confidence, hardly_known
from models.scoring.explanation import drivers

EXPLAIN_FROM = 0.005
"""A risk below this is stored without drivers: nobody will ask why a robot is in order."""
_TOGETHER = 8192
"""So many rows are computed and judged together: more would not fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The robots that are judged: ids, times of the newest readings (epoch ms), rows of their windows.

    `window` cuts those; `models` numbers the model of device of every row, `others` are the rows that may be
    compared with.
    """

    devices: list[str]
    times: list[int]
    rows: Ints
    window: Window
    models: Ints
    others: Ints


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a fleet: all features. Shape: (devices, features).

    `hardly` tells which devices are hardly known yet; `keys` are their `device_id` and `ts`.
    """

    fleet: Fleet
    matrix: Floats
    hardly: NDArray[np.bool_]
    keys: pl.DataFrame

    def told(self, model: LoadedModel) -> Ints:
        """Return the robots (rows of the matrix) of which something is known of a model's fault itself."""
        place = columns_by_name()
        columns = [place[model.features[index].name] for index in telling(model.features)]
        return np.flatnonzero(np.isfinite(self.matrix[:, columns]).any(axis=1))

    def own(self, model: LoadedModel, rows: Ints) -> Floats:
        """Return a model's own columns of some robots, as trees take them.

        That is in order and as float64: else each of a fault's estimators makes that copy for itself.
        """
        place = columns_by_name()
        columns = [place[feature.name] for feature in model.features]
        return np.ascontiguousarray(self.matrix[rows][:, columns], dtype=np.float64)


def look_over(fleet: Fleet) -> Sight:
    """Compute what is seen of a fleet."""
    keys = pl.DataFrame({"device_id": fleet.devices, "ts": fleet.times})
    return Sight(fleet, _matrix(fleet), hardly_known(fleet.window(fleet.rows)), keys)


def _matrix(fleet: Fleet) -> Floats:
    """Return what is seen of a fleet. Shape: (devices, features)."""
    matrix = np.empty((len(fleet.rows), len(all_features())), dtype=np.float32)
    for begin in range(0, len(matrix), _TOGETHER):
        some = slice(begin, begin + _TOGETHER)
        matrix[some] = Look(fleet.window(fleet.rows[some])).matrix(all_features())
    return matrix


def risks_of(model: LoadedModel, sight: Sight, rows: Ints) -> pl.DataFrame:
    """Return a model's risks of some robots, with reasons where they are worth it."""
    judged = pl.concat(_judged(model, sight, some) for some in _pieces(rows))
    risk = judged["risk"].to_numpy()
    stands_out = np.flatnonzero(risk >= EXPLAIN_FROM)
    asked = rows[stands_out]

    def look_at(some: Ints) -> Look:
        return Look(sight.fleet.window(sight.fleet.rows[asked[some]]))

    alerted = risk[stands_out] >= model.card.threshold
    told = drivers(model, sight.own(model, asked), look_at, alerted) if len(asked) else []
    reasons = np.full(len(risk), "[]", dtype=object)
    reasons[stands_out] = [orjson.dumps([each.to_dict() for each in row]).decode() for row in told]
    named = judged.with_columns(drivers=pl.Series(reasons.tolist(), dtype=pl.String))
    return _risk_frame(model, sight, rows, named)


def _judged(model: LoadedModel, sight: Sight, rows: Ints) -> pl.DataFrame:
    """Return `risk`, `confidence` and, of a wearing part, LIFE_COLUMNS of some robots."""
    own = sight.own(model, rows)
    judged = pl.DataFrame({"risk": model.risk(own), "confidence": confidence(sight.hardly[rows], own)})
    return judged.with_columns(_life(model, own))


def _pieces(rows: Ints) -> Iterator[Ints]:
    for begin in range(0, max(len(rows), 1), _TOGETHER):
        yield rows[begin : begin + _TOGETHER]


def _life(model: LoadedModel, own: Floats) -> list[pl.Series]:
    """Return what is left of a wearing part as LIFE_COLUMNS, whatever its risk; nothing for other faults."""
    if model.life is None:
        return []
    told = model.life.estimate(own)
    return [
        pl.Series(name, values, nan_to_null=True)
        for name, values in zip(LIFE_COLUMNS, np.hstack([told.bands[unit] for unit in UNITS]).T, strict=True)
    ]


def silent_risks(model: LoadedModel, sight: Sight) -> pl.DataFrame:
    """Return the risks of a challenger, which nobody will ask the reasons of."""
    rows = sight.told(model)
    risk = np.concatenate([model.risk(sight.own(model, some)) for some in _pieces(rows)])
    return _risk_frame(model, sight, rows, pl.DataFrame({"risk": risk}))


def _risk_frame(model: LoadedModel, sight: Sight, rows: Ints, judged: pl.DataFrame) -> pl.DataFrame:
    keys = sight.keys[rows].with_columns(fault=pl.lit(model.card.fault), model=pl.lit(model.card.id))
    return risk_frame(pl.concat([keys, judged], how="horizontal"))
