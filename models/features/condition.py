"""The condition of units of a declared kind: what is looked at, and what lives that ended taught to look for.

From lives that ended are learned the regimes of set-points, the directions in which signals drift towards an
end (health indices), how long a life is, and where lives stood before their end (models.features.similar).
Nothing later than a step is used to look at it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
from models.features.own import OwnKind
from models.features.regimes import Regimes, learn_regimes
from models.features.similar import EndedLives, learn_lives, stretches
from models.features.windows import NO_RESETS, FleetFacts, Floats, Ints, Windows

_VIEWS = (View.DAY, View.STEP, View.TREND, View.MONTH, View.FIRST)
_PART_OF_LIFE = 40
"""The shortest window is such a part of a usual life."""
MOST_INDICES = 3
_LEAST_ENERGY = 0.05
"""A direction that explains less of what units show at their ends is none."""
_WITHIN = 3
"""How many channels tell what a signal showed within a step; the first of them is its highest."""
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Steps:
    """Steps of some units, by unit and step: numbers of `unit`, the `step`, and `values` by channel."""

    unit: Ints
    step: Ints
    names: tuple[str, ...]
    values: Mapping[str, Floats]

    @property
    def first(self) -> Ints:
        """Where each row's unit begins. Shape: (rows,)."""
        new = np.flatnonzero(np.append(True, self.unit[1:] != self.unit[:-1]))
        return np.asarray(new[np.searchsorted(new, np.arange(len(self.unit)), side="right") - 1])

    @property
    def last(self) -> Ints:
        """Where each unit ends. Shape: (units,)."""
        return np.flatnonzero(np.append(self.unit[1:] != self.unit[:-1], True))

    def matrix(self, names: tuple[str, ...]) -> Floats:
        """Return some channels. Shape: (rows, channels)."""
        return (
            np.stack([self.values[name] for name in names], axis=1)
            if names
            else np.empty((len(self.unit), 0))
        )


def steps_of(channels: pl.DataFrame) -> Steps:
    """Return a frame of models.features.own.channels_of as arrays; units are numbered in their order."""
    units = channels["unit"].unique(maintain_order=True)
    index = dict(zip(units.to_list(), range(len(units)), strict=True))
    return Steps(
        channels["unit"].replace_strict(index, return_dtype=pl.Int64).to_numpy(),
        channels["step"].to_numpy(),
        tuple(str(each) for each in units),
        {name: channels[name].to_numpy() for name in channels.columns if name not in ("unit", "step")},
    )


