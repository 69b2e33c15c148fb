"""Rises: how far a counter rose within an hour by use, whatever else befell it.

A counter's tile has one sum more than that of a level: `rise`, the sum of its rises from reading to reading,
the first of them from the last reading of the hour before, if there is one. A fall and return is no rise, nor
is an outlier up and back; after a reset the counter goes on from there; a fall from just under a power of two
to just over 0 is a wrap, and the way through it counts. What tells them from use: no counter rises faster
than a device can work (`Signal.per_s`, `Signal.grain`).

What hides behind a dip is shared out by time among the readings that were dips.

An hour that begins at its lowest value and ends at its highest, as the hour before did, fits its neighbours
and is no more than a device can do in it needs no such thought: its rise is plain. That is nearly every hour,
and its tile alone tells it; of the others the readings are looked at, from `HOURS_BEFORE` to an hour after.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
HOURS_BEFORE = 2
"""So far back it is looked: all that a device sent in the hour before may have been a dip."""
_SEEN = ".seen"
_MUCH_FASTER = 4.0
"""A rise from a fallen reading is none that goes on from it where it is so much faster than what it rose."""


@dataclass(slots=True)
class _Track:
    """A course that a counter takes: its `value`, `since` when, `seen` last (epoch ms).

    It rose by `rose` in the hour that is asked about; `first` and `begun` are where and when the course
    began; at the times `hidden` since it was last seen the counter said what does not belong to it.
    """

    value: float
    since: int
    seen: int
    first: float
    begun: int
    rose: float = 0.0
    readings: int = 1
    hidden: list[int] = field(default_factory=list)

    @classmethod
    def begin(cls, value: float, at: int, through: float = 0.0, *, counts: bool = False) -> "_Track":
        """Return a course that begins with a reading, having risen so far `through` a wrap."""
        return cls(value, at, at, value - through, at, through if counts else 0.0)

    @property
    def climbed(self) -> float:
        """How far it rose since it began, whatever hour is asked about."""
        return self.value - self.first

    def most(self, counter: Signal, at: int) -> float:
        """Return the most that it can have risen until `at`.

        A device may tell what it did long after, so time counts since the value changed; but 0 may be what a
        counter says before it is loaded, and there only the time since the last reading counts.
        """
        waited = at - (self.since if self.value > 0 else self.seen)
        if np.isinf(counter.per_s):
            return np.inf if self.value > 0 else counter.grain
        return counter.grain + counter.per_s * waited / SECOND_MS

    def pace(self) -> float:
        """Return how fast it rose so far, per ms; 0 before its second reading."""
        return self.climbed / (self.seen - self.begun) if self.seen > self.begun else 0.0

    def leads_to(self, counter: Signal, value: float, at: int) -> bool:
        """Tell whether a reading can be the next on this course."""
        return value == self.value or (value > self.value and value - self.value <= self.most(counter, at))

    def go(self, value: float, at: int, begin: int, end: int) -> None:
        """Go on to a reading; a rise counts if it is seen in begin <= t < end.

        What hid behind other readings is shared out among them by time: an hour whose last reading was a dip
        has its part, and not the next hour both.
        """
        if value > self.value:
            times = [self.seen, *self.hidden, at]
            seen = sum(to - since for since, to in pairwise(times) if begin <= to < end)
            self.rose += (value - self.value) * (seen / (at - self.seen))
        self.hidden.clear()
        if value != self.value:
            self.since = at
        self.value, self.seen = value, at
        self.readings += 1


def rise(counter: Signal, times: Sequence[int], values: Sequence[float], begin: int, end: int) -> float:
    """Return by how much a counter rose by use in begin <= t < end (epoch ms), as its readings there tell.

    `times`, `values` are its readings in order, each time once, with those before and after as far as they
    are known: they tell dips and outliers at the edges.
    """
    main: _Track | None = None
    other: _Track | None = None
    for at, value in _without_peaks(times, values):
        if at >= end and not (main and main.hidden):
            break  # else it is not yet known what the hour's last readings were
        if main is None:
            main = _Track.begin(value, at)
        elif np.isnan(value):
            main.hidden.append(at)
        elif (
            other is not None
            and other.leads_to(counter, value, at)
            and _rather(other, main, value, at, counter)
        ):
            main.hidden.append(at)
            other.go(value, at, begin, end)
            if other.readings >= _SETTLED and other.climbed > 0:
                other.rose += main.rose
                main, other = other, None
        elif main.leads_to(counter, value, at):
            main.go(value, at, begin, end)
            other = None
        else:
            main.hidden.append(at)
            through = _through_wrap(counter, main, value, at)
            other = _Track.begin(value, at, through, counts=begin <= at < end)
    return (main.rose if main else 0.0) + (other.rose if other else 0.0)


def _without_peaks(times: Sequence[int], values: Sequence[float]) -> Iterator[tuple[int, float]]:
    """Yield the readings, nan for each after which the counter is back at or above the one before.

    It stays back: a reading that two later find reached again was none, the one between them was a dip.
    """
    for index, (at, value) in enumerate(zip(times, values, strict=True)):
        back = 0 < index < len(values) - 2 and values[index - 1] <= values[index + 1] < value
        yield at, float("nan") if back and values[index + 2] < value else value


def _rather(other: _Track, main: _Track, value: float, at: int, counter: Signal) -> bool:
    """Tell whether a reading that can go on from a fall or jump does so, rather than return from it.

    Where it can do both it goes on if it does so about as it went on before: else that it is back near where
    it fell from would be chance.
    """
    if not main.leads_to(counter, value, at):
        return True
    if other.value > main.value:
        return other.climbed > 0 or other.readings > 1
    as_before = _MUCH_FASTER * other.pace() * (at - other.seen) + counter.grain
    return other.climbed > 0 and value - other.value <= as_before


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
    names = [tile_column(signal.name, "rise") for signal in asked]
    keys = ["device_id", "hour"]
    doubtful = found.filter(pl.any_horizontal(pl.col(names).is_nan())).select(*keys, *names).sort("hour")
    if doubtful.height:
        pieces = [_looked_at(piece, asked, read) for piece in doubtful.iter_slices(_HOURS_AT_ONCE)]
        seen = pl.concat(pieces)
        found = found.join(seen, on=keys, how="left", maintain_order="left", suffix=_SEEN)
        found = found.with_columns(
            pl.when(pl.col(name).is_nan()).then(name + _SEEN).otherwise(name).alias(name) for name in names
        )
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


def with_left(read: pl.DataFrame, kept: pl.DataFrame, of: Sequence[str]) -> pl.DataFrame:
    """Return readings, and what is left of those of kept hours that have none any more.

    That is the highest and the last, as if they had ended the hour.
    """
    there = read.select("device_id", pl.col("ts") - pl.col("ts") % HOUR_MS).unique()
    gone = kept.join(there, left_on=["device_id", "hour"], right_on=["device_id", "ts"], how="anti")
    step = (HOUR_MS // pl.col("readings").clip(1)).clip(1, HOUR_MS // 2)
    pieces = [
        gone.select(
            "device_id",
            (pl.col("hour") + HOUR_MS - before_end * step).alias("ts"),
            *(pl.col(tile_column(name, stat)).alias(name) for name in of),
        )
        for before_end, stat in ((2, "max"), (1, "last"))
    ]
    return pl.concat([*pieces, read.select("device_id", "ts", *of)], how="vertical_relaxed")


def _with_neighbours(tiles: pl.DataFrame, beside: pl.DataFrame, asked: Sequence[Signal]) -> pl.DataFrame:
    """Return keys and BASE_STATS of tiles, with the counter's values in the hours before and after.

    `{counter}.before` and `.ended` are its highest and last of the hour before, `.after` its lowest of the
    next, `.earlier` its highest of two hours before.
    """
    base = [tile_column(signal.name, stat) for signal in asked for stat in BASE_STATS]
    edges = [column for column in base if column.endswith((".min", ".max", ".last"))]
    keys = ["device_id", "hour"]
    found = tiles.select(*keys, *base)
    around = pl.concat([found.select(*keys, *edges), beside.select(*keys, *edges)])
    wanted = {
        1: {"max": "before", "last": "ended"},
        2: {"max": "earlier"},
        -1: {"min": "after"},
    }
    for hours, names in wanted.items():
        one = around.select(
            "device_id",
            pl.col("hour") + hours * HOUR_MS,
            *(
                pl.col(tile_column(signal.name, stat)).alias(tile_column(signal.name, name))
                for signal in asked
                for stat, name in names.items()
            ),
        )
        found = found.join(one, on=keys, how="left", maintain_order="left")
    return found


def _told(signal: Signal) -> pl.Expr:
    """Return the rise that an hour's tile tells by itself; NaN where it tells none, null without readings."""
    names = (*BASE_STATS, "earlier", "before", "ended", "after")
    low, high, first, last, earlier, before, ended, after = (
        pl.col(tile_column(signal.name, stat)) for stat in names
    )
    most = signal.grain + signal.per_s * 2 * HOUR_MS / SECOND_MS
    start = pl.coalesce(before, first)
    straight = (first == low) & (last == high) & (last - start <= most)
    climbs = (earlier <= before).fill_null(value=True) & (before == ended).fill_null(value=True)
    fits = climbs & (start <= first) & (after.is_null() | (last <= after))
    known = (start > 0) | (last == 0)  # 0 may be what a counter says before it is loaded
    return (
        pl.when(first.is_null())
        .then(None)
        .when(straight & fits & known)
        .then(last - start)
        .otherwise(float("nan"))
    )


