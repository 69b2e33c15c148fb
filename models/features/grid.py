"""The tile grid: running sums of terms over devices and hours, so that any window is one subtraction.

Batch and incremental execution meet here: training lays all of history into a grid at once, serving lays each
new hour onto one that it keeps. Whoever reads windows from it cannot tell the difference.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import HOUR_MS
from models.features.terms import Term, values

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK_HOURS = 168
"""Hours are added in such chunks, so that a growing grid is copied once a week and not once an hour."""


class TileGrid:
    """Running sums of `terms`. Hours are counted from the epoch; devices stand in order of their ids.

    `_sums[t, d, h]` is the sum of term t of device d over all hours before `origin + h`.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = tuple(terms)
        self.devices: list[str] = []
        self.origin = 0
        self.end = 0
        """The hour after the newest tile."""
        self._row = {term.name: row for row, term in enumerate(self.terms)}
        self._sums: Floats = np.zeros((len(self.terms), 0, 1))

    def update(self, tiles: pl.DataFrame) -> None:
        """Lay tiles (fleet.tiles) over what is there: a new hour is added, a known one is replaced.

        Costs in proportion to the hours from the oldest tile given to the newest one known.
        """
        if not tiles.height:
            return
        hours = (tiles["hour"] // HOUR_MS).to_numpy()
        self._make_room(tiles["device_id"].unique(), int(hours.min()), int(hours.max()) + 1)
        index = {device: row for row, device in enumerate(self.devices)}
        rows = tiles["device_id"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
        first = int(hours.min()) - self.origin
        cells = np.diff(self._sums[:, :, first:], axis=2)
        cells[:, rows, hours - self.origin - first] = values(self.terms, tiles)
        self._sums[:, :, first + 1 :] = self._sums[:, :, first : first + 1] + np.cumsum(cells, axis=2)

    def forget(self, before: int) -> None:
        """Drop the hours before `before`, in whole chunks; windows that begin later stay the same."""
        chunks = (before - self.origin) // _CHUNK_HOURS
        if chunks > 0 and before < self.end:
            self._sums = self._sums[:, :, chunks * _CHUNK_HOURS :].copy()
            self.origin += chunks * _CHUNK_HOURS

    def rows_of(self, devices: Sequence[str]) -> Ints:
        """Return the rows of devices by id; -1 for one without tiles."""
        index = {device: row for row, device in enumerate(self.devices)}
        return np.array([index.get(device, -1) for device in devices], dtype=np.int64)

    def window(self, term: Term, rows: Ints, start: Ints, end: Ints) -> Floats:
        """Return the sums of a term over hours start <= h < end, one for each triple; 0 if empty."""
        sums = self._sums[self._row[term.name]]
        low, high = self._clip(start), self._clip(end)
        found: Floats = sums[rows, np.maximum(low, high)] - sums[rows, low]
        return found

    def cells(self, term: Term, rows: Ints, edges: Ints) -> Floats:
        """Return the sums between neighbouring `edges`, shape (cells + 1, rows). Shape: (cells, rows)."""
        found: Floats = np.diff(self._sums[self._row[term.name]][rows, self._clip(edges)], axis=0)
        return found

    def totals(self, term: Term, start: Ints, end: Ints) -> Floats:
        """Return the sums of all devices over windows start <= h < end. Shape: (devices, windows)."""
        sums = self._sums[self._row[term.name]]
        found: Floats = sums[:, self._clip(end)] - sums[:, self._clip(start)]
        return found

    def first_hours(self, term: Term) -> Ints:
        """Return for each device the first hour in which a term was above 0; the end of the grid for none."""
        seen = self._sums[self._row[term.name]]
        started = seen > seen[:, :1]
        first = np.where(started.any(axis=1), started.argmax(axis=1) - 1, self.end - self.origin)
        return first + self.origin

    def _clip(self, hours: Ints) -> Ints:
        return np.clip(hours - self.origin, 0, self._sums.shape[2] - 1)

    def _make_room(self, devices: pl.Series, start: int, end: int) -> None:
        if not self.devices:
            self.origin = self.end = start
        before = max(self.origin - start, 0)
        needed = end - self.origin + 1 - self._sums.shape[2]
        after = -(-max(needed, 0) // _CHUNK_HOURS) * _CHUNK_HOURS
        if before or after:
            self._sums = np.pad(self._sums, ((0, 0), (0, 0), (before, after)), mode="edge")
            self.origin -= before
        self.end = max(self.end, end)
        fresh = sorted(set(devices.to_list()) - set(self.devices))
        if fresh:
            places = np.searchsorted(np.array(self.devices, dtype=str), np.array(fresh))
            self._sums = np.insert(self._sums, places, 0.0, axis=1)
            self.devices = sorted([*self.devices, *fresh])
