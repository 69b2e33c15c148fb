"""Windows: how far features look back, and what a source of sums over tiles must be able to give.

Two sources do: `BatchWindows` cuts them out of all of history, `RollingWindows` keeps them up to date tile by
tile. `models/features/compute.py` turns either into features and cannot tell them apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.features.measures import Measure
from models.features.residuals import Relation
from models.features.terms import PRESENT, RUN_TIME, Term

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]

LEAST_COHORT = 5
"""A cohort is the device's model at its own site where that is so many devices, else the model everywhere."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Lengths of windows. A step is one tile (an hour of a fleet, a cycle of an engine), a day `day` steps.

    Days are counted from the epoch, not back from now: a day's sum never changes once it is over.
    """

    steps: int = 24
    """The recent steps that are looked at one by one."""
    short: int = 6
    day: int = 24
    recent_days: int = 3
    week_days: int = 7
    month_days: int = 30
    baseline: int = 120
    """Steps that make a baseline: the first of a device, or the first after a repair."""
    baseline_least: int = 24


@dataclass(frozen=True)
class FleetFacts:
    """What the desk knows: `models` and `sites` by device; `resets` (device_id, fault, ts in epoch ms)."""

    models: Mapping[str, str]
    resets: pl.DataFrame
    sites: Mapping[str, str] = field(default_factory=dict)


NO_RESETS = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "ts": pl.Int64})


class WindowSource(Protocol):
    """Sums of terms over windows that end with each pair's moment. Time is the first axis, oldest first."""

    @property
    def windows(self) -> Windows:
        """The lengths of the windows."""
        ...

    @property
    def now(self) -> Ints:
        """The step of each pair, counted from the epoch; the last that is used. Shape: (pairs,)."""
        ...

    @property
    def started(self) -> Ints:
        """The first step in which each device was heard. Shape: (pairs,)."""
        ...

    def life_start(self, component: str) -> Ints:
        """Return the first step after the last repair of a component; 0 for none. Shape: (pairs,)."""
        ...

    def steps(self, term: Term) -> Floats:
        """Return the recent steps one by one. Shape: (steps, pairs)."""
        ...

    def days(self, term: Term) -> Floats:
        """Return the last days, today's as far as it has come. Shape: (month_days, pairs)."""
        ...

    def first(self, term: Term) -> Floats:
        """Return the sum over the device's first `baseline` steps. Shape: (pairs,)."""
        ...

    def since_repair(self, term: Term, component: str) -> Floats:
        """Return the sum over the first `baseline` steps of the component's present life. Shape: (pairs,)."""
        ...

    def used(self, component: str, term: Term = RUN_TIME) -> Floats:
        """Return the run time (s), or charge cycles, of the component's present life. Shape: (pairs,)."""
        ...

    def cohort(self, term: Term) -> Floats:
        """Return the sum over the recent steps of all other devices of the cohort. Shape: (pairs,)."""
        ...

    def cohort_days(self, term: Term) -> Floats:
        """Return the sums of all other devices of the cohort over the last days: (month_days, pairs)."""
        ...

    def relation(self, measure: Measure) -> Relation:
        """Return how a measure goes with what it is given, on each device's model. Shapes: (given, pairs)."""
        ...


def hours_heard(source: WindowSource) -> Floats:
    """Return in how many of the last days' hours each device was heard. Shape: (pairs,)."""
    return np.asarray(source.days(PRESENT).sum(axis=0))


def heard_lately(source: WindowSource) -> Floats:
    """Return in how many of the recent hours each device was heard. Shape: (pairs,)."""
    return np.asarray(source.steps(PRESENT).sum(axis=0))


def overlap(start: Ints, end: Ints, low: Ints, high: Ints) -> Ints:
    """Return how many steps of start <= step < end lie in low <= step < high."""
    return np.asarray(np.maximum(np.minimum(end, high) - np.maximum(start, low), 0))


class Groups:
    """Who belongs to whom: each device's model, and its model at its site. Shapes: (devices,).

    Groups are numbered from 0: models first, then models at sites.
    """

    def __init__(self, devices: list[str], facts: FleetFacts) -> None:
        models = [facts.models.get(device, "unknown") for device in devices]
        places = [
            f"{model}\0{facts.sites.get(device, '')}" for model, device in zip(models, devices, strict=True)
        ]
        self.model = np.unique(models, return_inverse=True)[1].astype(np.int64)
        offset = int(self.model.max(initial=-1)) + 1
        self.place = np.unique(places, return_inverse=True)[1].astype(np.int64) + offset
        self.count = int(self.place.max(initial=-1)) + 1
        self._order = np.argsort(self.place, kind="stable")
        self._places, self._begins = np.unique(self.place[self._order], return_index=True)
        self._model_of_place = self.model[self._order][self._begins]
        size = np.bincount(self.place, minlength=self.count)
        self.cohort = np.where(size[self.place] >= LEAST_COHORT, self.place, self.model)

    def sums_of_all(self, values: Floats) -> NDArray[np.float64]:
        """Return the sums by group of `values` (..., devices) of all devices. Shape: (..., groups)."""
        total = np.zeros((*values.shape[:-1], self.count))
        if not len(self._order):
            return total
        of_places = np.add.reduceat(values[..., self._order], self._begins, axis=-1, dtype=np.float64)
        total[..., self._places] = of_places
        # A place's devices are of one model.
        for model, place in zip(self._model_of_place, self._places, strict=True):
            total[..., model] += total[..., place]
        return total

    def sums(self, values: Floats, rows: Ints) -> NDArray[np.float64]:
        """Return the sums by group of `values` (terms, rows). Shape: (terms, groups)."""
        total = np.zeros((len(values), self.count))
        if not len(rows):
            return total
        for group in (self.model[rows], self.place[rows]):
            order = np.argsort(group, kind="stable")
            kinds, starts = np.unique(group[order], return_index=True)
            total[:, kinds] = np.add.reduceat(values[:, order], starts, axis=1, dtype=np.float64)
        return total
