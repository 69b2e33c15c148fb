"""The embedded time-series store: one DuckDB file, no server, one process."""

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition, RLock
from typing import Any

import duckdb
import polars as pl
import pyarrow  # noqa: F401 - every write needs it: rather at the start than in the midst of the first one

from fleet.clock import HOUR_MS
from fleet.errors import DataFolderError, StoreRejected, StoreUnavailable
from fleet.readings import ReadingBatch, batch_schema
from fleet.risks import RISK_COLUMNS
from fleet.signals import Kind, SignalTable
from storage.ports import LatestValue, Receipt, Retention, Sought
from storage.series.duckdb import sql
from storage.series.duckdb import tiles as kept
from storage.series.duckdb.forgetting import forget
from storage.series.duckdb.looked_at import LookedAt
from storage.series.newest import NewestTimes
from storage.series.repeats import without_repeats

log = logging.getLogger(__name__)

_CHECKPOINT_AT = "128MB"
"""The log grows to this before it is folded into the file. DuckDB's own 16 MB is nine commits of 5,000 rows,
each of which then rewrites the last row group: half the cost of writing."""
MEMORY_MB = 1024
"""DuckDB's own bound is four fifths of the machine's memory, which in time it comes to fill."""
_TRANSIENT = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
    duckdb.InterruptException,
)
_CLOSE_TIMEOUT_S = 2.0

_RISKS_AT_ONCE = 250_000
"""Risks are written in pieces of this size, which hold less memory than a large fleet's at once."""


_RECENT_MS = HOUR_MS
"""Where a device's newest values are looked for first, before its newest reading."""
_START, _END = -(2**62), 2**62


