"""Summaries of one device that InfluxDB computes: counts, means and bounds of intervals."""

import polars as pl

from fleet.personal import personal_signals
from fleet.signals import Form, Kind, Signal
from fleet.tiles import tile_column
from storage.series.influx import query as influxql
from storage.series.influx.apart import added, personal_measurement
from storage.series.influx.http import InfluxConnection

_READINGS = 'count("received"::float) AS readings'


def intervals(
    connection: InfluxConnection, kind: Kind, where: str, signals: list[Signal], every_ms: int, limit: int
) -> pl.DataFrame:
    """Return up to `limit` intervals of one device; see TelemetryStore.intervals."""
    plain = [signal for signal in signals if signal.name not in personal_signals(kind)]
    found = _summed(connection, str(kind), where, plain, every_ms, limit)
    personal = [signal for signal in signals if signal not in plain]
    if personal:
        beside = pl.DataFrame(schema={"time": pl.Int64(), **_types(personal)})
        if found.height:
            where = f"{where} AND time < {int(found['time'][-1]) + every_ms}ms"
            beside = _summed(connection, personal_measurement(kind), where, personal, every_ms, None)
        found = added(found, beside, ["time"], list(_types(personal)))
    stats = [
        pl.col(tile_column(signal.name, stat)).alias(tile_column(signal.name, shown))
        for signal in signals
        for stat, shown in (("mean", "mean"), ("min", "min"), ("max", "max"), ("n", "count"))
    ]
    counts = pl.col(r"^.*\.n$").fill_null(0)
    return found.with_columns(counts).select(pl.col("time").alias("ts"), *stats)


def _summed(
    connection: InfluxConnection,
    measurement: str,
    where: str,
    signals: list[Signal],
    every_ms: int,
    limit: int | None,
) -> pl.DataFrame:
    columns = [_READINGS, *(column for signal in signals for column in influxql.statistics(signal))]
    groups = f"time({every_ms}ms)"
    query = influxql.grouped(measurement, columns, where, groups)
    query += "" if limit is None else f" LIMIT {limit}"
    found = influxql.read_csv(connection.csv(query), _types(signals)).drop("tags")
    for signal in signals:
        if signal.form is Form.BOOLEAN:
            condition = f"{where} AND {influxql.name_of(signal.name)} = true"
            column = [f"count({influxql.value_of(signal)}) AS trues"]
            answer = connection.csv(influxql.grouped(measurement, column, condition, groups))
            true = influxql.read_csv(answer, {"trues": pl.Int64()}).drop("tags")
            found = _with_shares(found.join(true, on="time", how="left"), signal)
    return found


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
