"""Devices that fell silent: their windows as of their own newest reading, with who was about at that time.

The windows that scoring keeps end with the fleet's newest hour. A device that was heard last before the
recent steps of those has left them; here its history is read again. So a fleet is judged alike in whatever
order its devices are fed, and so is a past that is replayed beside a present.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import Kind
from models.features.batch_windows import BatchWindows, Moments
from models.features.definitions import LOOKBACK_HOURS
from models.features.grid import TileGrid
from models.features.terms import Term
from models.features.tile_reading import first_hour, read_tiles, spans
from models.features.windows import FleetFacts, Groups, Ints
from storage.ports import TelemetryStore

MOST_DEVICES = 200
"""So many are looked at together, companions included."""
_TOGETHER_MS = 30 * DAY_MS
"""Devices whose newest readings lie further apart are looked at in turn."""
_LARGEST_GRID = 40_000_000
"""Cells (terms x devices x hours) of history that are read at once; the oldest hours are left out."""


@dataclass(frozen=True)
class Past:
    """Some silent devices (`asked`, rows of the grid) among all that were read, each as of its own end."""

    asked: Ints
    everyone: Ints
    devices: list[str]
    models: Ints
    _grid: TileGrid
    _facts: FleetFacts
    _hours: Ints

    def window(self, rows: Ints) -> BatchWindows:
        """Return the windows of devices by row."""
        return BatchWindows(self._grid, self._facts, Moments(rows, self._hours[rows]))


def look_back(
    store: TelemetryStore,
    kind: Kind,
    terms: Sequence[Term],
    silent: Sequence[str],
    newest: Mapping[str, int],
    facts: FleetFacts,
) -> Iterator[Past]:
    """Read silent devices again, those with ends close together at once; `newest` (epoch ms) is of all."""
    for group in _by_end(silent, newest):
        end = newest[group[-1]]
        companions = sorted(set(newest) - set(group), key=lambda device: (abs(newest[device] - end), device))
        read = sorted([*group, *companions[: MOST_DEVICES - len(group)]])
        until = end // HOUR_MS + 1
        deepest = min(LOOKBACK_HOURS, _LARGEST_GRID // (len(terms) * len(read)))
        grid = TileGrid(terms)
        for first, last in spans(first_hour(store, kind, until, deepest), until, len(read)):
            grid.update(read_tiles(store, kind, terms, first, last, read))
        if not grid.devices:
            continue
        hours = np.array([min(newest[device], end) // HOUR_MS for device in grid.devices], dtype=np.int64)
        asked = grid.rows_of([device for device in group if device in set(grid.devices)])
        models = Groups(grid.devices, facts).model
        yield Past(asked, np.arange(len(hours)), grid.devices, models, grid, facts, hours)


def _by_end(silent: Sequence[str], newest: Mapping[str, int]) -> Iterator[list[str]]:
    """Part devices into groups whose ends lie close together, in order of their ends."""
    group: list[str] = []
    for device in sorted(silent, key=lambda each: (newest[each], each)):
        if group and (newest[device] - newest[group[0]] > _TOGETHER_MS or len(group) >= MOST_DEVICES):
            yield group
            group = []
        group.append(device)
    if group:
        yield group
