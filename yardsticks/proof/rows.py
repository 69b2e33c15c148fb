"""The rows that a replay learns from: what each look saw of every robot, as long as training looks back."""

from collections import deque

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import DAY_MS
from models.features.definitions import all_features
from models.features.history import Rows
from models.features.windows import Floats, Ints
from models.scoring.sight import Sight


class SeenRows:
    """Rows by look; those older than `days` before the newest are let go."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._looks: deque[tuple[int, pl.Series, Ints, Floats]] = deque()
        self._last: dict[str, int] = {}
        self._known: NDArray[np.bool_] = np.zeros(len(all_features()), dtype=bool)

    def take(self, sight: Sight) -> None:
        """Keep what is new of a look: a robot that is judged again without a new reading teaches nothing."""
        fleet = sight.fleet
        new = [row for row, name in enumerate(fleet.devices) if self._last.get(name, -1) < fleet.times[row]]
        if not new:
            return
        names = [fleet.devices[row] for row in new]
        until = np.array([fleet.times[row] + 1 for row in new], dtype=np.int64)
        self._last |= dict(zip(names, (until - 1).tolist(), strict=True))
        matrix = sight.matrix[new]
        self._known |= np.isfinite(matrix).any(axis=0)
        newest = int(until.max())
        self._looks.append((newest, pl.Series("device_id", names, pl.String), until, matrix))
        while self._looks[0][0] < newest - self._days * DAY_MS:
            self._looks.popleft()

    def silent(self) -> tuple[str, ...]:
        """Return the names of the features that no robot ever told."""
        names = [feature.name for feature in all_features()]
        return tuple(name for name, told in zip(names, self._known.tolist(), strict=True) if not told)

    def __len__(self) -> int:
        return sum(len(until) for _, _, until, _ in self._looks)

    def rows(self) -> Rows:
        """Return all that is kept; the matrix is a copy, which training may change."""
        return Rows(
            pl.concat([names for _, names, _, _ in self._looks]),
            np.concatenate([until for _, _, until, _ in self._looks]),
            np.concatenate([matrix for _, _, _, matrix in self._looks]),
        )