@dataclass(frozen=True)
class Condition:
    """What was learned of a kind. `parts` are plain and storable."""

    kind: OwnKind
    parts: Mapping[str, Any]

    def standard(self, steps: Steps) -> Floats:
        """Return the means of signals in sd from what is usual at their set-points: (rows, signals)."""
        regimes = Regimes(self.parts["regimes"])
        names = tuple(self.parts["names"])
        return np.nan_to_num(regimes.standard(steps.matrix(self.kind.setpoints), steps.matrix(names)))

    def health(self, standard: Floats) -> Floats:
        """Return the health indices of rows: (rows, indices)."""
        return np.asarray(standard @ np.asarray(self.parts["axes"]).T)

    def look(self, steps: Steps, lives: Ints | None = None) -> Floats:
        """Return the features of every step. Shape: (rows, features).

        `lives` says of each unit which of the lives that were learned from it is itself, -1 for none.
        """
        window = int(self.parts["window"])
        standard = self.standard(steps)
        age = steps.step - steps.step[steps.first] + 1.0
        shown, own = standard[:, Regimes(self.parts["regimes"]).moving], [age, np.log(age)]
        within = self._within(steps)
        if within.shape[1]:
            high = highest(steps, within[:, ::_WITHIN])
            shown = np.hstack([shown, within])
            own += [high, high - within[:, ::_WITHIN]]
        load = self._load(steps)
        borne = so_far(steps, load)
        if self.kind.load is not None:
            own.append(borne / age)
            shown = np.column_stack([shown, load])
        own.append(borne)
        health = self.health(standard)
        stretch = stretches(smoothed(steps, health, window), steps.first, window)
        itself = (np.full(len(steps.last), -1) if lives is None else lives)[steps.unit]
        ended = EndedLives(self.parts["lives"])
        return np.column_stack(
            [
                *own,
                looked_at(steps, shown, _VIEWS, signal_windows(window)),
                looked_at(steps, health, _VIEWS, health_windows(window)),
                ended.look(stretch, borne, load, steps.first, itself),
            ]
        )

    def _load(self, steps: Steps) -> Floats:
        """Return what each step bore: the declared load, or 1."""
        if self.kind.load is None:
            return np.ones(len(steps.unit))
        return np.nan_to_num(steps.values[self.kind.load])

    def _within(self, steps: Steps) -> Floats:
        """Return highest, lowest and spread within a step of signals with several readings, in usual sd."""
        many = list(self.parts["many"])
        if not many:
            return np.empty((len(steps.unit), 0))
        sd = np.asarray(self.parts["regimes"]["sd"]).max(axis=0)
        scale = np.repeat([sd[self.parts["names"].index(name)] for name in many], _WITHIN)
        names = tuple(f"{name}:{each}" for name in many for each in ("top", "low", "spread"))
        return np.asarray(np.nan_to_num(steps.matrix(names) / scale))


def learn_condition(kind: OwnKind, steps: Steps, ended: Bools) -> Condition:
    """Learn from units of which some (`ended`, by unit) were seen to their end."""
    names = tuple(name for name in _means(kind) if name in steps.values)
    values = steps.matrix(names)
    last = steps.last
    length = np.diff(np.append(-1, last))
    early = np.arange(len(steps.unit)) - steps.first < length[steps.unit] / 2
    regimes = learn_regimes(steps.matrix(kind.setpoints)[early], values[early])
    window = max(2, round(float(np.median(length[ended])) / _PART_OF_LIFE))
    parts: dict[str, Any] = {
        "names": list(names),
        "regimes": dict(regimes.parts),
        "window": window,
        "many": _with_several_readings(steps, names, regimes),
    }
    learned = Condition(kind, parts)
    standard = learned.standard(steps)
    change = np.nan_to_num(looked_at(steps, standard, (View.FIRST,), signal_windows(window)[:1]))
    late = (last[steps.unit] - np.arange(len(steps.unit)) < window) & ended[steps.unit]
    parts["axes"] = _axes(change[late])
    parts["lives"] = dict(_ended_lives(learned, steps, standard, ended, early).parts)
    return learned


def lives_among(ended: Bools) -> Ints:
    """Return which life each unit that was learned from is itself: those that ended are numbered in order."""
    return np.where(ended, np.cumsum(ended) - 1, -1)


def _with_several_readings(steps: Steps, names: tuple[str, ...], regimes: Regimes) -> list[str]:
    spread = [steps.values.get(f"{name}:spread", np.zeros(1)) for name in names]
    return [
        name
        for name, moves, each in zip(names, regimes.moving, spread, strict=True)
        if moves and np.nanmax(each, initial=0.0) > 0
    ]


def _ended_lives(
    learned: Condition, steps: Steps, standard: Floats, ended: Bools, early: Bools
) -> EndedLives:
    window = int(learned.parts["window"])
    level = smoothed(steps, learned.health(standard), window)
    before = np.maximum(np.arange(len(level)) - window, steps.first)
    noise = np.maximum((level - level[before])[early].std(axis=0), 1e-6)
    rows = np.flatnonzero(ended[steps.unit])
    life = lives_among(ended)[steps.unit][rows]
    load = learned._load(steps)
    stretch = stretches(level, steps.first, window)
    told = None if learned.kind.load is None else load[rows]
    return learn_lives(stretch[rows], so_far(steps, load)[rows], life, noise, window, told)


