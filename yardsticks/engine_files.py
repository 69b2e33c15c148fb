"""The turbofans of the cmapss yardstick as a fleet of ours: a tile for each cycle.

Saxena, Goebel, Simon, Eklund, "Damage propagation modeling for aircraft engine run-to-failure simulation",
PHM 2008 (NASA, simulated).
"""

import gzip
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from fleet.errors import InvalidInput
from models.features.windows import Floats, Ints
from yardsticks.report import find_file

SENSORS = tuple(f"s{number}" for number in range(1, 22))
_SETTINGS = 3
_COLUMNS = 2 + _SETTINGS + len(SENSORS)
_SETTING_DIGITS = (0, 2, 0)
"""Altitude (1,000 ft), Mach number and throttle wander a little around the points that are flown."""


@dataclass(frozen=True)
class Flights:
    """Cycles of some engines, by engine and cycle.

    `unit` and `cycle` (from 1 on), shape (cycles,); `settings` (cycles, 3), `sensors` (cycles, 21).
    """

    unit: Ints
    cycle: Ints
    settings: Floats
    sensors: Floats

    @property
    def last(self) -> Ints:
        """Where each engine's last cycle stands. Shape: (engines,)."""
        return np.flatnonzero(np.append(self.unit[1:] != self.unit[:-1], True))

    def remaining(self) -> Ints:
        """Return how many cycles follow each in the files. Shape: (cycles,)."""
        last = self.last
        engine = np.searchsorted(last, np.arange(len(self.unit)))
        return np.asarray(self.cycle[last][engine] - self.cycle)


@dataclass(frozen=True)
class Engines:
    """One set of files: engines run to failure, others cut off before, and what those had left (cycles)."""

    name: str
    train: Flights
    test: Flights
    left: Ints


def sets_in(folder: Path) -> list[str]:
    """Return the names of the sets in a folder (`FD001`), sorted. Raises InvalidInput for none."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds train_FD001.txt or .txt.gz")
    found = {
        match[1]
        for path in folder.iterdir()
        if (match := re.fullmatch(r"train_(\w+)\.txt(?:\.gz)?", path.name))
    }
    if not found:
        raise InvalidInput(f"{folder} holds no train_NAME.txt or train_NAME.txt.gz, as train_FD001.txt")
    return sorted(found)


def read_engines(folder: Path, name: str) -> Engines:
    """Read one set of files. Raises InvalidInput that names the file and what is wrong."""
    train = _flights(find_file(folder, f"train_{name}.txt"))
    test = _flights(find_file(folder, f"test_{name}.txt"))
    path = find_file(folder, f"RUL_{name}.txt")
    left = _table(path, 1)[:, 0]
    if len(left) != len(test.last):
        raise InvalidInput(f"{path} holds {len(left)} lives for {len(test.last)} test units")
    if (left < 0).any():
        raise InvalidInput(f"{path} holds a remaining life below 0")
    return Engines(name, train, test, left.astype(np.int64))


def _flights(path: Path) -> Flights:
    table = _table(path, _COLUMNS)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    unit, cycle = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    new = np.append(True, unit[1:] != unit[:-1])
    expected = np.where(new, 1, np.append(0, cycle[:-1]) + 1)
    wrong = np.flatnonzero((cycle != expected) | (table[:, 1] != cycle))
    if len(wrong):
        at = wrong[0]
        raise InvalidInput(
            f"{path}: unit {unit[at]} has cycle {table[at, 1]:g} where {expected[at]} should be; cycles "
            "count up from 1 without a gap"
        )
    return Flights(unit, cycle, table[:, 2 : 2 + _SETTINGS], table[:, 2 + _SETTINGS :])


def _table(path: Path, columns: int) -> Floats:
    """Return the numbers of a file without a header, separated by blanks. Shape: (lines, columns)."""
    try:
        body = path.read_bytes()
        if path.suffix == ".gz":
            body = gzip.decompress(body)
        table = np.loadtxt(BytesIO(body), ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as numbers between blanks: {error}") from error
    if not table.size:
        raise InvalidInput(f"{path} holds no line")
    if table.shape[1] != columns:
        raise InvalidInput(f"{path} has {table.shape[1]} columns; {columns} are needed")
    if not np.isfinite(table).all():
        raise InvalidInput(f"{path} holds a value that is no finite number")
    return np.asarray(table)


@dataclass(frozen=True)
class Regimes:
    """What sensors usually show at each point that is flown: mean and sd, learned from training engines.

    `points` (regimes, 3) are rounded settings; `mean` and `sd` have the shape (regimes, 21), sd 0 for a
    sensor that stands still.
    """

    points: Floats
    mean: Floats
    sd: Floats

    def standard(self, flights: Flights) -> Floats:
        """Return the sensors in sd from the mean of the nearest regime, 0 for one that stands still."""
        distance = np.stack(
            [np.abs(_rounded(flights.settings) - point).sum(axis=1) for point in self.points], axis=1
        )
        regime = distance.argmin(axis=1)
        sd = self.sd[regime]
        return np.where(sd > 0, (flights.sensors - self.mean[regime]) / np.where(sd > 0, sd, 1.0), 0.0)


def learn_regimes(flights: Flights) -> Regimes:
    """Return the regimes of some engines."""
    points, regime = np.unique(_rounded(flights.settings), axis=0, return_inverse=True)
    regime = regime.ravel()
    mean = np.stack([flights.sensors[regime == each].mean(axis=0) for each in range(len(points))])
    sd = np.stack([flights.sensors[regime == each].std(axis=0) for each in range(len(points))])
    return Regimes(points, mean, np.where(sd > 1e-9 * np.abs(mean), sd, 0.0))


def _rounded(settings: Floats) -> Floats:
    return np.stack(
        [np.round(settings[:, column], digits) for column, digits in enumerate(_SETTING_DIGITS)], axis=1
    ) + np.zeros(1)  # which turns -0.0 into 0.0


def as_tiles(flights: Flights, values: Floats, names: tuple[str, ...]) -> pl.DataFrame:
    """Return a tile for each cycle, in place of an hour, of signals `names`: values (cycles, signals)."""
    columns: dict[str, object] = {
        "device_id": flights.unit.astype(str),
        "hour": flights.cycle * HOUR_MS,
        "readings": np.ones(len(flights.unit), dtype=np.int64),
    }
    for column, name in enumerate(names):
        columns[f"{name}.n"] = np.ones(len(flights.unit), dtype=np.int64)
        columns[f"{name}.mean"] = values[:, column]
    return pl.DataFrame(columns)
