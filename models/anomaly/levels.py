"""Daily levels of what the anomaly score watches, of each device up to its own newest reading."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.anomaly.watched import WATCHED
from models.features.windows import Floats, Ints, WindowSource

DAYS = 30
_EMPTY = 1e-9
_HALF = 0.5


@dataclass(frozen=True)
class Levels:
    """What is known of some devices: `values` (measures, DAYS, devices), the last day last, NaN for unknown.

    `last` is the calendar day, counted from the epoch, of each device's last day; `models` numbers its model
    of device. Shapes: (devices,).
    """

    values: NDArray[np.float32]
    last: Ints
    models: Ints

    def __len__(self) -> int:
        return len(self.last)

    def of(self, devices: NDArray[np.bool_] | Ints | slice) -> "Levels":
        """Return those of some devices."""
        return Levels(self.values[:, :, devices], self.last[devices], self.models[devices])


def joined(parts: Sequence[Levels]) -> Levels:
    """Return the devices of all parts as one."""
    return Levels(
        np.concatenate([part.values for part in parts], axis=2),
        np.concatenate([part.last for part in parts]),
        np.concatenate([part.models for part in parts]),
    )


def daily_levels(source: WindowSource, models: Ints) -> Levels:
    """Return the levels of a source's devices, without days on or before the last repair of a component.

    The day that has just begun is laid to the one before until it is half over: an hour's level says little.
    """
    day, now = source.windows.day, source.now
    begun = (now + 1) % day / day
    merged = (begun > 0) & (begun < _HALF)
    last = now // day - merged
    days = last - np.arange(DAYS - 1, -1, -1)[:, None]
    values = np.full((len(WATCHED), DAYS, len(now)), np.nan, dtype=np.float32)
    for row, each in enumerate(WATCHED):
        top, bottom = (
            _merge(source.days(term)[-DAYS:].astype(np.float32), merged)
            for term in (each.measure.top, each.measure.bottom)
        )
        known = (bottom > _EMPTY) & (days * day >= source.life_start(each.measure.component))
        np.divide(top, bottom, out=values[row], where=known)
        if each.measure.root:
            values[row] = np.sqrt(np.maximum(values[row], 0.0))
    return Levels(values, last, models)


def _merge(sums: Floats, merged: NDArray[np.bool_]) -> Floats:
    """Return daily sums in which the last day of some devices is counted to the one before."""
    shifted = np.concatenate([np.zeros_like(sums[:1]), sums[:-1]])
    shifted[-1] += sums[-1]
    return np.where(merged, shifted, sums)