def _looked_at(doubtful: pl.DataFrame, asked: Sequence[Signal], read: RowReader) -> pl.DataFrame:
    """Return hours (`device_id`, `hour`, `{counter}.rise`) with the rises that are NaN told by readings."""
    steps = range(-HOURS_BEFORE * HOUR_MS, 2 * HOUR_MS, HOUR_MS)
    keys = doubtful.select("device_id", "hour")
    around = pl.concat([keys.with_columns(pl.col("hour") + step) for step in steps])
    rows = read(around.unique(), [signal.name for signal in asked]).sort("device_id", "ts")
    told = []
    for signal in asked:
        name = tile_column(signal.name, "rise")
        series = _by_device(rows, signal.name)
        nothing = np.empty(0, dtype=np.int64), np.empty(0)
        rises = [
            _of_hour(signal, *series.get(device, nothing), hour) if np.isnan(plain) else plain
            for device, hour, plain in doubtful.select("device_id", "hour", name)
            .with_columns(pl.col(name).fill_null(0.0))
            .iter_rows()
        ]
        told.append(pl.Series(name, rises, dtype=pl.Float64))
    return keys.with_columns(told)


def _by_device(rows: pl.DataFrame, name: str) -> dict[str, tuple[Ints, Floats]]:
    """Return the times at which each device told a counter, and what it told; `rows` are in their order."""
    told = rows.select("device_id", "ts", pl.col(name).cast(pl.Float64).fill_nan(None)).drop_nulls()
    times, values = told["ts"].to_numpy(), told[name].to_numpy()
    runs = told["device_id"].rle().struct.unnest()
    ends = runs["len"].cum_sum().to_list()
    return {
        device: (times[begin:end], values[begin:end])
        for device, begin, end in zip(runs["value"], [0, *ends], ends, strict=False)
    }


def _of_hour(signal: Signal, times: Ints, values: Floats, hour: int) -> float:
    begin, end = np.searchsorted(times, [hour - HOURS_BEFORE * HOUR_MS, hour + 2 * HOUR_MS])
    return rise(signal, times[begin:end].tolist(), values[begin:end].tolist(), hour, hour + HOUR_MS)
