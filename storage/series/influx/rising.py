"""Rises of counters in the InfluxDB store: readings are read where a tile does not tell them."""

from collections.abc import Sequence

import polars as pl

from fleet import rises
from fleet.clock import HOUR_MS
from fleet.signals import Kind, Signal, SignalTable
from fleet.tiles import tile_column, tile_schema
from storage.series.influx.kept import KeptTiles
from storage.series.influx.tile_rows import Piece, RowTiles

_FEW_DEVICES = 500
"""Up to so many devices are named in a query."""


class Rising:
    """Gives tiles of readings the rises of their counters (fleet.rises)."""

    def __init__(self, rows: RowTiles, kept: KeptTiles, signals: SignalTable) -> None:
        self._rows = rows
        self._kept = kept
        self._signals = signals

    def risen(
        self, kind: Kind, made: pl.DataFrame, start: int, end: int, counted: Sequence[Signal]
    ) -> pl.DataFrame:
        """Return the tiles made of the readings of a range with the rises of `counted`."""
        if not counted or made.is_empty():
            return made
        devices = made["device_id"].unique(maintain_order=True).to_list()
        among = devices if len(devices) <= _FEW_DEVICES else None
        stats = {tile_column(signal.name, stat) for signal in counted for stat in rises.BASE_STATS}
        schema = tile_schema(self._signals, kind, stats)
        _, until = self._kept.hours(kind)
        back = start - rises.HOURS_BEFORE * HOUR_MS
        before = self._kept.read(kind, back, min(start, until), among, schema)
        beside = [before]
        for begin, last in ((max(back, until), start), (end, end + HOUR_MS)):
            if begin < last:
                beside.append(self._rows.between(kind, begin, last, among, list(counted), schema))

        def rows(hours: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
            return rises.with_left(self._of_hours(kind, hours, of), before, of)

        return rises.with_rises(made, pl.concat(beside), counted, rows)

    def _of_hours(self, kind: Kind, hours: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
        """Return some signals of devices in hours (`device_id`, `hour`), an hour a request."""
        asked = [self._signals[name] for name in of]
        pieces = [
            pl.DataFrame(schema={"device_id": pl.String, "ts": pl.Int64, **dict.fromkeys(of, pl.Float64)})
        ]
        for (hour,), part in hours.partition_by("hour", as_dict=True).items():
            for few in part.iter_slices(_FEW_DEVICES):
                piece = Piece(int(hour), int(hour) + HOUR_MS, few["device_id"].to_list())
                pieces.append(self._rows.rows(kind, piece, asked).select("device_id", "ts", *of))
        return pl.concat(pieces)