class DuckDbStore:
    """A TelemetryStore in one file. Open it with `DuckDbStore.open`.

    The newest time of each device is kept in memory, so that only readings not newer than it are looked up
    in the file: an append costs 2.0 µs a row that way, where a primary key costs 5.3 and twice the file.
    A table has columns only for signals that came once, since a column of nulls costs as much as another.
    """

    def __init__(self, path: Path, signals: SignalTable, threads: int | None, memory_mb: int) -> None:
        self._path = path
        self._config: dict[str, Any] = {
            "checkpoint_threshold": _CHECKPOINT_AT,
            "memory_limit": f"{memory_mb}MB",
        }
        if threads is not None:
            self._config["threads"] = threads
        self._signals = signals
        self._writing = RLock()
        # A connection refuses a second thread instead of letting it wait: only cursors are used side by side.
        self._handing_out = Condition()
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._broken = False
        self._connection = _connect(path, self._config)
        self._newest: dict[Kind, NewestTimes] = {}
        self._looked_at = LookedAt()
        self._columns: dict[Kind, set[str]] = {}
        self._prepare()

    @classmethod
    def open(
        cls, path: Path, signals: SignalTable, threads: int | None = None, memory_mb: int = MEMORY_MB
    ) -> "DuckDbStore":
        """Open or make the file at `path`.

        `threads` is how many DuckDB may use (None: one a core): with one a commit takes two thirds of the
        CPU, with more a long query is over sooner. `memory_mb` bounds what DuckDB keeps of the file and of
        rows not yet in it; what a query needs beyond goes to disk.

        Raises DataFolderError when another process holds the file, it cannot be written, or it is no DuckDB
        file.
        """
        return cls(path, signals, threads, memory_mb)

    def _prepare(self) -> None:
        with self._cursor() as cursor:
            for statement in sql.create_tables():
                cursor.execute(statement)
            kept.prepare(cursor, self._signals)
            for kind in Kind:
                described = cursor.execute(f"DESCRIBE {sql.quoted(kind)}").fetchall()
                self._columns[kind] = {name for name, *_ in described}
                cursor.execute(sql.create_view(self._signals, kind, self._columns[kind]))
                rows = cursor.execute(f"SELECT device_id, max(ts) FROM {sql.quoted(kind)} GROUP BY 1")
                self._newest[kind] = NewestTimes(dict(rows.fetchall()))

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Yield a cursor of its own, so that threads do not share one; translate DuckDB's errors."""
        if self._broken:
            self._reopen()
        try:
            with self._in_use() as cursor:
                yield cursor
        except duckdb.FatalException as error:
            self._broken = True
            raise StoreUnavailable(f"store {self._path}: {_first_line(error)}") from error
        except _TRANSIENT as error:
            raise StoreUnavailable(f"store {self._path}: {_first_line(error)}") from error
        except duckdb.ConnectionException as error:
            raise StoreUnavailable(f"store {self._path} is closed: {_first_line(error)}") from error
        except duckdb.Error as error:
            raise StoreRejected(f"store {self._path}: {_first_line(error)}") from error

    @contextmanager
    def _in_use(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._handing_out:
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
        try:
            with cursor:
                yield cursor
        finally:
            with self._handing_out:
                self._cursors.discard(cursor)
                self._handing_out.notify_all()

    def _reopen(self) -> None:
        # After a fatal error (a full disk, say) DuckDB refuses everything until the file is opened anew.
        with self._writing, self._handing_out:
            if not self._broken:
                return  # another thread was here before
            log.warning("opening %s anew after a fatal error", self._path)
            self._connection.close()
            try:
                self._connection = _connect(self._path, self._config)
            except DataFolderError as error:
                raise StoreUnavailable(str(error)) from error
            self._broken = False
            self._looked_at.clear()
            self._prepare()

    def write(self, batch: ReadingBatch) -> Receipt:
        """Store a batch; see TelemetryStore.write."""
        if not len(batch):
            return Receipt(0, 0, 0)
        with self._writing:
            if self._broken:
                self._reopen()  # now, since it reads the newest times anew
            # A column that nobody sent is null by itself, which costs less than to write nulls.
            frame = batch.frame.select(one.name for one in batch.frame if one.null_count() < len(batch))
            newest = self._newest[batch.kind]
            frame = without_repeats(frame, newest.codes(frame["device_id"]))
            codes = newest.codes(frame["device_id"])
            late = frame.filter(newest.not_newer(codes, frame["ts"]))
            stored = self._append(batch.kind, frame, late)
            if late.height:
                self._looked_at.forget(batch.kind, late["device_id"].unique())
            newest.rise(codes, frame["ts"])
            return Receipt(frame.height - stored, len(batch) - frame.height + stored, late.height - stored)

    def _append(self, kind: Kind, frame: pl.DataFrame, late: pl.DataFrame) -> int:
        """Append `frame` in one transaction; lay what is already stored over its old row, and count it."""
        sent = frame.columns
        self._grow(kind, sent)
        with self._cursor() as cursor, _transaction(cursor):
            stored = 0
            if late.height:
                keys = late.select("device_id", "ts").to_arrow()
                cursor.register("late", keys)
                query = f"SELECT device_id, ts FROM {sql.quoted(kind)} SEMI JOIN late USING (device_id, ts)"
                found = cursor.sql(query).pl()
                stored = found.height
                if stored:
                    again = frame.join(found, on=["device_id", "ts"], how="semi")
                    cursor.register("again", again.to_arrow())
                    cursor.execute(sql.overwrite(kind, sent, "again"))
                    frame = frame.join(found, on=["device_id", "ts"], how="anti")
            if frame.height:
                cursor.register("fresh", frame.to_arrow())
                cursor.execute(sql.insert(kind, sent, "fresh"))
            return stored

    def _grow(self, kind: Kind, names: Sequence[str]) -> None:
        """Make the columns of signals that come for the first time."""
        new = [name for name in names if name not in self._columns[kind]]
        if not new:
            return
        with self._cursor() as cursor, _transaction(cursor):
            for statement in sql.grow(self._signals, kind, new):
                cursor.execute(statement)
            cursor.execute(sql.create_view(self._signals, kind, self._columns[kind].union(new)))
        self._columns[kind].update(new)

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the time of the newest stored reading of each device."""
        with self._writing:
            return self._newest[kind].as_dict()

    def newest_known(self, kind: Kind) -> dict[str, int]:
        """Return the same as `newest`: nobody else writes to the file."""
        return self.newest(kind)

    def latest(self, kind: Kind, device_id: str) -> dict[str, LatestValue]:
        """Return for each signal ever stored of a device its newest value and that value's time."""
        names = [one.name for one in self._signals.for_kind(kind) if one.name in self._columns[kind]]
        mark, known = self._looked_at.begin(kind, device_id)
        found = dict(known)
        with self._cursor() as cursor:
            for start, end in _unread(cursor, kind, device_id, known):
                # Most signals are in the newest readings: of what lies before, only the others are read.
                wanted = [name for name in names if known or name not in found]
                if wanted:
                    row = cursor.execute(sql.latest(kind, wanted), [device_id, start, end]).fetchall()[0]
                    found |= _told(wanted, row)
        self._looked_at.keep(kind, device_id, mark, found)
        return {name: found[name] for name in names if name in found}

    def history(
        self, kind: Kind, device_id: str, signals: Sequence[str], start: int, end: int, limit: int
    ) -> pl.DataFrame:
        """Return up to `limit` readings in order of time: columns `ts`, then `signals`."""
        return self._query(sql.history(kind, signals), [device_id, start, end, limit])

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
        given = {"device": device_id, "start": start, "end": end, "every": every_ms, "limit": limit}
        return self._query(sql.intervals(kind, signals), given).rename({"start": "ts"})

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the hourly tiles (fleet.tiles) of every device with readings in the range, or of some."""
        with self._cursor() as cursor, _transaction(cursor):
            return kept.tiles(cursor, self._signals, kind, start, end, devices, columns)

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that has tiles; see TelemetryStore.first_hour."""
        with self._cursor() as cursor, _transaction(cursor):
            return kept.first_hour(cursor, kind)

    def kept_hours(self, kind: Kind) -> tuple[int, int]:
        """Return the hours of which tiles are kept; see TelemetryStore.kept_hours."""
        with self._cursor() as cursor, _transaction(cursor):
            return kept.hours(cursor, kind)

    def keep_tiles(self, kind: Kind, tiles: pl.DataFrame, until: int) -> None:
        """Keep tiles made elsewhere; see TelemetryStore.keep_tiles."""
        with self._writing, self._cursor() as cursor, _transaction(cursor):
            kept.keep(cursor, self._signals, kind, tiles, until)

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return how many readings of each device there are on each day: `device_id`, `day`, `readings`."""
        return self._query(sql.days(kind), [])

    def readings(self, kind: Kind, devices: Sequence[str], start: int, end: int) -> ReadingBatch:
        """Return whole readings of some devices in a range, in order of device and time."""
        schema = batch_schema(self._signals, kind)
        found = self._query(sql.readings(kind, list(schema)), [list(devices), start, end])
        return ReadingBatch(kind, found.select(pl.col(name).cast(dtype) for name, dtype in schema.items()))

    def devices_with(self, kind: Kind, sought: Sequence[Sought], start: int, end: int) -> frozenset[str]:
        """Return the devices that have any of these values in a range."""
        query, given = sql.devices_with(kind, sought)
        return frozenset(self._query(query, [start, end, *given])["device_id"])

    def scan(
        self, kind: Kind, signals: Sequence[str], start: int, end: int, devices: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the readings of a range with few signals, in any order."""
        some = [] if devices is None else [list(devices)]
        found = self._query(sql.scan(kind, signals, some=devices is not None), [start, end, *some])
        schema = batch_schema(self._signals, kind)
        return found.with_columns(pl.col(name).cast(schema[name]) for name in signals)

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Store a risk frame; same device, fault and `ts` again replaces."""
        table = sql.risk_table(shadow)
        with self._writing, self._cursor() as cursor, _transaction(cursor):
            for piece in risks.iter_slices(_RISKS_AT_ONCE):
                frame = piece.unique(["device_id", "fault", "ts"], keep="last", maintain_order=True)
                cursor.register("scored", frame.to_arrow())
                cursor.execute(
                    f"DELETE FROM {table} AS old USING scored WHERE old.device_id = scored.device_id "
                    "AND old.fault = scored.fault AND old.ts = scored.ts AND old.ts BETWEEN ? AND ?",
                    [frame["ts"].min(), frame["ts"].max()],  # else the whole past is looked through
                )
                cursor.execute(sql.insert(table, list(RISK_COLUMNS), "scored"))

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
        asked = {"start": start, "end": end, "every": every_ms, "fault": fault}
        query = sql.fleet_risks(sql.risk_table(shadow), every_ms is not None, fault is not None, lives)
        given = {name: value for name, value in asked.items() if value is not None}
        return self._query(query, given).rename({"start": "ts"})

    def risk_history(self, device_id: str, start: int, end: int, every_ms: int | None = None) -> pl.DataFrame:
        """Return the stored risks of one device, of each interval the last, as a risk frame."""
        if every_ms is not None:
            asked = {"device": device_id, "start": start, "end": end, "every": every_ms}
            return self._query(sql.LAST_RISKS, asked).rename({"start": "ts"})
        return self._query(sql.RISKS, [device_id, start, end])

    def latest_risks(self, device_id: str) -> pl.DataFrame:
        """Return the newest stored risk for each fault of one device, highest first, as a risk frame."""
        return self._query(sql.NEWEST_RISKS, [device_id])

    def expire(self, retention: Retention, now: int) -> int:
        """Delete what is older than the retention, and keep its tiles; return how many readings went."""
        gone = 0
        with self._writing, self._cursor() as cursor, _transaction(cursor):
            for kind in Kind:
                ends = (now - retention.readings_ms, now - retention.tiles_ms)
                gone += kept.expire(cursor, self._signals, kind, *ends)
            for table in sql.RISK_TABLES:
                cursor.execute(f"DELETE FROM {table} WHERE ts < ?", [now - retention.risks_ms])
        self._looked_at.clear()
        return gone

    def forget_personal(self, start: int, end: int, devices: Sequence[str] | None = None) -> int:
        """Take what is personal out of readings and tiles; see TelemetryStore.forget_personal."""
        with self._writing, self._cursor() as cursor:
            with _transaction(cursor):
                gone = sum(
                    forget(cursor, self._signals, kind, self._columns[kind], start, end, devices)
                    for kind in Kind
                )
            self._looked_at.clear()
            if gone:
                # Else the log, which holds readings as they came, lives on. A long query may forbid it: then
                # it is folded into the file as it grows, or when the store is closed.
                with suppress(duckdb.TransactionException):
                    cursor.execute("CHECKPOINT")
        return gone

    def clear(self) -> None:
        """Delete all that is stored."""
        with self._writing, self._cursor() as cursor:
            with _transaction(cursor):
                names = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal").fetchall()
                for (name,) in names:
                    cursor.execute(f'DELETE FROM "{name}"')
            self._newest = {kind: NewestTimes({}) for kind in self._newest}
            self._looked_at.clear()

    def check(self) -> None:
        """Raise StoreUnavailable when the store cannot answer."""
        with self._cursor() as cursor:
            cursor.execute("SELECT 1")

    def close(self) -> None:
        """Let go of the file, once what is under way has ended; a long query is interrupted."""
        with self._writing, self._handing_out:
            for cursor in self._cursors:
                cursor.interrupt()
            self._handing_out.wait_for(lambda: not self._cursors, _CLOSE_TIMEOUT_S)
            try:
                self._connection.close()
            except duckdb.Error as error:
                log.warning("%s stays open until the process ends: %s", self._path, _first_line(error))

    def _query(self, query: str, given: Sequence[Any] | Mapping[str, Any]) -> pl.DataFrame:
        with self._cursor() as cursor:
            frame: pl.DataFrame = cursor.sql(query, params=given).pl()
            return frame


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor.begin()
    try:
        yield
    except BaseException:
        cursor.rollback()
        raise
    cursor.commit()


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0]


def _connect(path: Path, config: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config=config)
    except duckdb.IOException as error:
        if "lock" in str(error):
            holder = re.search(r"PID \d+", str(error))
            raise DataFolderError(
                f"{path} is held by another process ({holder[0] if holder else '?'}); stop it, or let "
                "`sweepwatch run` do everything in one process, or give several an influxdb:// store"
            ) from error
        raise DataFolderError(f"{path} cannot be used: {_first_line(error)}") from error
    except duckdb.Error as error:
        raise DataFolderError(f"{path} cannot be used: {_first_line(error)}") from error


def _unread(
    cursor: duckdb.DuckDBPyConnection, kind: Kind, device_id: str, known: Mapping[str, LatestValue]
) -> Sequence[tuple[int, int]]:
    """Return the ranges to read for a device's newest values, the newest first."""
    if known:
        return [(max(one.ts for one in known.values()) + 1, _END)]
    newest: int | None = cursor.execute(sql.newest(kind), [device_id]).fetchall()[0][0]
    if newest is None:
        return []
    return [(newest - _RECENT_MS, _END), (_START, newest - _RECENT_MS)]


def _told(names: Sequence[str], row: Sequence[Any]) -> dict[str, LatestValue]:
    """Return what a row of `sql.latest` holds: each signal's value, None for empty text, and its time."""
    found = zip(names, row[::2], row[1::2], strict=True)
    return {name: LatestValue(None if one == "" else one, ts) for name, one, ts in found if ts is not None}
