"""Keeps the windows of a fleet between two scorings, and asks the store only for what is new."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.signals import Kind
from models.anomaly.watched import watched_terms
from models.features.definitions import LOOKBACK_HOURS, all_features, parts_of, terms_of
from models.features.rolling import RollingTiles
from models.features.terms import READINGS, Term
from models.features.tile_reading import first_hour, read_tiles, spans
from models.features.windows import FleetFacts
from storage.ports import TelemetryStore

_FEW = 0.25
"""Up to this share of the fleet the store is asked for some devices, above it for all."""
_COUNTING_SHARE = 0.02
"""Of all time at most this is spent on counting readings."""
_SETTLES_MS = 15 * MINUTE_MS
"""So long into an hour the one before can be told otherwise: by whether its end was a dip of a counter."""


def scored_terms() -> tuple[Term, ...]:
    """Return the terms that scoring reads of tiles, for models and for the anomaly score, each once."""
    return tuple(dict.fromkeys([*terms_of(all_features()), *watched_terms(), READINGS]))


@dataclass(frozen=True, slots=True)
class News:
    """The newest reading (epoch ms) of every device, and the devices that look different than before.

    `grown` tells whether a device came that was not known: the others have one more to be compared with.
    """

    newest: dict[str, int]
    touched: frozenset[str]
    grown: bool


class TileMemory:
    """The tiles of one kind of device as rolling windows that follow the store.

    A device whose newest reading has moved has changed in the hours from the old one on, the growing hour
    included, and for its first minutes the hour before: only from there are tiles read again. A backlog of
    hours that the device had already passed shows in the number of its readings; counting them takes a small
    share of `timer`'s seconds, so that a large store is asked seldom.
    """

    def __init__(self, store: TelemetryStore, kind: Kind, timer: Callable[[], float] = perf_counter) -> None:
        self._store = store
        self._kind = kind
        self._timer = timer
        self._count_after = 0.0
        self._newest: dict[str, int] = {}
        self.tiles = RollingTiles(scored_terms(), parts_of(all_features()))

    def refresh(self, facts: FleetFacts) -> News:
        """Bring the windows up to the store and to what the desk knows."""
        counted = self._count()
        newest = self._store.newest(self._kind)
        fresh = newest.keys() - self._newest.keys()
        moved = [device for device, ts in newest.items() if self._newest.get(device) != ts]
        known = self.tiles.know(facts)
        touched, stale = set(known.touched), set(known.reload)
        if self._newest and len(fresh) < len(newest) / 2:
            stale |= fresh
            moved = [device for device in moved if device not in fresh]
        if moved:
            end = max(newest[device] for device in moved) // HOUR_MS + 1
            oldest = min(self._newest.get(device, 0) for device in moved)
            start = max((oldest - _SETTLES_MS) // HOUR_MS, self._first(end))
            # Others have tiles in these hours as well, and of many that stood still nothing needs to be read.
            few = moved if len(moved) <= _FEW * len(newest) else None
            for first, last in spans(start, end, len(newest if few is None else few)):
                found = self._tiles(first, last, few)
                if few is None and len(moved) < len(newest):
                    found = found.filter(pl.col("device_id").is_in(moved))
                update = self.tiles.update(found)
                touched |= update.touched
                stale |= update.reload
        self._read_again(sorted(stale), newest)
        late = self._late(counted)
        self._read_again(sorted(late), newest)
        self._newest = newest
        return News(newest, frozenset(touched | stale | late), bool(fresh))

    def _count(self) -> pl.DataFrame | None:
        """Return how many readings each device has on each day; None where it is not yet time to ask."""
        begun = self._timer()
        if not self._newest or begun < self._count_after:
            return None
        counted = self._store.days(self._kind)
        ended = self._timer()
        self._count_after = ended + (ended - begun) / _COUNTING_SHARE
        return counted

    def _late(self, counted: pl.DataFrame | None) -> set[str]:
        """Return devices that have more readings on some day than their tiles: those came late."""
        if counted is None:
            return set()
        counted = counted.filter(pl.col("day") >= self._first(self.tiles.end) * HOUR_MS)
        devices = counted["device_id"].to_list()
        return self.tiles.short_of(
            devices, counted["day"].to_numpy() // DAY_MS, counted["readings"].to_numpy()
        )

    def _read_again(self, devices: Sequence[str], newest: Mapping[str, int]) -> None:
        if not devices:
            return
        self.tiles.drop(devices)
        end = max(self.tiles.end, max(newest.get(device, 0) for device in devices) // HOUR_MS + 1)
        for first, last in spans(self._first(end), end, len(devices)):
            self.tiles.update(self._tiles(first, last, devices), frozenset(devices))

    def _tiles(self, first: int, last: int, devices: Sequence[str] | None) -> pl.DataFrame:
        return read_tiles(self._store, self._kind, self.tiles.terms, first, last, devices)

    def _first(self, end: int) -> int:
        """Return the first hour that is looked back to from hour `end`, counted from the epoch."""
        return first_hour(self._store, self._kind, end, LOOKBACK_HOURS)
