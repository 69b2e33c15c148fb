"""Summaries that InfluxDB computes: intervals of one device, hourly tiles of all."""

from collections.abc import Iterator

import polars as pl

from fleet.clock import DAY_MS
from fleet.signals import ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.tiles import tile_column, tile_columns
from storage import influx_query as influxql
from storage.influx_http import InfluxConnection

_HOURLY = "device, time(1h)"
_RECEIVED = ['count("received") AS readings', 'last("received") AS received']
_KEYS = ["device_id", "hour"]


def intervals(
    connection: InfluxConnection, kind: Kind, where: str, signals: list[Signal], every_ms: int, limit: int
) -> pl.DataFrame:
    """Return up to `limit` intervals of one device; see TelemetryStore.intervals."""
    columns = [_RECEIVED[0], *(column for signal in signals for column in influxql.statistics(signal))]
    groups = f"time({every_ms}ms)"
    query = f"{influxql.grouped(kind, columns, where, groups)} LIMIT {limit}"
    found = influxql.read_csv(connection.csv(query), _types(signals)).drop("tags")
    for signal in signals:
        if signal.form is Form.BOOLEAN:
            condition = f"{where} AND {influxql.count_where(signal.name, 'true')}"
            column = [f"count({influxql.name_of(signal.name)}) AS trues"]
            answer = connection.csv(influxql.grouped(kind, column, condition, groups))
            true = influxql.read_csv(answer, {"trues": pl.Int64()}).drop("tags")
            found = _with_shares(found.join(true, on="time", how="left"), signal)
    stats = [
        pl.col(tile_column(signal.name, stat)).alias(tile_column(signal.name, shown))
        for signal in signals
        for stat, shown in (("mean", "mean"), ("min", "min"), ("max", "max"), ("n", "count"))
    ]
    counts = pl.col(r"^.*\.n$").fill_null(0)
    return found.with_columns(counts).select(pl.col("time").alias("ts"), *stats)


def tiles_between(
    connection: InfluxConnection, signals: SignalTable, kind: Kind, start: int, end: int
) -> pl.DataFrame:
    """Return the hourly tiles of a range of whole hours, a day a request, in order of device and hour."""
    pieces = [
        _tiles(connection, signals, kind, influxql.times(begin, min(begin + DAY_MS, end)))
        for begin in range(start, end, DAY_MS)
    ]
    empty = pl.DataFrame(schema=_tile_schema(signals, kind))
    return pl.concat([empty, *pieces]).sort(_KEYS)


