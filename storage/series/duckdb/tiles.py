"""Roll-ups of the DuckDB store: the hourly tiles of readings that expired, in tables of their own.

Up to an hour, one for each kind of device, tiles are the kept ones; from it on they are made of readings. An
hour changes sides within the transaction that deletes its readings, so every tile is there exactly once.
"""

from collections.abc import Collection, Sequence

import duckdb
import polars as pl

from fleet import rises
from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import Kind, SignalTable
from fleet.tiles import tile_column, tile_schema
from storage.series.duckdb import sql


def _table(kind: Kind) -> str:
    return sql.quoted(f"tile_{kind}")


def prepare(cursor: duckdb.DuckDBPyConnection, signals: SignalTable) -> None:
    """Make every table, and grow those that a newer signals table has outgrown."""
    cursor.execute("CREATE TABLE IF NOT EXISTS kept_tiles (kind VARCHAR PRIMARY KEY, until BIGINT NOT NULL)")
    for kind in Kind:
        schema = tile_schema(signals, kind)
        columns = {name: f"{sql.quoted(name)} {sql.sql_type(dtype)}" for name, dtype in schema.items()}
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {_table(kind)} ({', '.join(columns.values())})")
        there = {name for name, *_ in cursor.execute(f"DESCRIBE {_table(kind)}").fetchall()}
        for name in columns.keys() - there:
            cursor.execute(f"ALTER TABLE {_table(kind)} ADD COLUMN {columns[name]}")


def hours(cursor: duckdb.DuckDBPyConnection, kind: Kind) -> tuple[int, int]:
    """Return the first hour that is kept, and the hour up to which; (0, 0) when none is."""
    until = _until(cursor, kind)
    ((first,),) = cursor.execute(f"SELECT coalesce(min(hour), ?) FROM {_table(kind)}", [until]).fetchall()
    return int(first), until


def first_hour(cursor: duckdb.DuckDBPyConnection, kind: Kind) -> int | None:
    """Return the start of the oldest hour that has tiles, kept ones or of readings; None for no tiles."""
    query = f"SELECT least((SELECT min(ts) FROM {sql.quoted(kind)}), (SELECT min(hour) FROM {_table(kind)}))"
    ((first,),) = cursor.execute(query).fetchall()
    return None if first is None else int(first) // HOUR_MS * HOUR_MS


def _until(cursor: duckdb.DuckDBPyConnection, kind: Kind) -> int:
    rows = cursor.execute("SELECT until FROM kept_tiles WHERE kind = ?", [str(kind)]).fetchall()
    return int(rows[0][0]) if rows else 0


