"""History as training sees it: for every device and half a day the features, and what became of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import NotEnoughHistory
from fleet.signals import Kind
from models.features.batch_windows import BatchWindows, Moments
from models.features.compute import DAYS_A_YEAR, Look
from models.features.definitions import YEAR_VIEWS, all_features, parts_of, terms_of
from models.features.grid import TileGrid
from models.features.rolling import RollingTiles
from models.features.tile_reading import read_tiles, spans
from models.features.windows import FleetFacts, Floats, Ints, WindowSource, heard_lately, hours_heard
from models.learning.settings import TrainingSettings
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.repairs import confirmed_repairs, device_places, open_tickets, renewals

Progress = Callable[[float, str], None]
Cancelled = Callable[[], bool]
TileReader = Callable[[int, int], pl.DataFrame]
"""Gives the tiles of start <= hour < end, hours counted from the epoch."""

LEAST_HOURS = 24
"""A device heard in fewer hours than this is not judged, in training as in scoring."""
_LARGEST_GRID = 40_000_000
"""So many cells (terms x devices x hours) are cut out of a grid at once; more history is replayed."""


class HistoryCancelled(Exception):
    """Reading history was broken off."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to learn from: ids of `devices`, `until` when (epoch ms) each knows, `features` by column."""

    devices: pl.Series
    until: Ints
    features: Floats


def no_rows() -> Rows:
    """Return rows of which there are none."""
    nobody = pl.Series("device_id", [], pl.String)
    return Rows(nobody, np.empty(0, dtype=np.int64), np.empty((0, len(all_features()))))


@dataclass(frozen=True, slots=True)
class History:
    """All that training learns from: rows (device_id, until), their features by column, repairs.

    `device_models` names the model of each row's device.
    """

    rows: pl.DataFrame
    devices: np.ndarray[tuple[int], np.dtype[np.int64]]
    features: Floats
    repairs: pl.DataFrame
    doubtful: pl.DataFrame
    start: int
    end: int
    device_models: pl.Series


