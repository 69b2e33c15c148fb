"""Rows as another fleet might have shown them: training on its own fleet alone, a model learns its weather.

A change of season, a dusty month or new software moves a measure on all robots at once, and no fault is
behind it. Few such moves happen in one history, so they are made up: domain randomisation (Tobin et al.,
"Domain randomization for transferring deep neural networks from simulation to the real world", IROS 2017).
Nor does every make have every sensor: where all of a fleet tell how clogged their filters are, a model would
look at nothing else. So at times a signal is left out.
"""

from collections.abc import Sequence

import numpy as np

from fleet.clock import DAY_MS
from models.features.components import Component
from models.features.definitions import LIFE_VIEWS, YEAR_VIEWS, Feature, View
from models.features.windows import Floats, Ints

SHIFT = 0.5
"""How far measures are moved, in their usual spread over rows."""
FEW_ROWS = 40_000
"""Up to so many rows each is moved twice, in two ways; more of them are different enough by themselves."""
SILENT = 0.4
"""In this share of devices' weeks one signal, whichever, is left out."""
_GROUPS = 7
_WEEK_MS = 7 * DAY_MS
_MEASURED_ON = 20_000
_MOVED = frozenset({View.STEP, View.HOURS_6, View.HOURS_24, View.TREND, View.MONTH, View.OWN, View.FIRST})
"""What a move of a whole fleet shows in; against the cohort it cancels out."""


def shaken(features: Floats, table: Sequence[Feature], until: Ints, devices: Ints, seed: int) -> Floats:
    """Return rows in which changes over time are moved at random; FEW_ROWS twice, one below the other.

    In the last of them single signals are silent as well.

    `features` (rows, features), `table` says what each column is, `until` (epoch ms) and `devices` (numbers)
    are those of each row. All devices of a group move together for a week, each feature for itself.
    """
    rng = np.random.default_rng(seed)
    moved = np.array([each.view in _MOVED for each in table])
    spread = np.where(moved, SHIFT * _spread(features, rng), 0.0).astype(features.dtype)
    week = (until - until.min()) // _WEEK_MS
    group = (week * _GROUPS + devices % _GROUPS).astype(np.int64)
    count = int(group.max()) + 1
    copies = [
        features + rng.standard_normal((count, len(spread))).astype(features.dtype)[group] * spread
        for _ in range(2 if len(features) <= FEW_ROWS else 1)
    ]
    _silence(copies[-1], table, group, rng)
    return np.concatenate(copies)


def _silence(features: Floats, table: Sequence[Feature], group: Ints, rng: np.random.Generator) -> None:
    """Let groups of devices say nothing of one signal, in place; use, age and season are always known."""
    own = {column: _signals(each) for column, each in enumerate(table) if _is_sensed(each)}
    signals = sorted(set().union(*own.values()))
    count = int(group.max()) + 1
    chosen = np.where(rng.random(count) < SILENT, rng.integers(max(len(signals), 1), size=count), -1)
    for number, signal in enumerate(signals):
        columns = np.array([column for column, read in own.items() if signal in read])
        features[np.ix_(np.flatnonzero(chosen[group] == number), columns)] = np.nan


def _is_sensed(feature: Feature) -> bool:
    return feature.measure.component != Component.USE and feature.view not in (*LIFE_VIEWS, *YEAR_VIEWS)


def _signals(feature: Feature) -> set[str]:
    return {feature.measure.signal, *(given.signal for given in feature.measure.given)}


def _spread(features: Floats, rng: np.random.Generator) -> Floats:
    """Return the standard deviation of each feature without its outermost hundredths; 0 where unknown."""
    rows = features
    if len(rows) > _MEASURED_ON:
        rows = rows[rng.choice(len(rows), _MEASURED_ON, replace=False)]
    found = np.zeros(rows.shape[1])
    for column in range(rows.shape[1]):
        known = np.sort(rows[np.isfinite(rows[:, column]), column])
        inner = known[len(known) // 100 : len(known) - len(known) // 100]
        found[column] = inner.std() if len(inner) else 0.0
    return found
