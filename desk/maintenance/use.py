"""How many hours robots have run, as their own counters say."""

from collections.abc import Mapping

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import Kind
from fleet.tiles import tile_column
from fleet.upkeep import Used
from storage.ports import TelemetryStore

_LOOK_BACK_MS = 2 * DAY_MS
_RUN = tile_column("run_s", "last")


def run_hours(store: TelemetryStore, now: int) -> Mapping[str, Used]:
    """Return the newest hours of use of each robot that told them within two days."""
    end = now - now % HOUR_MS + HOUR_MS
    tiles = store.tiles(Kind.ROBOT, end - HOUR_MS - _LOOK_BACK_MS, end, columns=[_RUN])
    if _RUN not in tiles.columns:
        return {}
    known = tiles.filter(pl.col(_RUN).is_not_null() & pl.col(_RUN).is_not_nan())
    newest = known.sort("hour").group_by("device_id").last()
    rows = newest.select("device_id", _RUN, "hour").iter_rows()
    return {device: Used(run_s / 3600, min(now, hour + HOUR_MS)) for device, run_s, hour in rows}