def smoothed(steps: Steps, health: Floats, window: int) -> Floats:
    """Return the mean of health indices over the shortest window: (rows, indices)."""
    return np.asarray(
        np.nan_to_num(looked_at(steps, health, (View.DAY,), signal_windows(window)[:1])), dtype=np.float64
    )


def _means(kind: OwnKind) -> list[str]:
    names = []
    for each in kind.condition:
        names += [f"{each.name}={code}" for code in each.codes] if each.codes else [each.name]
    return names


def _axes(change: Floats) -> Floats:
    """Return the directions in which signals have moved by the end: (indices, signals), strongest first."""
    _, strength, axes = np.linalg.svd(change, full_matrices=False)
    energy = strength**2 / max(float((strength**2).sum()), 1e-12)
    kept = axes[: max(1, int((energy[:MOST_INDICES] >= _LEAST_ENERGY).sum()))]
    sign = np.sign((change @ kept.T).mean(axis=0))
    return np.asarray(kept * np.where(sign == 0, 1.0, sign)[:, None])


def signal_windows(u: int) -> tuple[Windows, ...]:
    """Return how far signals are looked at; `u` is the shortest window, in steps."""
    return Windows(u, u, 1, 2 * u, 4 * u, 8 * u, 4 * u, 2), Windows(2 * u, u, 1, u, 4 * u, 8 * u, 4 * u, 2)


def health_windows(u: int) -> tuple[Windows, ...]:
    """Return how far health indices are looked at."""
    s = max(2, round(0.6 * u))
    return Windows(s, s, 1, u, 2 * u, 4 * u, 4 * u, 2), Windows(4 * u, u, 1, 4 * u, 8 * u, 12 * u, 4 * u, 2)


def looked_at(steps: Steps, values: Floats, views: tuple[View, ...], looks: tuple[Windows, ...]) -> Floats:
    """Return each of `values` (rows, channels) in some views and looks. Shape: (rows, features)."""
    names = tuple(f"c{column}" for column in range(values.shape[1]))
    features = [Feature(_mean(name), view) for name in names for view in views]
    grid = TileGrid(terms_of(features))
    grid.update(_as_tiles(steps, values, names))
    rows = grid.rows_of([f"{unit:09d}" for unit in steps.unit])
    facts = FleetFacts({}, NO_RESETS)
    moments = Moments(rows, steps.step)
    return np.hstack([Look(BatchWindows(grid, facts, moments, look)).matrix(features) for look in looks])


def _mean(signal: str) -> Measure:
    top, bottom = terms.total(signal), terms.count(signal)
    return Measure(signal, signal, "", "own", Text(signal, signal), top, bottom, relative=False)


def _as_tiles(steps: Steps, values: Floats, names: tuple[str, ...]) -> pl.DataFrame:
    one = np.ones(len(steps.unit), dtype=np.int64)
    columns: dict[str, object] = {
        "device_id": [f"{unit:09d}" for unit in steps.unit],
        "hour": steps.step * HOUR_MS,
        "readings": one,
    }
    for column, name in enumerate(names):
        columns[f"{name}.n"], columns[f"{name}.mean"] = one, values[:, column]
    return pl.DataFrame(columns)


def so_far(steps: Steps, values: Floats) -> Floats:
    """Return the sum of values over each unit up to each row. Shape: (rows,)."""
    total = np.cumsum(values)
    return np.asarray(total - total[steps.first] + values[steps.first])


def highest(steps: Steps, values: Floats) -> Floats:
    """Return the highest of values (rows, channels) over each unit up to each row."""
    found = np.empty_like(values)
    begin = 0
    for end in steps.last + 1:
        found[begin:end] = np.maximum.accumulate(values[begin:end], axis=0)
        begin = end
    return found
