"""Reads tiles from the store for windows: how far back, how many at once, and only the columns they use."""

from collections.abc import Iterator, Sequence

import polars as pl

from fleet.clock import HOUR_MS
from fleet.signals import Kind
from models.features.terms import Term
from storage.ports import TelemetryStore

_TILES_A_QUERY = 100_000
_MOST_HOURS = 30 * 24


def first_hour(store: TelemetryStore, kind: Kind, end: int, most: int) -> int:
    """Return the first of the `most` hours before `end` that may have tiles, counted from the epoch."""
    oldest = store.first_hour(kind)
    return max(end - most, end if oldest is None else oldest // HOUR_MS)


def spans(start: int, end: int, devices: int) -> Iterator[tuple[int, int]]:
    """Cut a range of hours into pieces that bring no more tiles at once than memory likes."""
    width = max(1, min(_MOST_HOURS, _TILES_A_QUERY // max(devices, 1)))
    for first in range(start, end, width):
        yield first, min(first + width, end)


def read_tiles(
    store: TelemetryStore,
    kind: Kind,
    terms: Sequence[Term],
    first: int,
    last: int,
    devices: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return the tiles of first <= hour < last, of all devices or some, with the columns of `terms`."""
    columns = {column for term in terms for column in term.columns}
    return store.tiles(kind, first * HOUR_MS, last * HOUR_MS, devices, columns)
