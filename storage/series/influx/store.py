"""The time-series store on an InfluxDB server: 1.8, 2, 3 or Cloud, shared by several processes."""

import logging
from collections.abc import Collection, Sequence
from threading import RLock

import polars as pl
from polars import selectors

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import StoreRejected
from fleet.readings import KEY_COLUMNS, ReadingBatch, batch_schema
from fleet.risks import FLEET_RISK_COLUMNS, RISK_COLUMNS
from fleet.signals import Kind, SignalTable
from fleet.tiles import TileSchema, tile_schema
from storage.ports import LatestValue, Receipt, Retention
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.kept import KeptTiles, tiles_address
from storage.series.influx.late import KEYS, stored_among
from storage.series.influx.lines import (
    CLEARED,
    RISKS,
    SHADOW_RISKS,
    bodies,
    reading_lines,
    risk_lines,
    tile_measurement,
)
from storage.series.influx.tiles import intervals, tiles_between
from storage.series.newest import NewestTimes
from storage.series.repeats import without_repeats
from storage.series.store_url import InfluxAddress

log = logging.getLogger(__name__)

_LINES_A_REQUEST = 10_000
_MOST_UNSETTLED = 100_000
_TOLD = [name for name in RISK_COLUMNS if name not in ("device_id", "ts", "fault", "risk")]
"""What is stored with a risk."""


