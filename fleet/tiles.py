"""Tiles: the hourly summary of a device's signals, from which any longer window can be merged.

A tile frame has `device_id`, `site`, `hour` (start, epoch ms), `readings` (how many), and for every numeric
or boolean signal the columns `{signal}.{stat}`, for every counter `{signal}.rise` (fleet/rises.py) as well;
for every robot state `state.{state}.n`, and `error_code.n`.
"""

from collections.abc import Collection

import polars as pl

from fleet.signals import ROBOT_STATES, Form, Kind, Role, Signal, SignalTable

TileSchema = dict[str, pl.DataType]
"""The columns of a tile frame with their types, in order."""
KEYS = ("device_id", "site", "hour", "readings")
TILE_STATS = ("n", "mean", "m2", "min", "max", "first", "last")
"""`m2` is the sum of squared deviations from the mean; `first`, `last` are by time; booleans are 0 or 1."""


def tile_column(signal: str, stat: str) -> str:
    """Return the name of one statistic's column."""
    return f"{signal}.{stat}"


def tiled_signals(signals: SignalTable, kind: Kind) -> tuple[str, ...]:
    """Return the names of the signals that get all of TILE_STATS: numbers and booleans."""
    return tuple(s.name for s in signals.for_kind(kind) if s.is_numeric or s.form is Form.BOOLEAN)


def counters(signals: SignalTable, kind: Kind) -> tuple[Signal, ...]:
    """Return the signals whose tile has a `rise` too: numbers that count up."""
    return tuple(s for s in signals.numeric(kind) if s.role is Role.COUNTER)


def counted_columns(signals: SignalTable, kind: Kind) -> tuple[str, ...]:
    """Return the columns that only count readings: one for each state, one for each text signal."""
    names: list[str] = []
    for signal in signals.for_kind(kind):
        if signal.form is Form.STATE:
            names += [f"{signal.name}.{state}.n" for state in ROBOT_STATES]
        elif signal.form is Form.TEXT:
            names.append(f"{signal.name}.n")
    return tuple(names)


def tile_columns(signals: SignalTable, kind: Kind) -> tuple[str, ...]:
    """Return all columns of a tile frame, in order."""
    stats = [tile_column(name, stat) for name in tiled_signals(signals, kind) for stat in TILE_STATS]
    rises = [tile_column(signal.name, "rise") for signal in counters(signals, kind)]
    return (*KEYS, *stats, *rises, *counted_columns(signals, kind))


def tile_schema(signals: SignalTable, kind: Kind, columns: Collection[str] | None = None) -> TileSchema:
    """Return the columns of a tile frame with their types: counts and hours are whole, statistics floats.

    Of those that are not KEYS only the given `columns`, if any are.
    """
    kept = None if columns is None else {*KEYS, *columns}

    def type_of(name: str) -> pl.DataType:
        if name in ("device_id", "site"):
            return pl.String()
        whole = name in ("hour", "readings") or name.endswith(".n")
        return pl.Int64() if whole else pl.Float64()

    names = tile_columns(signals, kind)
    return {name: type_of(name) for name in names if kept is None or name in kept}
