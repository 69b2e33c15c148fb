"""Hourly tiles made here of readings that are read in pieces of bounded size, two at once.

InfluxDB makes them too, but at every density that was tried it takes longer to sum up than to hand out: it
visits each column of each device and hour by itself.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl
from polars import selectors

from fleet.clock import DAY_MS, HOUR_MS
from fleet.personal import personal_signals
from fleet.signals import Form, Kind, Signal
from fleet.tiles import TileSchema
from storage.series.influx import query as influxql
from storage.series.influx.apart import added, personal_measurement
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import CLEARED
from storage.series.tiling import tiles_of

_MOST_ROWS = 50_000
"""So many readings are asked for at once: some 10 MB of answer."""
_AT_ONCE = 2
_COUNTED_MS = 7 * DAY_MS
_RECEIVED = '"received"::float'
_TYPES: dict[Form, pl.DataType] = {
    Form.BOOLEAN: pl.Boolean(),
    Form.STATE: pl.String(),
    Form.TEXT: pl.String(),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole hours, of all devices or some."""

    start: int
    end: int
    devices: Sequence[str] | None


class RowTiles:
    """Makes tiles of the readings of one bucket."""

    def __init__(self, connection: InfluxConnection, most_rows: int = _MOST_ROWS) -> None:
        self._connection = connection
        self._most = most_rows

    def between(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None,
        signals: list[Signal],
        schema: TileSchema,
    ) -> pl.DataFrame:
        """Return the tiles of a range of whole hours, of all devices or some; in no order."""

        def made(piece: Piece) -> pl.DataFrame:
            return tiles_of(self.rows(kind, piece, signals), signals, schema)

        pieces = self._pieces(kind, Piece(start, end, devices))
        return pl.concat([pl.DataFrame(schema=schema), *two_at_once(made, pieces)])

    def _pieces(self, kind: Kind, whole: Piece) -> Iterator[Piece]:
        """Cut into pieces of up to so many readings: by hours, and an hour that has more by devices."""
        for begin in range(whole.start, whole.end, _COUNTED_MS):
            end = min(begin + _COUNTED_MS, whole.end)
            counts = self._counts(kind, Piece(begin, end, whole.devices), "time(1h)").select(
                pl.col("time"), "readings"
            )
            for start, until, readings in _gathered(sorted(counts.iter_rows()), self._most):
                piece = Piece(start, until, whole.devices)
                yield from [piece] if readings <= self._most else self._by_devices(kind, piece)

    def _by_devices(self, kind: Kind, piece: Piece) -> Iterator[Piece]:
        counts = influxql.with_tags(self._counts(kind, piece, "device"), "device")
        some: list[str] = []
        readings = 0
        for device, count in counts.select("device", "readings").iter_rows():
            if some and readings + count > self._most:
                yield Piece(piece.start, piece.end, some)
                some, readings = [], 0
            some.append(device)
            readings += count
        if some:
            yield Piece(piece.start, piece.end, some)

    def _counts(self, kind: Kind, piece: Piece, groups: str) -> pl.DataFrame:
        where = influxql.times_among(piece.start, piece.end, piece.devices)
        query = influxql.grouped(kind, [f"count({_RECEIVED}) AS readings"], where, groups)
        return influxql.read_csv(self._connection.csv(query), {"readings": pl.Int64()})

    def rows(self, kind: Kind, piece: Piece, signals: Sequence[Signal]) -> pl.DataFrame:
        """Return a piece's readings: `ts`, `received`, `device_id`, `site` and the signals; in no order."""
        personal = personal_signals(kind)
        plain = [signal for signal in signals if signal.name not in personal]
        rows = self._points(str(kind), piece, plain)
        beside = [signal for signal in signals if signal.name in personal]
        if beside:
            theirs = self._points(personal_measurement(kind), piece, beside)
            rows = added(rows, theirs, ["time", "device", "site"], [signal.name for signal in beside])
        # What another client wrote beside our readings has no time of its receipt.
        rows = rows.filter(pl.col("received").is_not_null())
        rows = rows.with_columns(selectors.string().replace(CLEARED, ""))
        return rows.rename({"time": "ts", "device": "device_id"})

    def _points(self, measurement: str, piece: Piece, signals: Sequence[Signal]) -> pl.DataFrame:
        types: dict[str, pl.DataType] = {"received": pl.Float64()}
        types |= {signal.name: _TYPES.get(signal.form, pl.Float64()) for signal in signals}
        types |= {"device": pl.String(), "site": pl.String()}
        values = [_RECEIVED, *(influxql.value_of(signal) for signal in signals), '"device"::tag, "site"::tag']
        where = influxql.times_among(piece.start, piece.end, piece.devices)
        query = f"SELECT {', '.join(values)} FROM {influxql.name_of(measurement)} WHERE {where}"
        return influxql.read_csv(self._connection.csv(query), types)


def _gathered(counts: list[tuple[int, int]], most: int) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and readings of runs of hours that together have up to `most`, or are one hour."""
    start = end = readings = 0
    for hour, count in counts:
        if readings and readings + count > most:
            yield start, end, readings
            readings = 0
        start, end = start if readings else hour, hour + HOUR_MS
        readings += count
    if readings:
        yield start, end, readings


def two_at_once(
    work: Callable[[Piece], pl.DataFrame], pieces: Iterator[Piece] | Sequence[Piece]
) -> list[pl.DataFrame]:
    """Return what becomes of each piece, in order; two are worked on at once, which takes a third less."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, pieces))