class InfluxStore:
    """A TelemetryStore in one bucket. Opening it makes no connection: a server may be away at the start.

    The newest time of each device is kept in memory, read from the server at first use, so that only readings
    not newer than it are looked up. Same measurement, tags and time overwrite field by field in InfluxDB.
    """

    def __init__(self, address: InfluxAddress, signals: SignalTable, *, compress: bool | None = None) -> None:
        compress = not address.loopback if compress is None else compress
        self._connection = InfluxConnection(address, compress=compress)
        beside = InfluxConnection(tiles_address(address), compress=compress)
        self._kept = KeptTiles(beside)
        self._signals = signals
        self._writing = RLock()
        self._newest: dict[Kind, NewestTimes] = {}
        # A write that failed may have arrived in part: what is found of it later is no duplicate.
        nothing = pl.DataFrame(schema={key: KEY_COLUMNS[key] for key in KEYS})
        self._unsettled = dict.fromkeys(Kind, nothing)

    def write(self, batch: ReadingBatch) -> Receipt:
        """Store a batch; see TelemetryStore.write."""
        if not len(batch):
            return Receipt(0, 0, 0)
        with self._writing:
            newest = self._newest_of(batch.kind)
            frame = without_repeats(batch.frame, newest.codes(batch.frame["device_id"]))
            codes, times = newest.codes(frame["device_id"]), frame["ts"]
            late = frame.filter(newest.not_newer(codes, times))
            frame, stored = self._settle(batch.kind, frame, late)
            try:
                self._send(reading_lines(ReadingBatch(batch.kind, frame)))
            except Exception:
                self._remember(batch.kind, frame.join(stored, on=KEYS, how="anti"))
                raise
            self._forget(batch.kind, frame)
            newest.rise(codes, times)
            repeats = len(batch) - frame.height
            return Receipt(frame.height - stored.height, repeats + stored.height, late.height - stored.height)

    def _settle(
        self, kind: Kind, frame: pl.DataFrame, late: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the frame fit to be written, and the keys of what is stored already.

        The site is a tag, and so a part of what is overwritten: what is stored keeps the site it has.
        """
        if late.is_empty():
            return frame, late.select(KEYS)
        found = stored_among(self._connection, kind, late)
        moved = found.rename({"site": "stored_site"})
        frame = frame.join(moved, on=KEYS, how="left", maintain_order="left")
        frame = frame.with_columns(site=pl.coalesce("stored_site", "site")).drop("stored_site")
        return frame, found.select(KEYS).join(self._unsettled[kind], on=KEYS, how="anti")

    def _remember(self, kind: Kind, frame: pl.DataFrame) -> None:
        both = pl.concat([self._unsettled[kind], frame.select(KEYS)]).unique(maintain_order=True)
        self._unsettled[kind] = both.tail(_MOST_UNSETTLED)

    def _forget(self, kind: Kind, frame: pl.DataFrame) -> None:
        if self._unsettled[kind].height:
            self._unsettled[kind] = self._unsettled[kind].join(frame.select(KEYS), on=KEYS, how="anti")

    def _send(self, lines: pl.Series) -> None:
        for body in bodies(lines, _LINES_A_REQUEST):
            self._connection.write(body)

    def _newest_of(self, kind: Kind) -> NewestTimes:
        if kind not in self._newest:
            where = influxql.times(influxql.FIRST_MS, influxql.LAST_MS)
            query = influxql.grouped(kind, ['last("received") AS received'], where, "device")
            found = influxql.with_tags(influxql.read_csv(self._connection.csv(query), {}), "device")
            self._newest[kind] = NewestTimes(dict(found.select("device", "time").iter_rows()))
        return self._newest[kind]

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the time of the newest stored reading of each device."""
        with self._writing:
            return self._newest_of(kind).as_dict()

    def latest(self, kind: Kind, device_id: str) -> dict[str, LatestValue]:
        """Return for each signal ever stored of a device its newest value and that value's time."""
        signals = self._signals.for_kind(kind)
        results = self._connection.answers(influxql.last_of_each(kind, signals, device_id))
        found: dict[str, LatestValue] = {}
        for signal, result in zip(signals, results, strict=True):
            for series in result.get("series", ()):
                ts, value = series["values"][0]
                if signal.is_numeric:
                    value = float(value)
                found[signal.name] = LatestValue(None if value == CLEARED else value, ts)
        return found

    def history(
        self, kind: Kind, device_id: str, signals: Sequence[str], start: int, end: int, limit: int
    ) -> pl.DataFrame:
        """Return up to `limit` readings in order of time: columns `ts`, then `signals`."""
        found = self._rows(kind, signals, self._of(device_id, start, end), limit)
        return found.select("ts", *signals)

    def intervals(
        self,
        kind: Kind,
        device_id: str,
        signals: Sequence[str],
        start: int,
        end: int,
        every_ms: int,
        limit: int,
    ) -> pl.DataFrame:
        """Return up to `limit` intervals in order of time: `ts` (start), `{signal}.mean|min|max|count`."""
        where = self._of(device_id, start, end)
        known = [self._signals[name] for name in signals]
        return intervals(self._connection, kind, where, known, every_ms, limit)

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the hourly tiles (fleet.tiles) of every device with readings in the range, or of some."""
        schema = tile_schema(self._signals, kind, columns)
        until = self._kept.until(kind)
        while True:
            kept = self._kept.read(kind, start, min(end, until), devices, schema)
            made = self._tiles_made(kind, max(start, until), end, devices, schema)
            before, until = until, self._kept.until(kind)
            if until == before:  # else hours have changed sides while they were read
                return pl.concat([kept, made]).sort("device_id", "hour")

    def _tiles_made(
        self, kind: Kind, start: int, end: int, devices: Sequence[str] | None, schema: TileSchema
    ) -> pl.DataFrame:
        first, last = self._extent(kind)
        begin, until = max(start, first // HOUR_MS * HOUR_MS), min(end, (last // HOUR_MS + 1) * HOUR_MS)
        return tiles_between(self._connection, self._signals, kind, begin, until, schema, devices)

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that has tiles; see TelemetryStore.first_hour."""
        first, until = self._kept.hours(kind)
        if first < until:
            return first
        begin, end = self._extent(kind)
        return begin // HOUR_MS * HOUR_MS if begin <= end else None

    def kept_hours(self, kind: Kind) -> tuple[int, int]:
        """Return the hours of which tiles are kept; see TelemetryStore.kept_hours."""
        return self._kept.hours(kind)

    def keep_tiles(self, kind: Kind, tiles: pl.DataFrame, until: int) -> None:
        """Keep tiles made elsewhere; see TelemetryStore.keep_tiles."""
        self._roll_up(kind, influxql.FIRST_MS, until)
        self._kept.keep(kind, tiles.filter(pl.col("hour") < until))
        if until > self._kept.until(kind):
            self._kept.keep_until(kind, until)

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return how many readings of each device there are on each day: `device_id`, `day`, `readings`."""
        first, last = self._extent(kind)
        where = influxql.times(first, last + 1)
        query = influxql.grouped(kind, ['count("received") AS readings'], where, "device, time(1d)")
        found = influxql.read_csv(self._connection.csv(query), {"readings": pl.Int64()})
        found = influxql.with_tags(found, "device").select(
            device_id="device", day="time", readings="readings"
        )
        return found.sort("day", "device_id")

    def readings(self, kind: Kind, devices: Sequence[str], start: int, end: int) -> ReadingBatch:
        """Return whole readings of some devices in a range, in order of device and time."""
        schema = batch_schema(self._signals, kind)
        names = [name for name in schema if name not in KEY_COLUMNS]
        if not devices:
            return ReadingBatch(kind, pl.DataFrame(schema=schema))
        where = f"{influxql.times(start, end)} AND {influxql.among(devices)}"
        found = self._rows(kind, ["seq", *names, "device", "site"], where, None)
        return ReadingBatch(
            kind,
            found.rename({"device": "device_id"})
            .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
            .sort("device_id", "ts"),
        )

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Store a risk frame; same device, fault and `ts` again replaces."""
        if risks.height:
            with self._writing:
                self._send(risk_lines(risks, SHADOW_RISKS if shadow else RISKS))

    def fleet_risks(
        self,
        start: int,
        end: int,
        every_ms: int | None = None,
        fault: str | None = None,
        *,
        shadow: bool = False,
    ) -> pl.DataFrame:
        """Return the last risk of each device and fault in a range, or of each interval of it."""
        where = influxql.times(start, end)
        if fault is not None:
            where += f" AND fault = {influxql.text_of(fault)}"
        groups = "device, fault" + (f", time({every_ms}ms)" if every_ms is not None else "")
        columns = ["last(risk) AS risk", "model"]
        query = influxql.grouped(SHADOW_RISKS if shadow else RISKS, columns, where, groups)
        types = {name: RISK_COLUMNS[name] for name in ("risk", "model")}
        found = influxql.read_csv(self._connection.csv(query), types)
        named = influxql.with_tags(found, "device", "fault").rename({"device": "device_id", "time": "ts"})
        return named.select(pl.col(name).cast(kind) for name, kind in FLEET_RISK_COLUMNS.items()).sort(
            "device_id", "ts", "fault"
        )

    def risk_history(self, device_id: str, start: int, end: int, every_ms: int | None = None) -> pl.DataFrame:
        """Return the stored risks of one device, of each interval the last, as a risk frame."""
        where = self._of(device_id, start, end)
        if every_ms is not None:
            return self._last_risks(device_id, where, f"fault, time({every_ms}ms) fill(none)").sort(
                "ts", "fault"
            )
        query = f"SELECT risk, {', '.join(_TOLD)}, fault FROM {RISKS} WHERE {where}"
        types = {name: RISK_COLUMNS[name] for name in ("risk", *_TOLD, "fault")}
        return self._risks(influxql.read_csv(self._connection.csv(query), types), device_id).sort(
            "ts", "fault"
        )

    def latest_risks(self, device_id: str) -> pl.DataFrame:
        """Return the newest stored risk for each fault of one device, highest first, as a risk frame."""
        where = f"device = {influxql.text_of(device_id)}"
        return self._last_risks(device_id, where, "fault").sort("risk", "fault", descending=[True, False])

    def _last_risks(self, device_id: str, where: str, groups: str) -> pl.DataFrame:
        told = ", ".join(_TOLD)
        query = f"SELECT last(risk) AS risk, {told} FROM {RISKS} WHERE {where} GROUP BY {groups}"
        types = {name: RISK_COLUMNS[name] for name in ("risk", *_TOLD)}
        found = influxql.with_tags(influxql.read_csv(self._connection.csv(query), types), "fault")
        return self._risks(found, device_id)

    @staticmethod
    def _risks(found: pl.DataFrame, device_id: str) -> pl.DataFrame:
        named = found.rename({"time": "ts"}).with_columns(device_id=pl.lit(device_id))
        return named.select(pl.col(name).cast(dtype) for name, dtype in RISK_COLUMNS.items())

    def expire(self, retention: Retention, now: int) -> int:
        """Delete what is older than the retention, and keep its tiles; return how many readings went.

        The bucket's own retention, which is longer, does the same by shards; InfluxDB 3 deletes in no other
        way.
        """
        gone = 0
        end, tiles_end = (now - retention.readings_ms) // HOUR_MS * HOUR_MS, now - retention.tiles_ms
        for kind in Kind:
            where = influxql.times(influxql.FIRST_MS, end)
            query = f"SELECT count(received) AS readings FROM {influxql.name_of(kind)} WHERE {where}"
            old = influxql.read_csv(self._connection.csv(query), {"readings": pl.Int64()})
            if old.height:
                if tiles_end < end:
                    self._roll_up(kind, tiles_end, end)
                if self._delete(kind, end):
                    gone += int(old["readings"][0])
            self._delete(tile_measurement(kind), tiles_end)
        for risks in (RISKS, SHADOW_RISKS):
            self._delete(risks, now - retention.risks_ms)
        return gone

    def _roll_up(self, kind: Kind, start: int, end: int) -> None:
        """Keep the tiles of readings before `end` that are not kept yet, a day at a time."""
        oldest, newest = self._extent(kind)
        first = max(oldest, self._kept.until(kind), start) // HOUR_MS * HOUR_MS
        if first >= end or newest < oldest:
            return
        schema = tile_schema(self._signals, kind)
        for begin in range(first, end, DAY_MS):
            until = min(begin + DAY_MS, end)
            self._kept.keep(kind, tiles_between(self._connection, self._signals, kind, begin, until, schema))
        self._kept.keep_until(kind, end)

    def _delete(self, measurement: str, before: int) -> bool:
        try:
            query = f"DELETE FROM {influxql.name_of(measurement)} WHERE time < {before}ms"
            self._connection.json(query, change=True)
        except StoreRejected as error:
            log.warning("nothing older than the retention is deleted but by the server itself: %s", error)
            return False
        return True

    def check(self) -> None:
        """Raise StoreUnavailable when the server cannot answer, StoreRefused when the bucket is not there."""
        self._connection.json("SHOW MEASUREMENTS LIMIT 1")

    def close(self) -> None:
        """Let go of the server."""
        with self._writing:
            self._connection.close()
            self._kept.close()

    def _rows(self, kind: Kind, columns: Sequence[str], where: str, limit: int | None) -> pl.DataFrame:
        """Return readings in order of time: `ts`, `received`, then `columns`.

        `received` is in every reading: without it one that has none of `columns` would not be found.
        """
        schema = batch_schema(self._signals, kind) | {"device": pl.String()}
        types = {name: _csv_type(schema[name]) for name in ("received", *columns)}
        if limit is not None and limit <= 0:
            return pl.DataFrame(schema={"ts": pl.Int64(), **types})
        names = ", ".join(influxql.name_of(name) for name in types)
        query = f"SELECT {names} FROM {influxql.name_of(kind)} WHERE {where} ORDER BY time"
        answer = self._connection.csv(f"{query} LIMIT {limit}" if limit is not None else query)
        found = influxql.read_csv(answer, types).drop("tags").rename({"time": "ts"})
        return found.with_columns(selectors.string().replace(CLEARED, ""))

    def _extent(self, kind: Kind) -> tuple[int, int]:
        """Return the times of the first and the last stored reading; (0, -1) when there is none."""
        bounds: list[int] = []
        for which in ("first", "last"):
            query = f"SELECT {which}(received) FROM {influxql.name_of(kind)}"
            for series in self._connection.json(query)[0].get("series", ()):
                bounds.append(series["values"][0][0])
        return (bounds[0], bounds[1]) if len(bounds) == 2 else (0, -1)

    @staticmethod
    def _of(device_id: str, start: int, end: int) -> str:
        return f"device = {influxql.text_of(device_id)} AND {influxql.times(start, end)}"


def _csv_type(dtype: pl.DataType) -> pl.DataType:
    """Return the type as which a column is read: whole numbers are floats there, states are text."""
    if isinstance(dtype, pl.Int64):
        return pl.Float64()
    return pl.String() if isinstance(dtype, pl.Enum) else dtype
