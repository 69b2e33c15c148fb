"""Lives that ended, against which any unit is held: who stood as it stands, and how long before the end.

A unit's last stretch of health indices, with what it has borne so far, is laid on each life that ended where
it fits best (trajectory similarity; Wang, Yu, Siegel, Lee, PHM 2008). What those lives bore from there on is
what the unit has left. Where a load is declared that is told in load, and becomes steps by how units that
were loaded alike so far were loaded next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.features.windows import Floats, Ints

LAGS = (0, 1, 2, 4, 8)
"""How many of the shortest windows ago a stretch is looked at."""
_BORNE = 0.15
"""What was borne so far may differ by this share of a usual life, as much as noise may in one index."""
_APART = 0.25
"""Loads of a step differ where they are this share of the mean apart: such a step makes a life e times less
likely to tell the loads to come."""
_AHEAD = (5, 10, 20)
"""So many of the shortest windows ahead the load that is to come is told."""
_ROOM = 3
"""Loads go on as they ended for so many of the longest lives."""


@dataclass(frozen=True)
class EndedLives:
    """`parts`, plain and storable: by row `place` (rows, dimensions), what was `left` and whose `life` it is.

    By life: `total` it bore, and its `load` by step (lives, steps), where one is declared. Health indices and
    what was borne become places in shares of `scale`; `window` is the shortest one.
    """

    parts: Mapping[str, Any]

    def look(self, stretch: Floats, borne: Floats, load: Floats, first: Ints, own: Ints) -> Floats:
        """Return features of rows. Shape: (rows, 5), or (rows, 11) with a load.

        `stretch` (rows, lags x indices), `borne` and `load` (rows,), `first` (rows,) where each one's unit
        begins, `own` (rows,) which of the lives it is itself, -1 for none: of that it is told nothing.

        Left by the lives that fit, how far they differ, left by the nearest one, how far off it is, and what
        they bore in all less what was borne. With a load these are in load, and the same follows in steps:
        by the lives that fit, by what these and by what all bore, and the load to come.
        """
        left, off = self._left(stretch, borne, own)
        weight, told = _told(left, off, stretch.shape[1] + 1)
        total = np.asarray(self.parts["total"])
        rest = (weight * total).sum(axis=1) - borne
        table = np.column_stack([told, rest])
        if self.parts["load"] is None:
            return table
        others = (total.sum() - np.where(own >= 0, total[own], 0.0)) / (len(total) - (own >= 0)) - borne
        wanted = np.maximum(np.stack([told[:, 0], rest, others]), 0.0)
        return np.hstack([table, self._in_steps(wanted, load, first, own)])

    def _left(self, stretch: Floats, borne: Floats, own: Ints) -> tuple[Floats, Floats]:
        """Return what each life had left where it fits best, and how far off that is: (rows, lives) each."""
        at = np.column_stack([stretch, borne]) / np.asarray(self.parts["scale"])
        place, life = np.asarray(self.parts["place"]), np.asarray(self.parts["life"])
        left, off = np.empty((2, len(at), len(self.parts["total"])))
        square = (at**2).sum(axis=1)
        for each in range(left.shape[1]):
            rows = np.flatnonzero(life == each)
            apart = square[:, None] - 2 * at @ place[rows].T + (place[rows] ** 2).sum(axis=1)
            best = apart.argmin(axis=1)
            left[:, each] = np.asarray(self.parts["left"])[rows][best]
            off[:, each] = np.maximum(apart[np.arange(len(at)), best], 0.0)
        off[np.flatnonzero(own >= 0), own[own >= 0]] = np.inf
        return left, off

    def _in_steps(self, wanted: Floats, load: Floats, first: Ints, own: Ints) -> Floats:
        """Return the steps until `wanted` loads (kinds, rows) were borne, and the mean loads ahead."""
        loads = np.asarray(self.parts["load"])
        fed = np.pad(np.cumsum(loads, axis=1), ((0, 0), (1, 0)))
        clock = np.arange(fed.shape[1], dtype=float)
        apart = _APART * float(loads.mean())
        found = np.empty((len(load), len(wanted) + len(_AHEAD)))
        for begin in np.unique(first):
            rows = np.flatnonzero(first == begin)
            at = np.minimum(np.arange(len(rows)), loads.shape[1] - 1)
            differ = np.cumsum(np.abs(loads[:, at] - load[rows]) > apart, axis=1).astype(float)
            if own[begin] >= 0:
                differ[own[begin]] = np.inf
            weight = np.exp(differ.min(axis=0) - differ)
            weight = weight / weight.sum(axis=0)
            borne = fed[:, at + 1]
            for kind, rest in enumerate(wanted[:, rows]):
                steps = [np.interp(b + rest, each, clock) for b, each in zip(borne, fed, strict=True)]
                found[rows, kind] = (weight * np.stack(steps)).sum(axis=0) - (at + 1)
            for kind, windows in enumerate(_AHEAD):
                steps_on = windows * int(self.parts["window"])
                later = fed[:, np.minimum(at + 1 + steps_on, fed.shape[1] - 1)]
                found[rows, len(wanted) + kind] = (weight * (later - borne)).sum(axis=0) / steps_on
        return found


def _told(left: Floats, off: Floats, dimensions: int) -> tuple[Floats, Floats]:
    """Return how much each life counts for each row, (rows, lives), and features of what they had left."""
    nearest = off.min(axis=1, keepdims=True)
    weight = np.exp(-(off - nearest) / (nearest + dimensions))
    weight = weight / weight.sum(axis=1, keepdims=True)
    mean = (weight * left).sum(axis=1)
    spread = np.sqrt((weight * (left - mean[:, None]) ** 2).sum(axis=1))
    best = left[np.arange(len(left)), off.argmin(axis=1)]
    return weight, np.column_stack([mean, spread, best, np.sqrt(nearest[:, 0])])


def stretches(health: Floats, first: Ints, window: int) -> Floats:
    """Return for each row its health indices at LAGS windows ago, or its first: (rows, lags x indices)."""
    rows = np.arange(len(health))
    return np.hstack([health[np.maximum(rows - lag * window, first)] for lag in LAGS])


def learn_lives(
    stretch: Floats, borne: Floats, life: Ints, noise: Floats, window: int, load: Floats | None
) -> EndedLives:
    """Learn from every row of lives that ended, by life (numbered from 0) and step; `noise` by index."""
    last = np.flatnonzero(np.append(life[1:] != life[:-1], True))
    total = borne[last]
    scale = np.append(np.tile(noise, len(LAGS)), _BORNE * float(np.median(total)))
    age = np.arange(len(life)) - np.append(0, last[:-1] + 1)[life]
    rows = np.flatnonzero(age % max(1, window // 2) == 0)
    parts: dict[str, Any] = {
        "place": np.column_stack([stretch, borne])[rows] / scale,
        "left": (total[life] - borne)[rows],
        "life": life[rows],
        "total": total,
        "scale": scale,
        "window": window,
        "load": None if load is None else _laid(load, last),
    }
    return EndedLives(parts)


def _laid(load: Floats, last: Ints) -> Floats:
    """Return loads by life and step, each going on as it ended. Shape: (lives, steps)."""
    own = np.split(load, last[:-1] + 1)
    longest = max(len(each) for each in own)
    return np.stack([np.pad(each, (0, (1 + _ROOM) * longest - len(each)), mode="edge") for each in own])
