"""The SQL of the DuckDB store, built from the signals table. Identifiers come from that table alone."""

from collections.abc import Collection, Sequence

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.readings import KEY_COLUMNS, batch_schema
from fleet.risks import LIVES_IN_DAYS, RISK_COLUMNS
from fleet.signals import ROBOT_STATES, Form, Kind, SignalTable
from fleet.tiles import counters, tile_column, tile_schema, tiled_signals
from storage.ports import Sought

_SQL_TYPES: dict[type[pl.DataType], str] = {
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    pl.Enum: "VARCHAR",
    pl.String: "VARCHAR",
}


def quoted(name: str) -> str:
    """Return a column or table name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def sql_type(dtype: pl.DataType) -> str:
    """Return the SQL type in which a column is stored."""
    return _SQL_TYPES[type(dtype)]


def _columns(schema: dict[str, pl.DataType]) -> str:
    return ", ".join(f"{quoted(name)} {sql_type(dtype)}" for name, dtype in schema.items())


RISK_TABLES = ("risk", "shadow_risk")
"""The tables of champions' and of challengers' risks."""


def risk_table(shadow: bool) -> str:
    """Return the table of the risks that count, or of those that do not."""
    return RISK_TABLES[shadow]


def create_tables() -> list[str]:
    """Return the statements that make every table; those of readings begin with the keys alone.

    A table of risks from an older version gets the columns that it lacks, null in its rows. Those of
    challengers have a table of their own.
    """
    readings = [f"CREATE TABLE IF NOT EXISTS {quoted(kind)} ({_columns(KEY_COLUMNS)})" for kind in Kind]
    risks = [f"CREATE TABLE IF NOT EXISTS {name} ({_columns(RISK_COLUMNS)})" for name in RISK_TABLES]
    return [*readings, *risks, *(_add("risk", name, dtype) for name, dtype in RISK_COLUMNS.items())]


def _add(table: str, name: str, dtype: pl.DataType) -> str:
    return f"ALTER TABLE {quoted(table)} ADD COLUMN IF NOT EXISTS {quoted(name)} {sql_type(dtype)}"


def grow(signals: SignalTable, kind: Kind, names: Sequence[str]) -> list[str]:
    """Return the statements that give a table of readings the columns of these signals."""
    schema = batch_schema(signals, kind)
    return [_add(kind, name, schema[name]) for name in names]


def whole(kind: Kind) -> str:
    """Return the name of the view of all readings of a kind with a column for every signal."""
    return quoted(f"{kind}_readings")


def create_view(signals: SignalTable, kind: Kind, present: Collection[str]) -> str:
    """Return the statement that makes the view `whole`: of signals that never came, the column is null."""
    columns = ", ".join(
        quoted(name) if name in present else f"CAST(NULL AS {_SQL_TYPES[type(dtype)]}) AS {quoted(name)}"
        for name, dtype in batch_schema(signals, kind).items()
    )
    return f"CREATE OR REPLACE VIEW {whole(kind)} AS SELECT {columns} FROM {quoted(kind)}"


def insert(table: str, columns: Sequence[str], source: str) -> str:
    """Return the statement that appends all rows of `source`."""
    names = ", ".join(quoted(name) for name in columns)
    return f"INSERT INTO {quoted(table)} ({names}) SELECT {names} FROM {source}"


def overwrite(kind: Kind, columns: Sequence[str], source: str) -> str:
    """Return the statement that lays `source` over the stored rows of the same device and time.

    Field by field: what `source` does not have stays as it was.
    """
    changes = ", ".join(
        f"{quoted(name)} = coalesce({source}.{quoted(name)}, stored.{quoted(name)})"
        for name in columns
        if name not in ("device_id", "ts")
    )
    return (
        f"UPDATE {quoted(kind)} AS stored SET {changes} FROM {source} "
        f"WHERE stored.device_id = {source}.device_id AND stored.ts = {source}.ts"
    )


def latest(kind: Kind, signals: Sequence[str]) -> str:
    """Return the query for the newest value of each signal of one device in a range, and its time.

    Two columns each; it reads what the range holds of these signals alone.
    """
    pairs = ", ".join(
        f"arg_max({quoted(name)}, ts), max(ts) FILTER (WHERE {quoted(name)} IS NOT NULL)" for name in signals
    )
    return f"SELECT {pairs} FROM {whole(kind)} WHERE device_id = ? AND ts >= ? AND ts < ?"


def newest(kind: Kind) -> str:
    """Return the query for the time of the newest reading of one device."""
    return f"SELECT max(ts) FROM {whole(kind)} WHERE device_id = ?"


def history(kind: Kind, signals: Sequence[str]) -> str:
    """Return the query for the readings of one device in a range."""
    names = ", ".join(["ts", *(quoted(name) for name in signals)])
    return f"SELECT {names} FROM {whole(kind)} WHERE device_id = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT ?"


def days(kind: Kind) -> str:
    """Return the query for how many readings each device has on each day."""
    return (
        f"SELECT device_id, ts - ts % {DAY_MS} AS day, count(*) AS readings FROM {quoted(kind)} "
        "GROUP BY device_id, day ORDER BY day, device_id"
    )


def readings(kind: Kind, columns: Sequence[str]) -> str:
    """Return the query for whole readings of some devices in a range."""
    names = ", ".join(quoted(name) for name in columns)
    return (
        f"SELECT {names} FROM {whole(kind)} WHERE device_id IN (SELECT unnest(?::VARCHAR[])) "
        "AND ts >= ? AND ts < ? ORDER BY device_id, ts"
    )


def scan(kind: Kind, signals: Sequence[str], *, some: bool) -> str:
    """Return the query for a few columns of a range, in no order; `some`: of the devices given last."""
    names = ", ".join(quoted(name) for name in ("device_id", "ts", *signals))
    query = f"SELECT {names} FROM {whole(kind)} WHERE ts >= ? AND ts < ?"
    return f"{query} AND device_id IN (SELECT unnest(?::VARCHAR[]))" if some else query


def devices_with(kind: Kind, sought: Sequence[Sought]) -> tuple[str, list[object]]:
    """Return the query for devices with values that are looked for in a range, and what it is given last."""
    parts: list[str] = []
    given: list[object] = []
    for each in sought:
        tests = []
        for sign, bound in ((">=", each.low), ("<=", each.high)):
            if bound is not None:
                tests.append(f"CAST({quoted(each.signal)} AS DOUBLE) {sign} ?")
                given.append(bound)
        if each.words is not None:
            tests.append(f"{quoted(each.signal)} IN (SELECT unnest(?::VARCHAR[]))")
            given.append(list(each.words))
        parts.append(f"({' AND '.join(tests) or quoted(each.signal) + ' IS NOT NULL'})")
    where = " OR ".join(parts) or "false"
    return f"SELECT DISTINCT device_id FROM {whole(kind)} WHERE ts >= ? AND ts < ? AND ({where})", given


# Rounded down for times before 1970 too, where % is negative.
_INTERVAL = "ts - ((ts % $every) + $every) % $every"

# Measured over 345,600 rows: a quarter of the processor time of a window function's.
_TOLD = [name for name in RISK_COLUMNS if name not in ("device_id", "ts", "fault")]
# arg_max alone skips rows without a value, and would tell a remaining life that is out of date.
LAST_RISKS = (
    f"SELECT device_id, {_INTERVAL} AS start, fault, "
    + ", ".join(f"arg_max_null({name}, ts) AS {name}" for name in _TOLD)
    + " FROM risk "
    "WHERE device_id = $device AND ts >= $start AND ts < $end "
    "GROUP BY device_id, start, fault ORDER BY start, fault"
)


def fleet_risks(table: str, every: bool, fault: bool, lives: bool) -> str:
    """Return the query for the last risk of each device and fault in a range, or of each interval."""
    time = f"{_INTERVAL} AS start" if every else "max(ts) AS start"
    groups = "device_id, start, fault" if every else "device_id, fault"
    told = "".join(f", arg_max_null({name}, ts) AS {name}" for name in LIVES_IN_DAYS) if lives else ""
    return (
        f"SELECT device_id, {time}, fault, arg_max(risk, ts) AS risk, arg_max(model, ts) AS model{told} "
        f"FROM {table} "
        f"WHERE ts >= $start AND ts < $end{' AND fault = $fault' if fault else ''} "
        f"GROUP BY {groups} ORDER BY device_id, start, fault"
    )


_RISK = f"SELECT {', '.join(RISK_COLUMNS)} FROM risk"
RISKS = f"{_RISK} WHERE device_id = ? AND ts >= ? AND ts < ? ORDER BY ts, fault"
NEWEST_RISKS = (
    f"{_RISK} WHERE device_id = ? "
    "QUALIFY row_number() OVER (PARTITION BY fault ORDER BY ts DESC) = 1 ORDER BY risk DESC, fault"
)


def intervals(kind: Kind, signals: Sequence[str]) -> str:
    """Return the query for the summaries of one device at equal intervals of a range."""
    stats = []
    for name in signals:
        value = f"CAST({quoted(name)} AS DOUBLE)"
        stats += [
            f"avg({value}) AS {quoted(tile_column(name, 'mean'))}",
            f"min({value}) AS {quoted(tile_column(name, 'min'))}",
            f"max({value}) AS {quoted(tile_column(name, 'max'))}",
            f"count({value}) AS {quoted(tile_column(name, 'count'))}",
        ]
    return (
        f"SELECT {_INTERVAL} AS start, {', '.join(stats)} FROM {whole(kind)} "
        "WHERE device_id = $device AND ts >= $start AND ts < $end GROUP BY start ORDER BY start LIMIT $limit"
    )


AMONG = " AND device_id IN (SELECT unnest(?::VARCHAR[]))"
"""The condition for any of some devices."""


def tiles(signals: SignalTable, kind: Kind, among: str = "", columns: Collection[str] | None = None) -> str:
    """Return the query for the hourly tiles of one kind, columns as in fleet.tiles, all or of the asked.

    The rises of counters are left null: storage.series.duckdb.tiles fills them in.
    """
    made = {
        "device_id": "device_id",
        "site": "arg_max(site, ts)",
        "hour": f"ts - ts % {HOUR_MS}",
        "readings": "count(*)",
        **_statistics(signals, kind),
    }
    parts = (f"{made[name]} AS {quoted(name)}" for name in tile_schema(signals, kind, columns))
    return (
        f"SELECT {', '.join(parts)} FROM {whole(kind)} WHERE ts >= ? AND ts < ?{among} "
        "GROUP BY device_id, hour ORDER BY device_id, hour"
    )


def _statistics(signals: SignalTable, kind: Kind) -> dict[str, str]:
    """Return what each column of a tile that summarises a signal is made of."""
    made = {}
    for name in tiled_signals(signals, kind):
        value = f"CAST({quoted(name)} AS DOUBLE)"
        for stat, expression in (
            ("n", f"count({value})"),
            ("mean", f"avg({value})"),
            ("m2", f"var_pop({value}) * count({value})"),
            ("min", f"min({value})"),
            ("max", f"max({value})"),
            ("first", f"arg_min({value}, ts)"),
            ("last", f"arg_max({value}, ts)"),
        ):
            made[tile_column(name, stat)] = expression
    for signal in counters(signals, kind):
        made[tile_column(signal.name, "rise")] = "CAST(NULL AS DOUBLE)"
    for signal in signals.for_kind(kind):
        if signal.form is Form.STATE:
            for state in ROBOT_STATES:
                made[f"{signal.name}.{state}.n"] = (
                    f"count(*) FILTER (WHERE {quoted(signal.name)} = '{state}')"
                )
        elif signal.form is Form.TEXT:
            made[f"{signal.name}.n"] = f"count(nullif({quoted(signal.name)}, ''))"
    return made


def edges(kind: Kind, counted: Sequence[str], among: str) -> str:
    """Return the query for the lowest, highest and last of counters in a range, by device and hour."""
    made = {"min": "min({0})", "max": "max({0})", "last": "arg_max({0}, ts)"}
    stats = ", ".join(
        f"{how.format(quoted(name))} AS {quoted(tile_column(name, stat))}"
        for name in counted
        for stat, how in made.items()
    )
    return (
        f"SELECT device_id, ts - ts % {HOUR_MS} AS hour, {stats} FROM {whole(kind)} "
        f"WHERE ts >= ? AND ts < ?{among} GROUP BY device_id, hour"
    )


def rows_of_hours(kind: Kind, counted: Sequence[str], hours: str) -> str:
    """Return the query for the readings of some signals in the hours (`device_id`, `hour`) of a relation."""
    names = ", ".join(f"rows.{quoted(name)}" for name in counted)
    return (
        f"SELECT rows.device_id, rows.ts, {names} FROM {whole(kind)} AS rows SEMI JOIN {hours} AS wanted "
        f"ON rows.device_id = wanted.device_id AND rows.ts - rows.ts % {HOUR_MS} = wanted.hour "
        "WHERE rows.ts >= ? AND rows.ts < ?"
    )
