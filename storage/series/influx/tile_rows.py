"""Hourly tiles of sparse readings, made here: 60 readings cost InfluxDB less to hand out than to sum up.

Measured on 1.6.7 with 13 signals: 20 µs a reading against 1.3 ms a tile, in which it visits each column of
each device and hour by itself.
"""

import polars as pl

from fleet.clock import HOUR_MS
from fleet.signals import ROBOT_STATES, Form, Kind, Signal
from fleet.tiles import tile_column
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import CLEARED

_TYPES: dict[Form, pl.DataType] = {
    Form.BOOLEAN: pl.Boolean(),
    Form.STATE: pl.String(),
    Form.TEXT: pl.String(),
}


def tiles_of_rows(
    connection: InfluxConnection, kind: Kind, signals: list[Signal], where: str, most: int
) -> pl.DataFrame | None:
    """Return the tiles of the readings that meet a condition, in no order; None if there are over `most`."""
    types: dict[str, pl.DataType] = {"device": pl.String(), "site": pl.String(), "received": pl.Float64()}
    types |= {signal.name: _TYPES.get(signal.form, pl.Float64()) for signal in signals}
    names = ", ".join(influxql.name_of(name) for name in types)
    query = f"SELECT {names} FROM {influxql.name_of(kind)} WHERE {where} LIMIT {most + 1}"
    rows = influxql.read_csv(connection.csv(query), types)
    if rows.height > most:
        return None
    hour = pl.col("time") - pl.col("time") % HOUR_MS
    groups = rows.sort("time", "received").group_by(pl.col("device").alias("device_id"), hour.alias("hour"))
    statistics = (column for signal in signals for column in _statistics(signal))
    return groups.agg(pl.col("site").last(), pl.len().cast(pl.Int64).alias("readings"), *statistics)


def _statistics(signal: Signal) -> list[pl.Expr]:
    value = pl.col(signal.name)
    if signal.form is Form.STATE:
        return [(value == state).sum().alias(f"{signal.name}.{state}.n") for state in ROBOT_STATES]
    if signal.form is Form.TEXT:
        return [(value != CLEARED).sum().alias(f"{signal.name}.n")]
    number = value.cast(pl.Float64)
    there = number.drop_nulls()
    stats = {
        "n": number.count(),
        "mean": number.mean(),
        "m2": number.var(ddof=0) * number.count(),
        "min": number.min(),
        "max": number.max(),
        "first": there.first(),
        "last": there.last(),
    }
    return [each.alias(tile_column(signal.name, stat)) for stat, each in stats.items()]
