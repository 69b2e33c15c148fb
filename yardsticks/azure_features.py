"""What is looked at on the machines of azure-pdm: our features over their tiles and repairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import HOUR_MS
from fleet.text import Text
from models.features import terms
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import Look
from models.features.definitions import Feature, View, terms_of
from models.features.grid import TileGrid
from models.features.measures import Measure
from models.features.terms import Term
from models.features.windows import FleetFacts, Windows
from yardsticks.azure_plant import SIGNALS, VISIT, Plant

Table = NDArray[np.float32]
"""Shape: (machines, moments)."""

EVERY_HOURS = 3
DAYS_BACK = (1, 2, 3, 4)
_MACHINE = "machine"
"""No replacement renews it: what is seen on the machine as a whole."""
_WINDOWS = Windows(month_days=7)
_A_DAY = 24 // EVERY_HOURS


@dataclass(frozen=True)
class PlantTable:
    """Features of all machines at all moments; nothing later than a moment is used.

    `devices` name the machines, `until` (epoch ms) the moments, every 3 h. `telemetry`: by signal its levels
    against the week and the cohort, today's and those of days before. `onsets`: shifts of any signal that
    became known at that moment's day. `log`: errors by `{error}:day` (an hour's rate) and days since by
    `{name}:renewed`. `model` (a number) and `age` by machine.
    """

    devices: list[str]
    until: NDArray[np.int64]
    telemetry: Mapping[str, Sequence[Table]]
    onsets: Table
    log: Mapping[str, Table]
    model: NDArray[np.float32]
    age: NDArray[np.float32]


def look_at(plant: Plant) -> PlantTable:
    """Compute the features of every machine every 3 h, from the first known day to the last."""
    log = _log_features(plant)
    signals = [(signal, _signal_features(signal)) for signal in SIGNALS]
    onset = Feature(_rate("onset", _MACHINE), View.DAY)
    features = [*(each for _, some in signals for each in some), *log, onset]
    grid = TileGrid(terms_of(features))
    grid.update(plant.tiles)
    every = EVERY_HOURS * HOUR_MS
    until = np.arange(-(-plant.start // every) * every, plant.end + 1, every)
    matrix = _matrix(plant, grid, until, features)
    table = {feature.name: matrix[..., column] for column, feature in enumerate(features)}
    known = pl.DataFrame({"device_id": grid.devices}).join(
        plant.machines, "device_id", "left", maintain_order="left"
    )
    models = np.unique(known["model"].fill_null("").to_numpy(), return_inverse=True)[1]
    return PlantTable(
        grid.devices,
        until,
        {signal: _with_days_before([table[each.name] for each in some]) for signal, some in signals},
        np.nan_to_num(table[onset.name]) * _WINDOWS.steps,
        {feature.name: table[feature.name] for feature in log},
        models.astype(np.float32),
        known["age"].to_numpy().astype(np.float32),
    )


def _matrix(
    plant: Plant, grid: TileGrid, until: NDArray[np.int64], features: Sequence[Feature]
) -> NDArray[np.float32]:
    """Return the features of all machines at all moments. Shape: (machines, moments, features)."""
    models = dict(zip(plant.machines["device_id"], plant.machines["model"], strict=True))
    facts, hours = FleetFacts(models, plant.resets), until // HOUR_MS - 1
    found = np.empty((len(grid.devices), len(until), len(features)), dtype=np.float32)
    for row in range(len(found)):  # a year of every machine at once would take gigabytes
        moments = Moments(np.full(len(hours), row), hours)
        found[row] = Look(BatchWindows(grid, facts, moments, _WINDOWS)).matrix(features)
    return found


def days_ago(table: Table, days: int) -> Table:
    """Return what a table said so many days before each moment; NaN before its first moment."""
    back = days * _A_DAY
    before = np.full_like(table, np.nan)
    before[:, back:] = table[:, : max(table.shape[1] - back, 0)]
    return before


def in_phase(onsets: Table, period: int) -> tuple[Table, Table]:
    """Return how many onsets began whole periods (days) ago, and by how many sd that is more than by chance.

    They count from the newest known day, whose own shift would be known as an onset one day later.
    """
    there = np.zeros_like(onsets)
    for back in range(period, onsets.shape[1] // _A_DAY + 1, period):
        there += np.nan_to_num(days_ago(onsets, back - 1))
    chance = np.cumsum(onsets, axis=1, dtype=np.float32) / np.float32(_A_DAY * period)
    return there, (there - chance) / np.sqrt(chance + np.float32(0.5))


def _with_days_before(tables: list[Table]) -> list[Table]:
    cohort = tables[-1]
    return [*tables, *(days_ago(cohort, days) for days in DAYS_BACK)]


def _signal_features(signal: str) -> list[Feature]:
    top, bottom = terms.total(signal), terms.count(signal)
    mean = Measure(signal, signal, "", _MACHINE, Text(signal, signal), top, bottom)
    return [Feature(mean, view) for view in (View.STEP, View.TREND, View.COHORT)]


def _rate(name: str, component: str) -> Measure:
    column = f"{name}.n"
    term = Term(column, (column,), pl.col(column))
    return Measure(name, name, "1/h", component, Text(name, name), term, terms.CLOCK, relative=False)


def _log_features(plant: Plant) -> list[Feature]:
    rates = [Feature(_rate(error, _MACHINE), View.DAY) for error in plant.errors]
    renewed = (*plant.components, *plant.errors, VISIT)
    return rates + [Feature(_rate(name, name), View.RENEWED) for name in renewed]
