"""From windows to risks of unusual behaviour: who is compared with whom, in pieces that fit into memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.risks import RISK_COLUMNS
from models.anomaly.expected import UNKNOWN, Expected
from models.anomaly.fleet import judge, learn_usual
from models.anomaly.levels import daily_levels
from models.anomaly.risk import anomaly_risks
from models.features.windows import Ints, WindowSource

Window = Callable[[Ints], WindowSource]
"""Cuts the windows of some rows."""
LARGEST_SAMPLE = 300
"""So many devices of a model tell what is usual for it."""
AT_ONCE = 1024


@dataclass(frozen=True)
class Pieces:
    """Devices to be judged, with a way to their windows.

    `rows` number the devices in whatever `window` cuts sources from, `models` numbers the model of each.
    """

    devices: Sequence[str]
    times: Sequence[int]
    rows: Ints
    models: Ints


def unusual(
    window: Window,
    asked: Pieces,
    others_rows: Ints,
    others_models: Ints,
    *,
    models: bool,
    expected: Expected = UNKNOWN,
) -> pl.DataFrame:
    """Return the risks of unusual behaviour of the devices asked for, held against the others.

    `others_rows` are all devices that may be compared with, themselves included; of many a sample is taken.
    `models` tells whether there are models of known faults (models/anomaly/risk.py), `expected` how often
    the fleet fails.
    """
    if not len(asked.rows) or not len(others_rows):
        return pl.DataFrame(schema=RISK_COLUMNS)
    chosen = sample(others_models)
    usual = learn_usual(daily_levels(window(others_rows[chosen]), others_models[chosen]))
    frames = [pl.DataFrame(schema=RISK_COLUMNS)]
    for start in range(0, len(asked.rows), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        levels = daily_levels(window(asked.rows[piece]), asked.models[piece])
        found = judge(levels, usual)
        times = asked.times[piece]
        frames.append(
            anomaly_risks(asked.devices[piece], times, levels, found, models=models, expected=expected)
        )
    return pl.concat(frames)


def sample(models: Ints) -> Ints:
    """Return places of at most LARGEST_SAMPLE devices of each model, evenly over their order."""
    order = np.argsort(models, kind="stable")
    size = np.bincount(models)
    begin = np.concatenate([[0], np.cumsum(size)[:-1]])
    rank = np.arange(len(models)) - begin[models[order]]
    step = -(-size // LARGEST_SAMPLE)
    return np.sort(order[rank % np.maximum(step, 1)[models[order]] == 0])
