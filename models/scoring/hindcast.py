"""What today's models would have said: the risks of the days before the first scoring, marked as hindcast.

A chart of risk over time would else begin with the first start, though months of history are stored. Each
robot is looked at once a day, with the features that training sees. The models have learned from part of
these days, so this proves nothing: `model` begins with HINDCAST, and trials pass over it.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import NotEnoughHistory
from fleet.risks import HINDCAST, risk_frame
from fleet.signals import Kind
from models.features.definitions import LOOKBACK_HOURS, all_features, columns_by_name, telling, terms_of
from models.features.history import Rows, rows_of
from models.features.tile_reading import first_hour, read_tiles
from models.features.windows import FleetFacts
from models.registry.registry import LoadedModel, ModelRegistry
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.repairs import device_places, renewals

DAYS = 30
MOST_ROBOTS = 2_000
"""Of a larger fleet nobody waits for its past."""
_A_DAY = 24


class HindcastCancelled(Exception):
    """Reading the past was broken off; nothing was stored."""


def hindcast(
    store: TelemetryStore,
    desk: DeskDatabase,
    registry: ModelRegistry,
    cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Store the risks of the last DAYS, but for the newest, where none are stored; return how many.

    Raises HindcastCancelled.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # ships no types

    newest = store.newest(Kind.ROBOT)
    if not newest or len(newest) > MOST_ROBOTS:
        return 0
    end = max(newest.values()) // HOUR_MS
    first = first_hour(store, Kind.ROBOT, end, DAYS * _A_DAY + LOOKBACK_HOURS)
    models, sites = device_places(desk, Kind.ROBOT)
    facts = FleetFacts(models, renewals(desk), sites)

    def read(start: int, until: int) -> pl.DataFrame:
        if cancelled():
            raise HindcastCancelled
        return read_tiles(store, Kind.ROBOT, terms_of(all_features()), start, until)

    try:
        rows = rows_of(read, first, end, len(newest), facts, _A_DAY)
    except NotEnoughHistory:
        return 0
    rows = _within(rows, (end - DAYS * _A_DAY) * HOUR_MS, _first_scored(store, end))
    # A few hundred rows are predicted sooner by one thread than several are woken.
    with threadpool_limits(1):
        frames = [_risks(model, rows) for model in registry.load().values()]
    frame = pl.concat(frames) if frames else pl.DataFrame()
    if frame.height:
        store.write_risks(frame)
    return frame.height


def _first_scored(store: TelemetryStore, end: int) -> int:
    """Return when the first risk of these days was stored, or a day before their end (epoch ms)."""
    stored = store.fleet_risks((end - DAYS * _A_DAY) * HOUR_MS, end * HOUR_MS + HOUR_MS, DAY_MS)
    day_before = end * HOUR_MS - DAY_MS
    first = stored["ts"].min() if stored.height else None
    return day_before if first is None else min(day_before, int(first))  # type: ignore[arg-type]  # of integers


def _within(rows: Rows, start: int, end: int) -> Rows:
    chosen = (rows.until >= start) & (rows.until < end)
    return Rows(rows.devices.filter(pl.Series(chosen)), rows.until[chosen], rows.features[chosen])


def _risks(model: LoadedModel, rows: Rows) -> pl.DataFrame:
    """Return the risks of one fault, of those moments at which something was known of it."""
    place = columns_by_name()
    tells = [place[model.features[index].name] for index in telling(model.features)]
    known = np.flatnonzero(np.isfinite(rows.features[:, tells]).any(axis=1))
    columns = [place[feature.name] for feature in model.features]
    own = np.ascontiguousarray(rows.features[known][:, columns], dtype=np.float64)
    return risk_frame(
        pl.DataFrame(
            {
                "device_id": rows.devices.gather(known),
                "ts": rows.until[known] - 1,
                "fault": [model.card.fault] * len(known),
                "risk": model.risk(own),
                "drivers": ["[]"] * len(known),
                "model": [HINDCAST + model.card.id] * len(known),
            }
        )
    )
