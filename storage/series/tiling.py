"""Hourly tiles made of readings: for a store whose server does not make them better."""

from collections.abc import Iterable

import polars as pl

from fleet.clock import HOUR_MS
from fleet.signals import ROBOT_STATES, Form, Signal
from fleet.tiles import TileSchema, tile_column

_KEYS = ("device_id", "hour")


def tiles_of(rows: pl.DataFrame, signals: Iterable[Signal], schema: TileSchema) -> pl.DataFrame:
    """Return the tiles of readings, which must be whole hours of each of their devices; in no order.

    `rows` has `device_id`, `site`, `ts`, `received`, and a column for each of `signals`; the tiles have the
    columns of `schema`: counts of what is missing are 0, statistics null.
    """
    hour = pl.col("ts") - pl.col("ts") % HOUR_MS
    groups = rows.sort("ts", "received").group_by("device_id", hour.alias("hour"))
    statistics = [column for signal in signals for column in _statistics(signal)]
    found = groups.agg(pl.col("site").last(), pl.len().alias("readings"), *statistics)
    return _completed(found, schema)


def _statistics(signal: Signal) -> list[pl.Expr]:
    """Return the columns of one signal in a tile, over its values in order of time."""
    value = pl.col(signal.name)
    if signal.form is Form.STATE:
        return [(value == state).sum().alias(f"{signal.name}.{state}.n") for state in ROBOT_STATES]
    if signal.form is Form.TEXT:
        return [(value != "").sum().alias(f"{signal.name}.n")]
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


def _completed(found: pl.DataFrame, schema: TileSchema) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in found.columns]
    counts = [name for name, dtype in schema.items() if dtype == pl.Int64 and name not in _KEYS]
    return (
        found.with_columns(missing)
        .with_columns(pl.col(name).fill_null(0) for name in counts)
        .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    )