def _tiles(connection: InfluxConnection, signals: SignalTable, kind: Kind, where: str) -> pl.DataFrame:
    schema = _tile_schema(signals, kind)
    tiled = [signal for signal in signals.for_kind(kind) if f"{signal.name}.mean" in schema]
    found = _statistics(connection, kind, where, tiled)
    if found.is_empty():
        return pl.DataFrame(schema=schema)
    for name, column, condition in _counted(signals, kind):
        answer = connection.csv(
            influxql.grouped(
                kind, [f"count({influxql.name_of(name)}) AS counted"], f"{where}{condition}", _HOURLY
            )
        )
        counted = _by_device(influxql.read_csv(answer, {"counted": pl.Int64()}))
        found = found.join(counted.rename({"counted": column}), on=_KEYS, how="left")
        signal = signals[name]
        if signal.form is Form.BOOLEAN:
            found = _with_shares(found.rename({column: "trues"}), signal)
    counts = [name for name, dtype in schema.items() if dtype == pl.Int64 and name not in _KEYS]
    return found.with_columns(
        *(_m2(signal) for signal in tiled if signal.form is not Form.BOOLEAN),
        *(pl.col(name).fill_null(0) for name in counts),
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _statistics(connection: InfluxConnection, kind: Kind, where: str, tiled: list[Signal]) -> pl.DataFrame:
    """Return one row for each device and hour: what InfluxDB computes in one answer, and the site.

    The site is a tag, so a device that moved within an hour has two rows there: then the statistics are
    asked for once more without it, and the site of what was received last stands.
    """
    columns = [*_RECEIVED, *(column for signal in tiled for column in influxql.statistics(signal))]
    types: dict[str, pl.DataType] = {"readings": pl.Int64(), "received": pl.Float64(), **_types(tiled)}
    query = influxql.grouped(kind, columns, where, "device, site, time(1h)")
    by_site = influxql.with_tags(influxql.read_csv(connection.csv(query), types), "device", "site")
    by_site = by_site.rename({"device": "device_id", "time": "hour"})
    if not by_site.select(pl.struct(_KEYS).is_duplicated().any()).item():
        return by_site
    sites = by_site.sort("received").unique(_KEYS, keep="last").select(*_KEYS, "site")
    query = influxql.grouped(kind, columns, where, _HOURLY)
    return _by_device(influxql.read_csv(connection.csv(query), types)).join(sites, on=_KEYS)


def _counted(signals: SignalTable, kind: Kind) -> Iterator[tuple[str, str, str]]:
    """Yield what is counted by a query of its own: signal, column, condition."""
    for signal in signals.for_kind(kind):
        if signal.form is Form.BOOLEAN:
            yield signal.name, f"{signal.name}.true", f" AND {influxql.count_where(signal.name, 'true')}"
        elif signal.form is Form.TEXT:
            yield signal.name, f"{signal.name}.n", ""
        elif signal.form is Form.STATE:
            for state in ROBOT_STATES:
                condition = influxql.count_where(signal.name, influxql.text_of(state))
                yield signal.name, f"{signal.name}.{state}.n", f" AND {condition}"


def _by_device(frame: pl.DataFrame) -> pl.DataFrame:
    return influxql.with_tags(frame, "device").rename({"device": "device_id", "time": "hour"})


def _types(signals: list[Signal]) -> dict[str, pl.DataType]:
    """Return the columns that `influxql.statistics` asks for, with their types."""
    types: dict[str, pl.DataType] = {}
    for signal in signals:
        boolean = signal.form is Form.BOOLEAN
        types[tile_column(signal.name, "n")] = pl.Int64()
        for stat in ("first", "last"):
            types[tile_column(signal.name, stat)] = pl.Boolean() if boolean else pl.Float64()
        if not boolean:
            types |= {
                tile_column(signal.name, stat): pl.Float64() for stat in ("mean", "stddev", "min", "max")
            }
    return types


def _with_shares(found: pl.DataFrame, signal: Signal) -> pl.DataFrame:
    """Add what follows for a boolean from its count `n` and how many are true."""
    n, true = pl.col(tile_column(signal.name, "n")), pl.col("trues").fill_null(0)
    share = pl.when(n > 0).then(true / n)
    stats = {
        "mean": share,
        "m2": n * share * (1 - share),
        "min": pl.when(n > 0).then((true == n).cast(pl.Float64)),
        "max": pl.when(n > 0).then((true > 0).cast(pl.Float64)),
    }
    return found.with_columns(
        **{tile_column(signal.name, stat): value for stat, value in stats.items()}
    ).drop("trues")


def _m2(signal: Signal) -> pl.Expr:
    """Return the sum of squared deviations; InfluxDB knows no deviation of a single value, where it is 0."""
    n = pl.col(tile_column(signal.name, "n"))
    squared = pl.col(tile_column(signal.name, "stddev")).fill_null(0.0) ** 2 * (n - 1)
    return pl.when(n > 0).then(squared).alias(tile_column(signal.name, "m2"))


def _tile_schema(signals: SignalTable, kind: Kind) -> dict[str, pl.DataType]:
    def type_of(name: str) -> pl.DataType:
        if name in ("device_id", "site"):
            return pl.String()
        whole = name in ("hour", "readings") or name.endswith(".n")
        return pl.Int64() if whole else pl.Float64()

    return {name: type_of(name) for name in tile_columns(signals, kind)}