def gather(
    store: TelemetryStore,
    desk: DeskDatabase,
    settings: TrainingSettings,
    progress: Progress = lambda fraction, text: None,
    cancelled: Cancelled = lambda: False,
) -> History:
    """Read the history of all robots and compute the features of every row."""
    newest = store.newest(Kind.ROBOT)
    if not newest:
        raise NotEnoughHistory("no robot has sent a reading yet: nothing to train on")
    end = max(newest.values()) // HOUR_MS + 1
    wanted = end - settings.history_days * 24 if settings.since_ms is None else settings.since_ms // HOUR_MS
    if wanted >= end:
        raise NotEnoughHistory("no robot has sent a reading since then: nothing to train on")
    oldest = store.first_hour(Kind.ROBOT)
    first = max(wanted, 0 if oldest is None else oldest // HOUR_MS)
    facts = FleetFacts(*_places(desk))

    def read(start: int, until: int) -> pl.DataFrame:
        if cancelled():
            raise HistoryCancelled
        progress(0.4 * (start - first) / (end - first), "reading history")
        return read_tiles(store, Kind.ROBOT, terms_of(all_features()), start, until)

    rows = rows_of(read, first, end, len(newest), facts, rows_every(settings, len(newest), end - first))
    return assembled(rows, facts, confirmed_repairs(desk), open_tickets(desk), end * HOUR_MS)


def assembled(
    rows: Rows, facts: FleetFacts, repairs: pl.DataFrame, doubtful: pl.DataFrame, end: int
) -> History:
    """Return a history of its rows and of what the desk knows (storage.records.repairs); it ends at `end`."""
    names = rows.devices.unique().sort()
    index = dict(zip(names.to_list(), range(len(names)), strict=True))
    devices = rows.devices.replace_strict(index, return_dtype=pl.Int64).to_numpy()
    frame = pl.DataFrame({"device_id": rows.devices, "until": rows.until})
    start = int(rows.until.min()) - LEAST_HOURS * HOUR_MS
    if end - start < DAYS_A_YEAR * DAY_MS:
        forget_season(rows.features)
    kinds = rows.devices.replace_strict(facts.models, default="unknown", return_dtype=pl.String)
    return History(frame, devices, rows.features, repairs, doubtful, start, end, kinds)


def rows_every(settings: TrainingSettings, devices: int, hours: int) -> int:
    """Return how many hours lie between two rows of a device.

    What the settings say, or for a history that would give more than `most_rows` as many times that as it
    takes: a large fleet has failures enough, and each shows in several rows still.
    """
    every = settings.row_every_hours
    return every * max(1, -(-devices * hours // (every * settings.most_rows)))


def forget_season(features: Floats) -> None:
    """Make the time of year unknown in every row: of less than a year a model would learn dates by heart."""
    features[:, [feature.view in YEAR_VIEWS for feature in all_features()]] = np.nan


def _places(desk: DeskDatabase) -> tuple[dict[str, str], pl.DataFrame, dict[str, str]]:
    models, sites = device_places(desk, Kind.ROBOT)
    return models, renewals(desk), sites


def rows_of(read: TileReader, first: int, end: int, devices: int, facts: FleetFacts, every: int) -> Rows:
    """Return a row for each device and `every` hours in which it was heard and has some history.

    A history that fits into a grid is cut out of it; a longer one is replayed, which takes no more memory
    than serving does. Both give the same rows, in another order.
    """
    terms = len(terms_of(all_features()))
    way = _cut if terms * devices * (end - first) <= _LARGEST_GRID else _replayed
    rows = way(read, first, end, devices, facts, every)
    if not len(rows.until):
        raise NotEnoughHistory(
            f"no robot was heard in {LEAST_HOURS} different hours yet: too little to train on"
        )
    return rows


def _cut(read: TileReader, first: int, end: int, devices: int, facts: FleetFacts, every: int) -> Rows:
    grid = TileGrid(terms_of(all_features()))
    for start, until in spans(first, end, devices):
        grid.update(read(start, until))
    times = np.arange(grid.origin + LEAST_HOURS, grid.end, every, dtype=np.int64)
    rows, hours = np.meshgrid(np.arange(len(grid.devices)), times, indexing="ij")
    moments = Moments(rows.ravel(), hours.ravel())
    judged = _judged(BatchWindows(grid, facts, moments))
    if not judged.any():  # a young fleet: nothing to look at yet
        return no_rows()
    chosen = Moments(moments.rows[judged], moments.hours[judged])
    names = pl.Series("device_id", grid.devices, dtype=pl.String).gather(chosen.rows)
    matrix = Look(BatchWindows(grid, facts, chosen)).matrix(all_features())
    return Rows(names, (chosen.hours + 1) * HOUR_MS, matrix)


def _replayed(read: TileReader, first: int, end: int, devices: int, facts: FleetFacts, every: int) -> Rows:
    """Lay one piece of history after the other, as serving would have, and look at the fleet after each."""
    tiles = RollingTiles(terms_of(all_features()), parts_of(all_features()))
    tiles.know(facts)
    pieces: list[Rows] = []
    origin: int | None = None
    for start, until in spans(first, end, devices):
        found = read(start, until)
        if origin is None and found.height:
            origin = int(found["hour"].min()) // HOUR_MS  # type: ignore[arg-type]
        # A moment is the last hour that a row knows: the piece is laid up to each and looked at there.
        moments = [] if origin is None else range(origin + LEAST_HOURS, until, every)
        at = start
        for moment in [*(each for each in moments if each >= start), until - 1]:
            within = pl.col("hour").is_between(at * HOUR_MS, moment * HOUR_MS)
            tiles.update(found.filter(within))
            if origin is not None and (moment - origin - LEAST_HOURS) % every == 0:
                tiles.advance(moment + 1)
                pieces.append(_looked_at(tiles))
            at = moment + 1
    if not pieces:
        return no_rows()
    return Rows(
        pl.concat([piece.devices for piece in pieces]),
        np.concatenate([piece.until for piece in pieces]),
        np.concatenate([piece.features for piece in pieces]),
    )


def _looked_at(tiles: RollingTiles) -> Rows:
    everyone = np.arange(len(tiles.devices))
    chosen = everyone[_judged(tiles.at(everyone))]
    if not len(chosen):
        return no_rows()
    names = pl.Series("device_id", tiles.devices, dtype=pl.String).gather(chosen)
    until = np.full(len(chosen), tiles.end * HOUR_MS, dtype=np.int64)
    return Rows(names, until, Look(tiles.at(chosen)).matrix(all_features()))


def _judged(source: WindowSource) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which devices have some history and were heard within the recent hours."""
    return np.asarray((hours_heard(source) >= LEAST_HOURS) & (heard_lately(source) > 0))