def tiles(
    cursor: duckdb.DuckDBPyConnection,
    signals: SignalTable,
    kind: Kind,
    start: int,
    end: int,
    devices: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return the tiles of a range, of all devices or some, kept or made now; within a transaction."""
    until = _until(cursor, kind)
    counted = rises.counted(signals, kind, columns)
    read = rises.with_base(columns, counted)
    made = _made(cursor, signals, kind, max(start, until), end, until, devices, read)
    if start < until:
        made = pl.concat([_kept(cursor, signals, kind, start, min(end, until), devices, read), made])
    return made.select(list(tile_schema(signals, kind, columns))).sort("device_id", "hour")


def _made(
    cursor: duckdb.DuckDBPyConnection,
    signals: SignalTable,
    kind: Kind,
    start: int,
    end: int,
    until: int,
    devices: Sequence[str] | None,
    columns: Collection[str] | None,
) -> pl.DataFrame:
    """Return the tiles of readings, hours that are kept (before `until`) beside them."""
    among = "" if devices is None else sql.AMONG
    chosen = [] if devices is None else [list(devices)]
    query = sql.tiles(signals, kind, among, columns)
    found: pl.DataFrame = cursor.sql(query, params=[start, end, *chosen]).pl()
    counted = rises.counted(signals, kind, columns)
    if not counted or found.is_empty():
        return found
    names = [signal.name for signal in counted]
    query = sql.edges(kind, names, among)
    after: pl.DataFrame = cursor.sql(query, params=[end, end + HOUR_MS, *chosen]).pl()
    back = start - rises.HOURS_BEFORE * HOUR_MS
    stats = {tile_column(name, stat) for name in names for stat in rises.BASE_STATS}
    left = _kept(cursor, signals, kind, back, min(start, until), devices, stats)
    beside = [after, left.select(after.columns)]
    if start > until:
        beside.append(cursor.sql(query, params=[max(back, until), start, *chosen]).pl())

    def rows(hours: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
        cursor.register("doubtful", hours.to_arrow())
        bounds = [hours["hour"].min(), int(hours["hour"].max()) + HOUR_MS]  # type: ignore[arg-type]
        read: pl.DataFrame = cursor.sql(sql.rows_of_hours(kind, of, "doubtful"), params=bounds).pl()
        return rises.with_left(read, left, of)

    return rises.with_rises(found, pl.concat(beside, how="vertical_relaxed"), counted, rows)


def _kept(
    cursor: duckdb.DuckDBPyConnection,
    signals: SignalTable,
    kind: Kind,
    start: int,
    end: int,
    devices: Sequence[str] | None,
    columns: Collection[str] | None,
) -> pl.DataFrame:
    """Return the tiles that are kept of a range."""
    kept_columns = [
        # A count that a newer signal has added is null in older rows.
        f"coalesce({sql.quoted(name)}, 0) AS {sql.quoted(name)}" if dtype == pl.Int64 else sql.quoted(name)
        for name, dtype in tile_schema(signals, kind, columns).items()
    ]
    among = "" if devices is None else sql.AMONG
    chosen = [] if devices is None else [list(devices)]
    query = f"SELECT {', '.join(kept_columns)} FROM {_table(kind)} WHERE hour >= ? AND hour < ?{among}"
    found: pl.DataFrame = cursor.sql(query, params=[start, end, *chosen]).pl()
    return found.with_columns(rises.without_readings(rises.counted(signals, kind, columns)))


def keep(
    cursor: duckdb.DuckDBPyConnection, signals: SignalTable, kind: Kind, frame: pl.DataFrame, until: int
) -> None:
    """Keep tiles made elsewhere beside those of our own readings; same device and hour replaces."""
    _keep_own(cursor, signals, kind, 0, until)
    if frame.height:
        cursor.register("made_elsewhere", frame.filter(pl.col("hour") < until).to_arrow())
        _changed(
            cursor,
            f"DELETE FROM {_table(kind)} AS kept USING made_elsewhere AS made "
            "WHERE kept.device_id = made.device_id AND kept.hour = made.hour",
        )
        _changed(cursor, f"INSERT INTO {_table(kind)} BY NAME SELECT * FROM made_elsewhere")
    if until > _until(cursor, kind):
        _set_until(cursor, kind, until)


def _set_until(cursor: duckdb.DuckDBPyConnection, kind: Kind, until: int) -> None:
    _changed(cursor, "INSERT OR REPLACE INTO kept_tiles VALUES (?, ?)", [str(kind), until])


def expire(
    cursor: duckdb.DuckDBPyConnection, signals: SignalTable, kind: Kind, readings_end: int, tiles_end: int
) -> int:
    """Keep the tiles of whole hours before `readings_end`, then delete their readings; return how many.

    Kept tiles before `tiles_end` are deleted too. The cursor is in a transaction.
    """
    end = readings_end // HOUR_MS * HOUR_MS
    table = sql.quoted(kind)
    _keep_own(cursor, signals, kind, tiles_end, end)
    gone = _changed(cursor, f"DELETE FROM {table} WHERE ts < ?", [end])
    _changed(cursor, f"DELETE FROM {_table(kind)} WHERE hour < ?", [tiles_end])
    return gone


def _changed(cursor: duckdb.DuckDBPyConnection, statement: str, given: Sequence[object] = ()) -> int:
    """Return how many rows a statement changed; an answer must be read before the next is asked."""
    return sum(int(rows) for (rows,) in cursor.execute(statement, list(given)).fetchall())


def _keep_own(
    cursor: duckdb.DuckDBPyConnection, signals: SignalTable, kind: Kind, start: int, end: int
) -> None:
    """Keep the tiles of the readings of a range, as far as they are not kept yet."""
    oldest = f"SELECT min(ts) FROM {sql.quoted(kind)} WHERE ts < ?"
    ((first,),) = cursor.execute(oldest, [end]).fetchall()
    if first is None:
        return
    begin = max(_until(cursor, kind), first, start) // HOUR_MS * HOUR_MS
    if begin >= end:
        return
    counted = rises.counted(signals, kind)
    columns = [tile_column(signal.name, "rise") for signal in counted]
    base = rises.with_base(columns, counted)
    risen = ", ".join(f"risen.{sql.quoted(name)} AS {sql.quoted(name)}" for name in columns)
    query = (
        f"INSERT INTO {_table(kind)} BY NAME SELECT made.* REPLACE ({risen}) "
        f"FROM ({sql.tiles(signals, kind)}) AS made LEFT JOIN risen USING (device_id, hour)"
    )
    for day in range(begin, end, DAY_MS):  # what was never expired before may be years
        last = min(day + DAY_MS, end)
        found = _made(cursor, signals, kind, day, last, _until(cursor, kind), None, base)
        cursor.register("risen", found.select("device_id", "hour", *columns).to_arrow())
        _changed(cursor, query, [day, last])
    _set_until(cursor, kind, end)
