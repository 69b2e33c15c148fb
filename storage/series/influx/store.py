"""The time-series store on an InfluxDB server: 1.8, 2, 3 or Cloud, shared by several processes."""

import logging
import re
from collections.abc import Callable, Collection, Sequence
from threading import RLock

import polars as pl
from polars import selectors

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import StoreRefused, StoreRejected
from fleet.personal import personal_signals
from fleet.readings import KEY_COLUMNS, ReadingBatch, batch_schema
from fleet.risks import FLEET_RISK_COLUMNS, LIVES_IN_DAYS, RISK_COLUMNS
from fleet.signals import Kind, SignalTable
from storage.ports import LatestValue, Receipt, Retention, RowsRejected, Sought
from storage.series.influx import apart
from storage.series.influx import query as influxql
from storage.series.influx.hourly import HourlyTiles
from storage.series.influx.http import InfluxConnection, PartlyRejected
from storage.series.influx.intervals import intervals
from storage.series.influx.kept import KeptTiles, tiles_address
from storage.series.influx.late import KEYS, stored_among
from storage.series.influx.lines import (
    CLEARED,
    RISKS,
    SHADOW_RISKS,
    bodies,
    reading_lines,
    risk_lines,
)
from storage.series.influx.probe import PROBES, Probe, now_ms
from storage.series.newest import NewestTimes
from storage.series.repeats import without_repeats
from storage.series.store_url import InfluxAddress

log = logging.getLogger(__name__)

_LINES_A_REQUEST = 10_000
_MOST_UNSETTLED = 100_000
_TOLD = [name for name in RISK_COLUMNS if name not in ("device_id", "ts", "fault", "risk")]
"""What is stored with a risk."""


_KEYS = ("device_id", "site", "ts", "received")
Rejected = list[tuple[ReadingBatch, StoreRejected]]
_CONFLICT = re.compile(r'field type conflict: input field "([^"]+)"')


