"""What is looked at on the machines of azure-pdm: our features over their tiles and repairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from fleet.text import Text
from models import terms
from models.batch_windows import BatchWindows, Moments
from models.compute import Look
from models.features import Feature, View, terms_of
from models.grid import Floats, Ints, TileGrid
from models.measures import Measure
from models.terms import Term
from models.windows import FleetFacts, Windows
from models.yardsticks.azure_plant import SIGNALS, VISIT, Plant

_MACHINE = "machine"
"""No replacement renews it: what is seen on the machine as a whole."""
_VIEWS = (View.DAY, View.STEP, View.TREND, View.COHORT)
_DAYS_BACK = (1, 2, 3, 4)
_WINDOWS = Windows(month_days=7)


@dataclass(frozen=True)
class Rows:
    """Machines and moments to predict for. Shapes: (rows,).

    `devices` are places in `PlantFeatures.devices`; at `until` (epoch ms) the prediction is made.
    """

    devices: Ints
    until: Ints


def _mean(signal: str) -> Measure:
    top, bottom = terms.total(signal), terms.count(signal)
    return Measure(signal, signal, "", _MACHINE, Text(signal, signal), top, bottom)


def _rate(name: str, component: str) -> Measure:
    column = f"{name}.n"
    term = Term(column, (column,), pl.col(column))
    return Measure(name, name, "1/h", component, Text(name, name), term, terms.CLOCK, relative=False)


_ONSET = Feature(_rate("onset", _MACHINE), View.DAY)
_TELEMETRY = tuple(Feature(_mean(signal), view) for signal in SIGNALS for view in _VIEWS)
_DAY_LEVELS = tuple(each for each in _TELEMETRY if each.view in (View.DAY, View.COHORT))


class PlantFeatures:
    """Looks at a plant's rows. Nothing later than a row's `until` is used."""

    def __init__(self, plant: Plant, rows: Rows) -> None:
        self._plant, self._rows = plant, rows
        self._log = _log_features(plant)
        self._grid = TileGrid(terms_of((*_TELEMETRY, *self._log, _ONSET)))
        self._grid.update(plant.tiles)
        models = dict(zip(plant.machines["device_id"], plant.machines["model"], strict=True))
        self._facts = FleetFacts(models, plant.resets)

    def machine(self) -> dict[str, Floats]:
        """Return the model, as a number, and the age of each row's machine."""
        order = pl.DataFrame({"device_id": self._grid.devices})
        known = order.join(self._plant.machines, "device_id", "left", maintain_order="left")
        model = np.unique(known["model"].fill_null("").to_numpy(), return_inverse=True)[1]
        return {
            "model": model.astype(float)[self._rows.devices],
            "age": known["age"].to_numpy()[self._rows.devices],
        }

    def telemetry(self, period: int) -> dict[str, Floats]:
        """Return levels of the last known days, and how often shifts began at this phase of `period` days."""
        columns = self._named(_TELEMETRY, 0)
        for back in _DAYS_BACK:
            columns |= {f"{name} {back} d ago": each for name, each in self._named(_DAY_LEVELS, back).items()}
        return columns | self._rhythm(period)

    def log(self, period: int) -> dict[str, Floats]:
        """Return errors, days since each replacement, and days to the next visit of a schedule."""
        columns = self._named(self._log, 0)
        since = columns[f"{VISIT}:{View.RENEWED}"]
        return columns | {"next visit": period - np.mod(since, period)}

    def _rhythm(self, period: int) -> dict[str, Floats]:
        """Return how many onsets lie whole periods back, and by how many sd that is more than by chance.

        An onset's tile is that of the day after it, hence the one day less.
        """
        span = int(self._rows.until.max() - self._plant.start) // (24 * HOUR_MS)
        backs = range(period, span + 1, period)
        there = sum((self._counted(back - 1) for back in backs), np.zeros(len(self._rows.until)))
        total = self._running_total() / period
        return {"onsets in phase": there, "onsets beyond chance": (there - total) / np.sqrt(total + 0.5)}

    def _counted(self, back: int) -> Floats:
        return np.nan_to_num(self._look(back).at(_ONSET)) * _WINDOWS.steps

    def _running_total(self) -> Floats:
        now = self._rows.until // HOUR_MS
        return self._grid.window(
            _ONSET.measure.top, self._rows.devices, np.full_like(now, self._grid.origin), now
        )

    def _named(self, features: Sequence[Feature], back: int) -> dict[str, Floats]:
        matrix = self._look(back).matrix(features)
        return {feature.name: matrix[:, column] for column, feature in enumerate(features)}

    def _look(self, back: int) -> Look:
        hours = self._rows.until // HOUR_MS - 1 - back * _WINDOWS.day
        return Look(BatchWindows(self._grid, self._facts, Moments(self._rows.devices, hours), _WINDOWS))


def _log_features(plant: Plant) -> tuple[Feature, ...]:
    rates = [_rate(error, _MACHINE) for error in plant.errors]
    renewed = [_rate(name, name) for name in (*plant.components, *plant.errors, VISIT)]
    return (
        *(Feature(each, View.DAY) for each in rates),
        *(Feature(each, View.RENEWED) for each in renewed),
    )
