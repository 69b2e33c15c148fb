"""Judges risks of a foreign fleet by its fate, beside a rule that needs no product."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import DAY_MS
from fleet.signals import STANDARD_SIGNALS, Kind

_MAD = 1.4826
_LEAST = 1e-9


def first_week_z(frame: pl.DataFrame, devices: list[str]) -> NDArray[np.float64]:
    """Return for each device its mean robust z-score over all signals: the last day against its first week.

    Daily means are compared, as |last - median| / (1.4826 * MAD), each at most 20. `frame` are readings.
    """
    names = [
        s.name for s in STANDARD_SIGNALS.numeric(Kind.ROBOT) if frame[s.name].null_count() < frame.height
    ]
    daily = (
        frame.group_by("device_id", day=pl.col("ts") // DAY_MS)
        .agg(pl.col(name).mean() for name in names)
        .sort("device_id", "day")
    )
    found = {}
    for (device,), days in daily.group_by("device_id"):
        values = days.select(names).to_numpy().astype(float)
        week, last = values[:7], values[-1]
        middle = np.nanmedian(week, axis=0)
        spread = _MAD * np.nanmedian(np.abs(week - middle), axis=0)
        z = np.abs(last - middle)[spread > _LEAST] / spread[spread > _LEAST]
        found[str(device)] = float(np.nanmean(np.minimum(z, 20.0))) if len(z) else 0.0
    return np.array([found.get(device, 0.0) for device in devices])
