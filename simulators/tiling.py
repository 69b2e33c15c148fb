"""Hourly tiles straight from simulated columns: what a store would have made of the readings, without one."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from fleet import rises
from fleet.clock import HOUR_MS
from fleet.signals import Form, Kind, SignalTable
from fleet.tiles import TILE_STATS, tile_column, tile_schema
from simulators.columns import Columns
from simulators.randomness import Bools, Floats
from simulators.roster import DeviceCard


def robot_tiles(
    signals: SignalTable,
    cards: Sequence[DeviceCard],
    columns: Columns,
    start: int,
    per_hour: int,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the tiles (fleet.tiles) of robots, by hour and device; hours without a reading are left out.

    `columns` hold whole hours of `per_hour` steps each, the first hour begins at `start` (epoch ms); `before`
    are the tiles of the hour before, if there was one.
    """
    steps, robots = columns.lost.shape
    hours = steps // per_hour
    heard = ~columns.lost.reshape(hours, per_hour, robots)
    readings = heard.sum(axis=1).ravel()
    kept = np.flatnonzero(readings)
    made: dict[str, object] = {
        "device_id": pl.Series([card.id for card in cards], dtype=pl.String()).gather(kept % robots),
        "site": pl.Series([card.site for card in cards], dtype=pl.String()).gather(kept % robots),
        "hour": start + kept // robots * HOUR_MS,
        "readings": readings[kept],
    }
    for name, values in columns.numbers.items():
        if name in signals:
            for stat, found in _stats(values.reshape(heard.shape), heard).items():
                made[tile_column(name, stat)] = found.ravel()[kept]
    for name, (codes, texts) in columns.texts.items():
        made |= _counts(signals, name, codes.reshape(heard.shape), texts, heard, kept)
    schema = tile_schema(signals, Kind.ROBOT)
    absent = {name: pl.lit(0 if dtype == pl.Int64() else None) for name, dtype in schema.items()}
    frame = pl.DataFrame({name: column for name, column in made.items() if name in schema})
    frame = frame.with_columns(**{name: value for name, value in absent.items() if name not in frame.columns})
    frame = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items()).fill_nan(None)
    counted = rises.counted(signals, Kind.ROBOT)
    back = start - rises.HOURS_BEFORE * HOUR_MS
    beside = (
        frame.clear()
        if before is None
        else before.filter(pl.col("hour").is_between(back, start, closed="left"))
    )
    return rises.with_rises(frame, beside, counted, _reader(cards, columns, start, per_hour, beside))


def _reader(
    cards: Sequence[DeviceCard], columns: Columns, start: int, per_hour: int, beside: pl.DataFrame
) -> rises.RowReader:
    """Return what gives the readings of few robots and hours; of hours before only the ends are left."""
    place = {card.id: number for number, card in enumerate(cards)}
    every = HOUR_MS // per_hour

    def rows(hours: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
        none = {"device_id": pl.String(), "ts": pl.Int64(), **dict.fromkeys(of, pl.Float64())}
        pieces = [pl.DataFrame(schema=none)]
        for device, hour in hours.select("device_id", "hour").iter_rows():
            first = (hour - start) // every
            if 0 <= first < len(columns.lost):
                steps = first + np.flatnonzero(~columns.lost[first : first + per_hour, place[device]])
                numbers = {
                    name: columns.numbers[name][steps, place[device]].astype(np.float64) for name in of
                }
                made = pl.DataFrame({"ts": (start + steps * every).astype(np.int64), **numbers})
                pieces.append(made.select(pl.lit(device).alias("device_id"), "ts", *of))
        return rises.with_left(pl.concat(pieces), beside, of)

    return rows


def _stats(values: Floats, heard: Bools) -> dict[str, np.ndarray]:
    """Return TILE_STATS of values (hours, steps, robots); NaN where no reading carried the signal."""
    there = heard & ~np.isnan(values)
    n = there.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=1) / n
    squares = np.where(there, values - mean[:, None], 0.0) ** 2
    silent = n == 0
    first = there.argmax(axis=1)[:, None]
    last = there.shape[1] - 1 - there[:, ::-1].argmax(axis=1)[:, None]
    found = (
        n,
        mean,
        squares.sum(axis=1),
        np.where(there, values, np.inf).min(axis=1),
        np.where(there, values, -np.inf).max(axis=1),
        np.take_along_axis(values, first, axis=1)[:, 0],
        np.take_along_axis(values, last, axis=1)[:, 0],
    )
    return {
        stat: each if stat == "n" else np.where(silent, np.nan, each)
        for stat, each in zip(TILE_STATS, found, strict=True)
    }


def _counts(
    signals: SignalTable, name: str, codes: np.ndarray, texts: np.ndarray, heard: Bools, kept: np.ndarray
) -> dict[str, np.ndarray]:
    """Return how many readings were in each state, or carried a text that says something."""
    if name not in signals:
        return {}
    if signals[name].form is Form.STATE:
        return {
            f"{name}.{state}.n": ((codes == code) & heard).sum(axis=1).ravel()[kept]
            for code, state in enumerate(texts)
        }
    spoken = np.array([bool(text) for text in texts])[codes] & heard
    return {f"{name}.n": spoken.sum(axis=1).ravel()[kept]}
