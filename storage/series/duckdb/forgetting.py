"""Takes what is personal out of the DuckDB store: columns become null, readings and tiles stay.

What was in them is in no answer from then on. The bytes may stand in blocks of the file that are unused until
something else is written there: DuckDB neither overwrites nor gives back what lies amid a file, CHECKPOINT
included (seen in 2.0: docs/personal-data.md). `compacted` writes the file anew without them.
"""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb

from fleet.clock import HOUR_MS
from fleet.errors import DataFolderError
from fleet.personal import personal_signals
from fleet.signals import Kind, SignalTable
from fleet.tiles import tile_columns
from storage.series.duckdb.sql import AMONG, quoted


def forget(
    cursor: duckdb.DuckDBPyConnection,
    signals: SignalTable,
    kind: Kind,
    present: Collection[str],
    start: int,
    end: int,
    devices: Sequence[str] | None,
) -> int:
    """Take personal values of a range out of readings (their columns: `present`) and kept tiles.

    Returns how many readings had any. The cursor is in a transaction.
    """
    personal = personal_signals(kind)
    readings = sorted(personal.intersection(present))
    tiles = [name for name in tile_columns(signals, kind) if name.partition(".")[0] in personal]
    first_hour = start // HOUR_MS * HOUR_MS
    _clear(cursor, f"tile_{kind}", "hour", tiles, (first_hour, end), devices)
    return _clear(cursor, str(kind), "ts", readings, (start, end), devices)


def _clear(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    time: str,
    columns: Sequence[str],
    between: tuple[int, int],
    devices: Sequence[str] | None,
) -> int:
    if not columns:
        return 0
    changes = ", ".join(f"{quoted(name)} = NULL" for name in columns)
    held = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in columns)
    among = "" if devices is None else AMONG
    given = [*between, *([] if devices is None else [list(devices)])]
    statement = f"UPDATE {quoted(table)} SET {changes} WHERE {time} >= ? AND {time} < ?{among} AND ({held})"
    return sum(int(rows) for (rows,) in cursor.execute(statement, given).fetchall())


def compacted(path: Path) -> tuple[int, int]:
    """Write a store's file anew, without its unused blocks; return its size before and after, in bytes.

    Broken off, the file is as it was. Raises DataFolderError while a process holds it, or when there is no
    room for a second one.
    """
    fresh = path.with_name(f"{path.name}.compacting")
    before = path.stat().st_size
    try:
        for left in (fresh, fresh.with_name(f"{fresh.name}.wal")):
            left.unlink(missing_ok=True)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_text(path)} AS held")
            connection.execute("CHECKPOINT held")
            connection.execute(f"ATTACH {_text(fresh)} AS fresh")
            connection.execute("COPY FROM DATABASE held TO fresh")
            connection.execute("DETACH fresh")
            fresh.chmod(path.stat().st_mode & 0o777)
            _durable(fresh)
            fresh.replace(path)  # while it is held: nobody can write to the old one meanwhile
            _durable(path.parent)
    except (duckdb.Error, OSError) as error:
        fresh.unlink(missing_ok=True)
        raise DataFolderError(f"{path} cannot be written anew: {str(error).splitlines()[0]}") from error
    return before, path.stat().st_size


def _durable(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
