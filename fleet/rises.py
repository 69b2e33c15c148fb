"""Rises: how far a counter rose within an hour by use, whatever else befell it.

A counter's tile has one sum more than that of a level: `rise`, the sum of its rises from reading to reading,
the first of them from the last reading of the hour before, if there is one. A fall and return is no rise, nor
is an outlier up and back; after a reset the counter goes on from there; a fall from just under a power of two
to just over 0 is a wrap, and the way through it counts. What tells them from use: no counter rises faster
than a device can work (`Signal.per_s`, `Signal.grain`).

An hour that begins at its lowest value and ends at its highest, fits its neighbours and is no more than a
device can do in it needs no such thought: its rise is plain. That is nearly every hour, and its tile
alone tells it; of the others the readings are looked at, from an hour before to an hour after.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.clock import HOUR_MS, SECOND_MS
from fleet.signals import Kind, Signal, SignalTable
from fleet.tiles import counters, tile_column

RowReader = Callable[[pl.DataFrame, Sequence[str]], pl.DataFrame]
"""Gives the readings of devices in hours (`device_id`, `hour`): `device_id`, `ts`, the counters asked for."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BASE_STATS = ("min", "max", "first", "last")
"""The statistics of a tile that its rise is told by."""
_WIDTHS = tuple(2.0**bits for bits in (8, 15, 16, 24, 31, 32))
_WRAP_SHARE = 1 / 32
"""A wrap is believed where what a device can do since is at most this share of the counter's width."""
_SETTLED = 3
"""After so many readings that go on from a fall or jump it is believed."""
_HOURS_AT_ONCE = 5_000


@dataclass(slots=True)
class _Track:
    """A course that a counter takes: its `value`, `since` when, `seen` last (epoch ms), what it `rose`."""

    value: float
    since: int
    seen: int
    rose: float = 0.0
    readings: int = 1

    def most(self, counter: Signal, at: int) -> float:
        """Return the most that it can have risen until `at`.

        A device may tell what it did long after, so time counts since the value changed; but 0 may be what a
        counter says before it is loaded, and there only the time since the last reading counts.
        """
        waited = at - (self.since if self.value > 0 else self.seen)
        if np.isinf(counter.per_s):
            return np.inf if self.value > 0 else counter.grain
        return counter.grain + counter.per_s * waited / SECOND_MS

    def leads_to(self, counter: Signal, value: float, at: int) -> bool:
        """Tell whether a reading can be the next on this course."""
        return value == self.value or (value > self.value and value - self.value <= self.most(counter, at))

    def go(self, value: float, at: int, begin: int, end: int) -> None:
        """Go on to a reading; a rise counts if it is seen in begin <= t < end."""
        if begin <= at < end:
            self.rose += value - self.value
        if value != self.value:
            self.since = at
        self.value, self.seen = value, at
        self.readings += 1


def rise(counter: Signal, times: Sequence[int], values: Sequence[float], begin: int, end: int) -> float:
    """Return by how much a counter rose by use in begin <= t < end (epoch ms), as its readings there tell.

    `times`, `values` are its readings in order, with those before and after as far as they are known: they
    tell dips and outliers at the edges.
    """
    main: _Track | None = None
    other: _Track | None = None
    for at, value in _without_peaks(times, values):
        if at >= end:
            break
        if main is None:
            main = _Track(value, at, at)
        elif (
            other is not None
            and other.leads_to(counter, value, at)
            and _rather(other, main, value, at, counter)
        ):
            other.go(value, at, begin, end)
            if other.readings >= _SETTLED and other.rose > 0:
                other.rose += main.rose
                main, other = other, None
        elif main.leads_to(counter, value, at):
            main.go(value, at, begin, end)
            other = None
        else:
            through = _through_wrap(counter, main, value, at)
            other = _Track(value, at, at, through if at >= begin else 0.0)
    return (main.rose if main else 0.0) + (other.rose if other else 0.0)


