"""Lives: for each row of history how long it was until a repair of a wearing part was opened.

Many lives have no known end: history ends first. Where a row was watched for the whole `cap` without a repair
its life counts as `cap`; where history ended before that, and no repair had come, nothing is known of it.
Rows that are known stand for those that are not: each is weighted by the inverse of the share of rows that
were watched as long as its life is (inverse probability of censoring; Robins, Finkelstein, "Correcting for
noncompliance and dependent censoring", Biometrics 2000).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import Fault
from models.features.components import components_of
from models.features.definitions import View, columns_by_name, features_of
from models.features.history import History
from models.features.windows import Floats, Ints
from models.learning.labels import POSITIVE, UNKNOWN, label

UNITS = DAYS, HOURS = "days", "hours"
_APART_H = 1e7
"""Lays the hours of all devices on one line, far from each other."""


@dataclass(frozen=True, slots=True)
class Lives:
    """What became of each row, in order of history's rows. Shapes: (rows,).

    `left` until the end by unit of time, NaN where unknown: for a robot's part `days` and run `hours` until
    the repair was opened. `ended` where the end came within `cap` of the first unit, `noticed` (epoch ms, or
    any number that differs) when; `devices` a number for each device; `weight` for rows known.
    """

    left: Mapping[str, Floats]
    ended: NDArray[np.bool_]
    noticed: Ints
    devices: Ints
    weight: Floats
    cap: float

    @property
    def known(self) -> NDArray[np.bool_]:
        """Of which rows it is known how they went on."""
        return np.isfinite(next(iter(self.left.values())))

    def ends(self, rows: Ints) -> int:
        """Return how many different lives ended among some rows."""
        own = rows[self.ended[rows]]
        return int(np.unique(np.stack([self.devices[own], self.noticed[own]]), axis=1).shape[1])


def lives_of(fault: Fault, history: History) -> Lives | None:
    """Return what became of each row as to one fault; None for a fault that is no wear."""
    cap = fault.life_cap_days
    if cap is None:
        return None
    own = pl.col("fault") == fault.code
    labels = label(
        history.rows,
        history.repairs.filter(own),
        history.doubtful.filter(own),
        cap * DAY_MS,
        history.end,
    )
    until = history.rows["until"].to_numpy()
    ended = labels.value == POSITIVE
    days = np.where(ended, (np.where(ended, labels.noticed, until) - until) / DAY_MS, float(cap))
    run = _RunHours(history.devices, until, history.features[:, _used_column(fault)])
    hours = run.between(until, until + (days * DAY_MS).astype(np.int64))
    unknown = labels.value == UNKNOWN
    return Lives(
        {DAYS: np.where(unknown, np.nan, days), HOURS: np.where(unknown, np.nan, hours)},
        ended,
        labels.noticed,
        history.devices,
        _weights(days, (history.end - until) / DAY_MS),
        float(cap),
    )


def lives_of_units(
    unit: Ints, left: Floats, ended: NDArray[np.bool_], cap: float = np.inf, name: str = "steps"
) -> Lives:
    """Return what became of rows of units, each of one life. Shapes: (rows,).

    `left` until each unit was last seen, which was its end where `ended`. A life that goes on beyond `cap`
    counts as the cap; where a unit was cut off before that nothing is known of its rows but that others stand
    for them.
    """
    known = ended | (left >= cap)
    life = np.minimum(left, cap)
    return Lives(
        {name: np.where(known, life, np.nan)},
        ended & (left < cap),
        unit,
        unit,
        _weights_of_uncensored(life, known),
        cap,
    )


def _weights_of_uncensored(life: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return the inverse of the share of rows that would have been watched so long (Kaplan, Meier, 1958)."""
    order = np.lexsort((~known, life))
    at_risk = len(life) - np.arange(len(life))
    share = np.cumprod(np.where(known[order], 1.0, 1.0 - 1.0 / at_risk))
    weight = np.empty(len(life))
    weight[order] = 1.0 / np.maximum(share, 1.0 / len(life))
    return np.where(known, weight, 0.0)


def _weights(days: Floats, watched: Floats) -> Floats:
    """Return the inverse of the share of rows that were watched for at least `days`. Shape: (rows,)."""
    longest = np.sort(watched)
    share = 1 - np.searchsorted(longest, days - 1e-9) / len(longest)
    return np.asarray(1 / np.maximum(share, 1 / len(longest)))


def _used_column(fault: Fault) -> int:
    """Return which of all features tells the run hours of a fault's own component."""
    component = components_of(fault.code)[0]
    for feature in features_of(fault.code):
        if feature.view is View.USED and feature.measure.component == component:
            return columns_by_name()[feature.name]
    raise ValueError(f"no feature tells the run hours of {component}")


class _RunHours:
    """Run hours of each device up to any moment, from what its component had behind it at each row."""

    def __init__(self, devices: Ints, until: Ints, used: Floats) -> None:
        order = np.lexsort((until, devices))
        self._devices = devices
        self._line = self._at(devices, until)[order]
        hours = np.nan_to_num(np.asarray(used, dtype=np.float64))[order]
        step = np.diff(hours, prepend=0.0)
        step = np.where(step < 0, hours, step)  # a repair began to count anew
        step[np.append(True, np.diff(devices[order]) != 0)] = 0.0
        self._total = np.cumsum(step)

    @staticmethod
    def _at(devices: Ints, time: Ints) -> Floats:
        return devices * _APART_H + time / HOUR_MS

    def between(self, start: Ints, end: Ints) -> Floats:
        """Return each row's run hours between two times (epoch ms); none after a device's last row."""
        last = np.searchsorted(self._line, (self._devices + 1) * _APART_H) - 1
        until = np.minimum(self._at(self._devices, end), self._line[last])
        begun = np.interp(self._at(self._devices, start), self._line, self._total)
        return np.asarray(np.interp(until, self._line, self._total) - begun)
