"""What is looked at on the turbofans of cmapss: our features over their cycles.

A cycle is a step and a day of models.windows. Levels, changes against the engine's own first 20 cycles and
trends, of every sensor and of one health index: the direction in which engines drift, as the first principal
component of their sensors' changes shows it.
"""

from dataclasses import dataclass

import numpy as np

from fleet.text import Text
from models.features import terms
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import Feature, View, terms_of
from models.features.grid import TileGrid
from models.features.measures import Measure
from models.features.windows import NO_RESETS, FleetFacts, Floats, Ints, Windows
from yardsticks.engine_files import SENSORS, Flights, Regimes, as_tiles, learn_regimes

HEALTH = "health"
_BASELINE = 20
_SENSOR_LOOKS = (
    Windows(5, 5, 1, 10, 20, 40, _BASELINE, 2),
    Windows(10, 5, 1, 5, 20, 40, _BASELINE, 2),
)
_HEALTH_LOOKS = (
    Windows(3, 3, 1, 5, 10, 20, _BASELINE, 2),
    Windows(20, 5, 1, 20, 40, 60, _BASELINE, 2),
)
"""Lengths in cycles: what a level is over, and what it is compared with."""
_VIEWS = (View.DAY, View.STEP, View.TREND, View.MONTH, View.FIRST)


@dataclass(frozen=True)
class Eyes:
    """What was learned from training engines to look at any: regimes, and the direction of drift."""

    regimes: Regimes
    direction: Floats


def open_eyes(train: Flights) -> Eyes:
    """Learn from engines run to failure how to look at others."""
    regimes = learn_regimes(train)
    standard = regimes.standard(train)
    change = np.nan_to_num(_matrix(train, standard, SENSORS, (View.FIRST,), _SENSOR_LOOKS[:1]))
    _, _, axes = np.linalg.svd(change - change.mean(axis=0), full_matrices=False)
    end = change[train.last].mean(axis=0) @ axes[0]
    return Eyes(regimes, axes[0] * (1.0 if end >= 0 else -1.0))


def look_at(flights: Flights, eyes: Eyes) -> Floats:
    """Return the features of every cycle; nothing later than a cycle is used. Shape: (cycles, features)."""
    standard = eyes.regimes.standard(flights)
    moving = np.flatnonzero((eyes.regimes.sd > 0).any(axis=0))
    names = tuple(SENSORS[column] for column in moving)
    health = (standard @ eyes.direction)[:, None]
    cycle = flights.cycle[:, None].astype(float)
    return np.hstack(
        [
            cycle,
            np.log(cycle),
            _matrix(flights, standard[:, moving], names, _VIEWS, _SENSOR_LOOKS),
            _matrix(flights, health, (HEALTH,), _VIEWS, _HEALTH_LOOKS),
        ]
    )


def _matrix(
    flights: Flights,
    values: Floats,
    names: tuple[str, ...],
    views: tuple[View, ...],
    looks: tuple[Windows, ...],
) -> Floats:
    features = [Feature(_mean(name), view) for name in names for view in views]
    grid = TileGrid(terms_of(features))
    grid.update(as_tiles(flights, values, names))
    rows: Ints = grid.rows_of(flights.unit.astype(str).tolist())
    moments = Moments(rows, flights.cycle)
    facts = FleetFacts({}, NO_RESETS)
    return np.hstack([Look(BatchWindows(grid, facts, moments, look)).matrix(features) for look in looks])


def _mean(signal: str) -> Measure:
    top, bottom = terms.total(signal), terms.count(signal)
    return Measure(signal, signal, "", "engine", Text(signal, signal), top, bottom, relative=False)