def _without_peaks(times: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield the readings without those after which the counter is back at or above the one before."""
    for index, (at, value) in enumerate(zip(times, values, strict=True)):
        if 0 < index < len(values) - 1 and values[index - 1] <= values[index + 1] < value:
            continue
        yield at, value


def _rather(other: _Track, main: _Track, value: float, at: int, counter: Signal) -> bool:
    """Tell whether a reading that can go on from a fall or jump does so, rather than return from it."""
    if not main.leads_to(counter, value, at):
        return True
    return other.rose > 0 or (other.value > main.value and other.readings > 1)


def _through_wrap(counter: Signal, before: _Track, value: float, at: int) -> float:
    """Return the rise of a fall through a power of two; 0 if it is none."""
    most = before.most(counter, at)
    for width in _WIDTHS:
        through = width - before.value + value
        if value < before.value < width and through <= most <= width * _WRAP_SHARE:
            return through
    return 0.0


def counted(signals: SignalTable, kind: Kind, columns: Collection[str] | None = None) -> tuple[Signal, ...]:
    """Return the counters whose rise is among the tile `columns` asked for; of None all."""
    return tuple(
        signal
        for signal in counters(signals, kind)
        if columns is None or tile_column(signal.name, "rise") in columns
    )


def with_base(columns: Collection[str] | None, asked: Sequence[Signal]) -> set[str] | None:
    """Return the tile columns to read so that the rises of counters can be told; None stays None (all)."""
    if columns is None:
        return None
    return {*columns, *(tile_column(signal.name, stat) for signal in asked for stat in BASE_STATS)}


def with_rises(
    tiles: pl.DataFrame, beside: pl.DataFrame, asked: Sequence[Signal], read: RowReader
) -> pl.DataFrame:
    """Return tiles with the rise of each counter asked for.

    `beside` are the tiles of the hours before and after (those of BASE_STATS that it has are enough); `read`
    gives the readings of the few hours that their tile alone does not tell.
    """
    if not asked:
        return tiles
    keyed = _with_neighbours(tiles, beside, asked)
    told = [_told(signal).alias(tile_column(signal.name, "rise")) for signal in asked]
    found = keyed.with_columns(told)
    for signal in asked:
        name = tile_column(signal.name, "rise")
        doubtful = found.filter(pl.col(name).is_nan()).select("device_id", "hour").sort("hour")
        if doubtful.height:
            pieces = [_looked_at(piece, signal, read) for piece in doubtful.iter_slices(_HOURS_AT_ONCE)]
            found = found.join(pl.concat(pieces), on=["device_id", "hour"], how="left", maintain_order="left")
            found = found.with_columns(
                pl.when(pl.col(name).is_nan()).then("found").otherwise(name).alias(name)
            )
            found = found.drop("found")
    names = [tile_column(signal.name, "rise") for signal in asked]
    return tiles.with_columns(found.select(names).get_columns())


def without_readings(asked: Sequence[Signal]) -> list[pl.Expr]:
    """Return the rises of kept tiles; of those of an older version what their first and last tell."""
    made = []
    for signal in asked:
        name = tile_column(signal.name, "rise")
        whole = pl.col(tile_column(signal.name, "last")) - pl.col(tile_column(signal.name, "first"))
        usable = whole.is_between(0, signal.grain + signal.per_s * HOUR_MS / SECOND_MS)
        made.append(
            pl.coalesce(name, pl.when(usable).then(whole).when(whole.is_not_null()).then(0.0)).alias(name)
        )
    return made


def _with_neighbours(tiles: pl.DataFrame, beside: pl.DataFrame, asked: Sequence[Signal]) -> pl.DataFrame:
    """Return keys and BASE_STATS of tiles, `{counter}.before` (its highest an hour before) and `.after`."""
    base = [tile_column(signal.name, stat) for signal in asked for stat in BASE_STATS]
    edges = [column for column in base if column.endswith((".min", ".max"))]
    keys = ["device_id", "hour"]
    found = tiles.select(*keys, *base)
    around = pl.concat([found.select(*keys, *edges), beside.select(*keys, *edges)])
    for shift, stat, name in ((HOUR_MS, "max", "before"), (-HOUR_MS, "min", "after")):
        one = around.select(
            "device_id",
            pl.col("hour") + shift,
            *(pl.col(tile_column(s.name, stat)).alias(tile_column(s.name, name)) for s in asked),
        )
        found = found.join(one, on=keys, how="left", maintain_order="left")
    return found


def _told(signal: Signal) -> pl.Expr:
    """Return the rise that an hour's tile tells by itself; NaN where it tells none, null without readings."""
    low, high, first, last, before, after = (
        pl.col(tile_column(signal.name, stat)) for stat in (*BASE_STATS, "before", "after")
    )
    most = signal.grain + signal.per_s * 2 * HOUR_MS / SECOND_MS
    start = pl.coalesce(before, first)
    straight = (first == low) & (last == high) & (last - start <= most)
    fits = (start <= first) & (after.is_null() | (last <= after))
    known = (start > 0) | (last == 0)  # 0 may be what a counter says before it is loaded
    return (
        pl.when(first.is_null())
        .then(None)
        .when(straight & fits & known)
        .then(last - start)
        .otherwise(float("nan"))
    )


def _looked_at(doubtful: pl.DataFrame, signal: Signal, read: RowReader) -> pl.DataFrame:
    """Return the rises of hours (`device_id`, `hour`) by their readings: with `found`."""
    around = pl.concat([doubtful.with_columns(pl.col("hour") + step) for step in (-HOUR_MS, 0, HOUR_MS)])
    rows = read(around.unique(), [signal.name]).select(
        "device_id", "ts", pl.col(signal.name).cast(pl.Float64).fill_nan(None)
    )
    series = {
        device: (part["ts"].to_numpy(), part[signal.name].to_numpy())
        for (device,), part in rows.drop_nulls()
        .sort("device_id", "ts")
        .partition_by("device_id", as_dict=True)
        .items()
    }
    nothing = np.empty(0, dtype=np.int64), np.empty(0)
    rises = [
        _of_hour(signal, *series.get(device, nothing), hour)
        for device, hour in doubtful.select("device_id", "hour").iter_rows()
    ]
    return doubtful.with_columns(found=pl.Series(rises, dtype=pl.Float64))


def _of_hour(signal: Signal, times: Ints, values: Floats, hour: int) -> float:
    begin, end = np.searchsorted(times, [hour - HOUR_MS, hour + 2 * HOUR_MS])
    return rise(signal, times[begin:end].tolist(), values[begin:end].tolist(), hour, hour + HOUR_MS)
