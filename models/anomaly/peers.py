"""How the levels of a device compare with those of the other devices of its model.

A device whose history is short shows little change: its part may have been worn when the history began. What
it shows beside its peers tells more then, and less the longer it can be held against itself, since no two
devices are built and used alike.
"""

from dataclasses import dataclass

import numpy as np

from models.features.robust import known_mean, known_median, known_spread
from models.features.windows import Floats, Ints

RECENT_DAYS = 3
_LARGEST = 8.0
_LEAST_SPREAD = 1e-9
_LASTING, _AT_FIRST, _MOST = 0.2, 3.0, 0.8
"""What a spread above the peers weighs beside a change: 0.2 and 3 over the days known before, 0.8 at most."""


@dataclass(frozen=True, slots=True)
class Peers:
    """The `middle` and the `spread` of each measure's level in each group of devices, NaN where too few tell.

    Shapes: (measures, groups).
    """

    middle: Floats
    spread: Floats


def learn_peers(values: Floats, group: Ints, groups: int, least: int) -> Peers:
    """Learn from daily levels, shape (measures, days, devices); `group` numbers each device's model.

    The last group, of models with few devices, tells nothing, nor does a measure of fewer than `least`.
    """
    recent = known_mean(values[:, -RECENT_DAYS:], axis=1)
    middle = np.full((len(values), groups), np.nan, dtype=np.float32)
    spread = middle.copy()
    for number in range(groups - 1):
        own = recent[:, group == number]
        told = np.isfinite(own).sum(axis=1) >= least
        middle[told, number] = known_median(own[told])
        spread[told, number] = known_spread(own[told])
    return Peers(middle, spread)


def above_peers(values: Floats, worse: Floats, peers: Peers, group: Ints) -> tuple[Floats, Floats]:
    """Return by how many spreads devices are worse than their peers' middle, weighed, and that weight.

    `worse` (measures,) is +1 where wear raises a measure, -1 where it lowers it. Better devices have 0, as do
    both where it is not known. Shapes: (measures, devices).
    """
    recent = known_mean(values[:, -RECENT_DAYS:], axis=1)
    spread = peers.spread[:, group]
    away = worse[:, None] * (recent - peers.middle[:, group])
    known = (spread > _LEAST_SPREAD) & np.isfinite(away)
    z = np.divide(away, spread, out=np.zeros_like(away), where=known)
    weight = np.where(known, _weight(values), 0.0)
    return weight * np.clip(z, 0.0, _LARGEST), weight


def _weight(values: Floats) -> Floats:
    """Return what a spread above the peers weighs beside a change. Shape: (measures, devices)."""
    earlier = np.isfinite(values[:, :-RECENT_DAYS]).sum(axis=1)
    return np.asarray(np.minimum(_LASTING + _AT_FIRST / np.maximum(earlier, 1), _MOST))