class InfluxStore:
    """A TelemetryStore in one bucket. Opening it makes no connection: a server may be away at the start.

    The newest time of each device is kept in memory, read from the server at first use, so that only readings
    not newer than it are looked up. Same measurement, tags and time overwrite field by field in InfluxDB.
    """

    def __init__(
        self,
        address: InfluxAddress,
        signals: SignalTable,
        *,
        compress: bool | None = None,
        now: Callable[[], int] = now_ms,
    ) -> None:
        compress = not address.loopback if compress is None else compress
        self._connection = InfluxConnection(address, compress=compress)
        self._kept = KeptTiles(self._connection.beside(tiles_address(address).bucket))
        self._hourly = HourlyTiles(self._connection, self._kept, signals, now)
        self._bringing_over = apart.BringingOver(self._connection, self._kept.connection, signals)
        self._probe = Probe(self._connection, now)
        self._proven = False
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
            rejected: Rejected = []
            try:
                rejected = self._write(ReadingBatch(batch.kind, frame))
                for rows, _ in rejected:
                    frame = frame.join(rows.frame, on=KEYS, how="anti", maintain_order="left")
                self._hourly.mark_late(batch.kind, frame["ts"])
            except Exception:
                self._remember(batch.kind, frame.join(stored, on=KEYS, how="anti"))
                raise
            self._forget(batch.kind, frame)
            newest.rise(newest.codes(frame["device_id"]) if rejected else codes, frame["ts"])
            receipt = _receipt(len(batch) - sum(len(rows) for rows, _ in rejected), frame, stored, late)
            if rejected:
                raise RowsRejected(rejected, ReadingBatch(batch.kind, frame), receipt)
            return receipt

    def _write(self, batch: ReadingBatch) -> Rejected:
        """Write readings; return those that the server refused while it kept the others.

        What is personal goes first, apart: a reading is there once the rest of it is.
        """
        self._prove()
        plain, personal = apart.split(batch.kind, batch.frame.columns)
        if not personal:
            return self._write_to(batch.kind, batch.kind, batch.frame)
        told = apart.with_any(batch.frame, personal)
        columns = [*_KEYS, *personal]
        rejected: Rejected = []
        if told.height:
            where = apart.personal_measurement(batch.kind)
            refused = self._write_to(batch.kind, where, told.select(columns))
            whole = [(batch.frame.join(rows.frame, on=KEYS, how="semi"), why) for rows, why in refused]
            rejected = [(ReadingBatch(batch.kind, rows), why) for rows, why in whole]
        rest = batch.frame
        for rows, _ in rejected:
            rest = rest.join(rows.frame, on=KEYS, how="anti", maintain_order="left")
        refused = self._write_to(batch.kind, batch.kind, rest.select(plain))
        whole = [(batch.frame.join(rows.frame, on=KEYS, how="semi"), why) for rows, why in refused]
        return rejected + [(ReadingBatch(batch.kind, rows), why) for rows, why in whole]

    def _write_to(self, kind: Kind, measurement: str, frame: pl.DataFrame) -> Rejected:
        if frame.is_empty():
            return []
        try:
            self._send(reading_lines(ReadingBatch(kind, frame), measurement))
        except PartlyRejected as error:
            kept = stored_among(self._connection, measurement, frame)
            lost = frame.join(kept, on=[*KEYS, "received"], how="anti", maintain_order="left")
            return self._reasons(kind, measurement, lost, error) if lost.height else []
        return []

    def _reasons(self, kind: Kind, measurement: str, left: pl.DataFrame, error: PartlyRejected) -> Rejected:
        """Tell readings apart by what is wrong with them, of which an answer names only the first.

        What has no such field is sent once more, which costs a request for each field at the most.
        """
        found: Rejected = []
        while True:
            named = _CONFLICT.search(str(error))
            field = named[1] if named and named[1] in left.columns else None
            concerned = left if field is None else left.filter(pl.col(field).is_not_null())
            concerned = left if concerned.is_empty() else concerned
            found.append((ReadingBatch(kind, concerned), error))
            left = left.join(concerned, on=KEYS, how="anti", maintain_order="left")
            if left.is_empty():
                break
            try:
                self._send(reading_lines(ReadingBatch(kind, left), measurement))
            except PartlyRejected as another:
                error = another
            else:
                break
        return found

    def _prove(self) -> None:
        """Probe once before anything is written: another organisation's bucket must not be written to."""
        if not self._proven:
            self.check()
            self._proven = True

    def _settle(
        self, kind: Kind, frame: pl.DataFrame, late: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the frame fit to be written, and the keys of what is stored already.

        The site is a tag, and so a part of what is overwritten: what is stored keeps the site it has.
        """
        if late.is_empty():
            return frame, late.select(KEYS)
        found = stored_among(self._connection, kind, late)
        moved = found.select(*KEYS, stored_site="site")
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
        """Write lines. Raises PartlyRejected when all has been sent, but some lines were dropped."""
        partly: PartlyRejected | None = None
        for body in bodies(lines, _LINES_A_REQUEST):
            try:
                self._connection.write(body)
            except PartlyRejected as error:
                partly = partly or error
        if partly is not None:
            raise partly

    def _newest_of(self, kind: Kind) -> NewestTimes:
        if kind not in self._newest:
            self._newest[kind] = NewestTimes(self.newest(kind))
        return self._newest[kind]

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the time of the newest stored reading of each device.

        The server is asked each time: other processes write there too.
        """
        where = influxql.times(influxql.FIRST_MS, influxql.LAST_MS)
        query = influxql.grouped(kind, ['last("received"::float) AS received'], where, "device")
        found = influxql.with_tags(influxql.read_csv(self._connection.csv(query), {}), "device")
        return dict(found.select("device", "time").iter_rows())

    def newest_known(self, kind: Kind) -> dict[str, int]:
        """Return the newest times as this process knows them; see TelemetryStore.newest_known."""
        with self._writing:
            return self._newest_of(kind).as_dict()

    def latest(self, kind: Kind, device_id: str) -> dict[str, LatestValue]:
        """Return for each signal ever stored of a device its newest value and that value's time."""
        signals = self._signals.for_kind(kind)
        places = [(signal, apart.measurement_of(kind, signal.name)) for signal in signals]
        results = self._connection.answers(influxql.last_of_each(places, device_id))
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
        return self._hourly.read(kind, start, end, devices, columns).sort("device_id", "hour")

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that has tiles; see TelemetryStore.first_hour."""
        first, until = self._kept.hours(kind)
        if first < until:
            return first
        begin, end = self._hourly.extent(kind)
        return begin // HOUR_MS * HOUR_MS if begin <= end else None

    def kept_hours(self, kind: Kind) -> tuple[int, int]:
        """Return the hours of which tiles are kept; see TelemetryStore.kept_hours."""
        return self._kept.hours(kind)

    def keep_tiles(self, kind: Kind, tiles: pl.DataFrame, until: int) -> None:
        """Keep tiles made elsewhere; see TelemetryStore.keep_tiles."""
        self._prove()
        self._hourly.roll_up(kind, influxql.FIRST_MS, until)
        self._kept.keep(kind, tiles.filter(pl.col("hour") < until), again=True)
        if until > self._kept.until(kind):
            self._kept.keep_until(kind, until)

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return how many readings of each device there are on each day: `device_id`, `day`, `readings`."""
        first, last = self._hourly.extent(kind)
        where = influxql.times(first, last + 1)
        query = influxql.grouped(kind, ['count("received"::float) AS readings'], where, "device, time(1d)")
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

    def devices_with(self, kind: Kind, sought: Sequence[Sought], start: int, end: int) -> frozenset[str]:
        """Return the devices that have any of these values in a range."""
        found: set[str] = set()
        for each in sought:
            signal = self._signals[each.signal]
            where = f"{influxql.times(start, end)}{influxql.is_one_of(signal, each)}"
            measurement = apart.measurement_of(kind, signal.name)
            query = influxql.grouped(
                measurement, [f"count({influxql.value_of(signal)}) AS n"], where, "device"
            )
            counted = influxql.read_csv(self._connection.csv(query), {"n": pl.Float64()})
            found.update(influxql.with_tags(counted, "device")["device"])
        return frozenset(found)

    def scan(
        self, kind: Kind, signals: Sequence[str], start: int, end: int, devices: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the readings of a range with few signals, in any order."""
        schema = batch_schema(self._signals, kind)
        where = influxql.times_among(start, end, None if devices is None else list(devices))
        found = self._rows(kind, [*signals, "device"], where, None).rename({"device": "device_id"})
        return found.select("device_id", "ts", *(pl.col(name).cast(schema[name]) for name in signals))

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Store a risk frame; same device, fault and `ts` again replaces."""
        if risks.height:
            with self._writing:
                self._prove()
                self._send(risk_lines(risks, SHADOW_RISKS if shadow else RISKS))

    def fleet_risks(
        self,
        start: int,
        end: int,
        every_ms: int | None = None,
        fault: str | None = None,
        *,
        shadow: bool = False,
        lives: bool = False,
    ) -> pl.DataFrame:
        """Return the last risk of each device and fault in a range, or of each interval of it."""
        where = influxql.times(start, end)
        if fault is not None:
            where += f" AND fault = {influxql.text_of(fault)}"
        groups = "device, fault" + (f", time({every_ms}ms)" if every_ms is not None else "")
        more = LIVES_IN_DAYS if lives else ()
        columns = ["last(risk) AS risk", "model", *more]
        query = influxql.grouped(SHADOW_RISKS if shadow else RISKS, columns, where, groups)
        types = {name: RISK_COLUMNS[name] for name in ("risk", "model", *more)}
        found = influxql.read_csv(self._connection.csv(query), types)
        named = influxql.with_tags(found, "device", "fault").rename({"device": "device_id", "time": "ts"})
        told = FLEET_RISK_COLUMNS | {name: RISK_COLUMNS[name] for name in more}
        return named.select(pl.col(name).cast(kind) for name, kind in told.items()).sort(
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
            query = influxql.grouped(kind, ['count("received"::float) AS readings'], where, "")
            old = influxql.read_csv(self._connection.csv(query), {"readings": pl.Int64()})
            if old.height:
                if tiles_end < end:
                    self._hourly.roll_up(kind, tiles_end, end)
                if self._deleted(self._connection.delete, kind, f"time < {end}ms"):
                    gone += int(old["readings"][0])
                if personal_signals(kind):
                    self._deleted(
                        self._connection.delete, apart.personal_measurement(kind), f"time < {end}ms"
                    )
            self._deleted(self._kept.delete, kind, tiles_end)
        self._deleted(self._kept.forget_hours, end)
        for risks in (RISKS, SHADOW_RISKS):
            self._deleted(self._connection.delete, risks, f"time < {now - retention.risks_ms}ms")
        self._deleted(self._connection.delete, PROBES, f"time < {now - DAY_MS}ms")
        return gone

    def forget_personal(self, start: int, end: int, devices: Sequence[str] | None = None) -> int:
        """Take what is personal out of readings and tiles; see TelemetryStore.forget_personal.

        Raises StoreRejected on InfluxDB 3, which deletes in no way but by its retention.
        """
        gone = 0
        with self._writing:
            self._prove()
            for kind in Kind:
                if not personal_signals(kind):
                    continue
                self._bringing_over.run(kind)
                beside = apart.personal_measurement(kind)
                where = influxql.times_among(start, end, devices)
                query = influxql.grouped(beside, ['count("received"::float) AS readings'], where, "")
                found = influxql.read_csv(self._connection.csv(query), {"readings": pl.Int64()})
                if found.height:
                    apart.deleted(self._connection, beside, start, end, devices)
                    gone += int(found["readings"][0])
                self._kept.forget_personal(kind, start, end, devices)
        return gone

    @staticmethod
    def _deleted(delete: Callable[..., None], *what: object) -> bool:
        try:
            delete(*what)
        except StoreRefused:
            raise
        except StoreRejected as error:
            log.warning("nothing older than the retention is deleted but by the server itself: %s", error)
            return False
        return True

    def clear(self) -> None:
        """Delete all that is stored."""
        with self._writing:
            self._prove()
            beside = [apart.personal_measurement(kind) for kind in Kind if personal_signals(kind)]
            for measurement in (*Kind, *beside, RISKS, SHADOW_RISKS):
                self._connection.delete(measurement, f"time <= {influxql.LAST_MS}ms")
            self._kept.clear()
            self._bringing_over.again()
            self._newest.clear()

    def check(self) -> None:
        """Write a point to each bucket and read it back.

        Raises StoreUnavailable when the server cannot answer, StoreRefused when a bucket is not there or is
        another organisation's than the token's.
        """
        self._probe.run()
        self._kept.check()

    def close(self) -> None:
        """Let go of the server."""
        with self._writing:
            self._connection.close()
            self._kept.close()

    def _rows(self, kind: Kind, columns: Sequence[str], where: str, limit: int | None) -> pl.DataFrame:
        """Return readings in order of time: `ts`, `received`, then `columns`.

        `received` is in every reading: without it one that has none of `columns` would not be found.
        """
        plain, personal = apart.split(kind, columns)
        if not personal:
            return self._points(kind, str(kind), columns, where, limit)
        asked = list(dict.fromkeys([*plain, "device"]))
        found = self._points(kind, str(kind), asked, where, limit)
        if found.height:  # of what stands apart no more than belongs to these
            where = f"{where} AND time <= {int(found['ts'][-1])}ms"
        beside = apart.personal_measurement(kind)
        theirs = self._points(kind, beside, ["device", *personal], where, None if found.height else 0)
        return apart.added(found, theirs, ["ts", "device"], personal).select("ts", "received", *columns)

    def _points(
        self, kind: Kind, measurement: str, columns: Sequence[str], where: str, limit: int | None
    ) -> pl.DataFrame:
        schema = batch_schema(self._signals, kind) | {"device": pl.String()}
        types = {name: _csv_type(schema[name]) for name in ("received", *columns)}
        if limit is not None and limit <= 0:
            return pl.DataFrame(schema={"ts": pl.Int64(), **types})
        names = ", ".join(self._column(name) for name in types)
        query = f"SELECT {names} FROM {influxql.name_of(measurement)} WHERE {where} ORDER BY time"
        answer = self._connection.csv(f"{query} LIMIT {limit}" if limit is not None else query)
        found = influxql.read_csv(answer, types).drop("tags").rename({"time": "ts"})
        return found.with_columns(selectors.string().replace(CLEARED, ""))

    def _column(self, name: str) -> str:
        if name in ("device", "site"):
            return f'"{name}"::tag'
        return f'"{name}"::float' if name in ("received", "seq") else influxql.value_of(self._signals[name])

    @staticmethod
    def _of(device_id: str, start: int, end: int) -> str:
        return f"device = {influxql.text_of(device_id)} AND {influxql.times(start, end)}"


def _csv_type(dtype: pl.DataType) -> pl.DataType:
    """Return the type as which a column is read: whole numbers are floats there, states are text."""
    if isinstance(dtype, pl.Int64):
        return pl.Float64()
    return pl.String() if isinstance(dtype, pl.Enum) else dtype


def _receipt(taken: int, frame: pl.DataFrame, stored: pl.DataFrame, late: pl.DataFrame) -> Receipt:
    """Return what became of `taken` readings: `frame` was written, of which `stored` was there before."""
    stored, late = (each.join(frame, on=KEYS, how="semi") if len(each) else each for each in (stored, late))
    repeats = taken - frame.height
    return Receipt(frame.height - stored.height, repeats + stored.height, late.height - stored.height)
