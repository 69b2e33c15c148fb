"""The hourly tiles of the InfluxDB store: kept ones where they count, made of readings where they do not.

Tiles of a complete hour are kept by whoever makes them first. Whoever stores a reading in an hour that may be
kept marks the hour, after the reading is stored; tiles count only if they were made after the last mark. An
hour may be kept two hours after its end, and is marked from one hour after it: so clocks may differ, and
requests be under way, for an hour.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import sha256

import polars as pl

from fleet import rises
from fleet.clock import DAY_MS, HOUR_MS
from fleet.personal import personal_signals
from fleet.signals import Kind, SignalTable
from fleet.tiles import TileSchema, tile_schema
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection, WriteForbidden
from storage.series.influx.kept import HourState, KeptTiles
from storage.series.influx.rising import Rising
from storage.series.influx.strays import Strays
from storage.series.influx.tile_rows import RowTiles

log = logging.getLogger(__name__)
_MARKED_FROM_MS = 2 * HOUR_MS
_KEPT_FROM_MS = 3 * HOUR_MS
"""Both from the start of an hour."""
_A_MAKING_MS = DAY_MS
_NO_STATE = HourState("", "")


class HourlyTiles:
    """The tiles of one bucket and of that beside it; see TelemetryStore.tiles. `now` gives epoch ms."""

    def __init__(
        self, connection: InfluxConnection, kept: KeptTiles, signals: SignalTable, now: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._kept = kept
        self._signals = signals
        self._now = now
        self._rows = RowTiles(connection)
        self._rising = Rising(self._rows, kept, signals)
        self.strays = Strays(connection, signals)
        self._may_keep = True
        self._columns = {kind: self._made_of(kind) for kind in Kind}

    def read(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None,
        columns: Collection[str] | None,
    ) -> pl.DataFrame:
        """Return the tiles of a range of whole hours, in no order."""
        counted = rises.counted(self._signals, kind, columns)
        schema = tile_schema(self._signals, kind, rises.with_base(columns, counted))
        first, until = self._kept.hours(kind)
        while True:
            alone = self._kept.read(kind, max(start, first), min(end, until), devices, schema)
            made = self._of_readings(kind, max(start, until), end, devices, schema)
            before, (first, until) = until, self._kept.hours(kind)
            if until == before:  # else hours have changed sides while they were read
                found = pl.concat([alone.with_columns(rises.without_readings(counted)), made])
                return found.select(list(tile_schema(self._signals, kind, columns)))

    def mark_late(self, kind: Kind, times: pl.Series) -> None:
        """Mark the hours of readings, which are stored, whose tiles may be kept."""
        marked_before = self._now() - _MARKED_FROM_MS
        late = times.filter(times < marked_before)
        if late.len():
            # By these readings the rises of a counter in the hours around may be told otherwise.
            near = range(-HOUR_MS, (rises.HOURS_BEFORE + 1) * HOUR_MS, HOUR_MS)
            hour = (late // HOUR_MS * HOUR_MS).unique()
            hours = pl.concat([hour + step for step in near]).unique()
            self._kept.came_late(kind, hours.filter(hours <= marked_before))

    def roll_up(self, kind: Kind, start: int, end: int) -> None:
        """Keep the tiles of readings before `end`, which from then on count alone."""
        oldest, newest = self.extent(kind)
        first = max(oldest, self._kept.until(kind), start) // HOUR_MS * HOUR_MS
        if first >= end or newest < oldest:
            return
        for begin in range(first, end, _A_MAKING_MS):
            until = min(begin + _A_MAKING_MS, end)
            states = self._kept.states(kind, begin, until)
            stale = [at for at in range(begin, until, HOUR_MS) if not self._counts(kind, states, at)]
            for run in _runs(stale):
                self._make_and_keep(kind, *run, states)
        self._kept.keep_until(kind, end)

    def extent(self, kind: Kind) -> tuple[int, int]:
        """Return the times of the first and the last stored reading; (0, -1) when there is none."""
        bounds: list[int] = []
        for which in ("first", "last"):
            query = f'SELECT {which}("received"::float) FROM {influxql.name_of(kind)}'
            for series in self._connection.json(query)[0].get("series", ()):
                bounds.append(series["values"][0][0])
        return (bounds[0], bounds[1]) if len(bounds) == 2 else (0, -1)

    def _of_readings(
        self, kind: Kind, start: int, end: int, devices: Sequence[str] | None, schema: TileSchema
    ) -> pl.DataFrame:
        first, last = self.extent(kind)
        begin, until = max(start, first // HOUR_MS * HOUR_MS), min(end, (last // HOUR_MS + 1) * HOUR_MS)
        pieces = [pl.DataFrame(schema=schema)]
        if begin < until:
            states = self._kept.states(kind, begin, until)
            hours = range(begin, until, HOUR_MS)
            kept = [at for at in hours if self._counts(kind, states, at)]
            pieces += [self._kept.read(kind, *run, devices, schema) for run in _runs(kept)]
            complete = self._now() - _KEPT_FROM_MS if devices is None and self._may_keep else begin - 1
            stale = sorted(set(hours) - set(kept))
            for run in _runs([at for at in stale if at <= complete]):
                pieces.append(self._made_once(kind, *run, states).select(list(schema)))
            for run in _runs([at for at in stale if at > complete]):
                pieces.append(self._make(kind, *run, devices, schema))
        return pl.concat(pieces)

    def _made_once(self, kind: Kind, start: int, end: int, states: dict[int, HourState]) -> pl.DataFrame:
        """Make the tiles of complete hours and keep them, some hours at a time."""
        pieces = []
        for begin in range(start, end, _A_MAKING_MS):
            until = min(begin + _A_MAKING_MS, end)
            if self._may_keep:
                pieces.append(self._make_and_keep(kind, begin, until, states))
            else:
                pieces.append(self._make(kind, begin, until, None, self._whole(kind)))
        return pl.concat(pieces)

    def _make_and_keep(self, kind: Kind, start: int, end: int, states: dict[int, HourState]) -> pl.DataFrame:
        """`states` must have been read before: what is marked while we read is made again later."""
        tiles = self._make(kind, start, end, None, self._whole(kind))
        try:
            hours = range(start, end, HOUR_MS)
            self._kept.keep(kind, tiles, again=any(states.get(at, _NO_STATE).made for at in hours))
            self._kept.are_made(kind, {at: self._how(kind, states.get(at, _NO_STATE)) for at in hours})
        except WriteForbidden:
            self._may_keep = False
            log.info("this token may not write, so hourly tiles are made anew each time they are read")
        return tiles

    def _make(
        self, kind: Kind, start: int, end: int, devices: Sequence[str] | None, schema: TileSchema
    ) -> pl.DataFrame:
        fields = self.strays.fields(kind) & {name.partition(".")[0] for name in schema}
        asked = [signal for signal in self._signals.for_kind(kind) if signal.name in fields]
        made = self._rows.between(kind, start, end, devices, asked, schema)
        counted = [each for each in rises.counted(self._signals, kind, schema) if each.name in fields]
        return self._rising.risen(kind, made, start, end, counted)

    def _made_of(self, kind: Kind) -> str:
        """Return a short sum of what tiles hold; of before what is personal stood apart it is another."""
        columns = " ".join([*self._whole(kind), *sorted(personal_signals(kind))])
        return sha256(columns.encode()).hexdigest()[:12]

    def _whole(self, kind: Kind) -> TileSchema:
        return tile_schema(self._signals, kind)

    def _counts(self, kind: Kind, states: dict[int, HourState], hour: int) -> bool:
        state = states.get(hour, _NO_STATE)
        return state.made == self._how(kind, state)

    def _how(self, kind: Kind, state: HourState) -> str:
        """Return how tiles are made now: with which columns, and after which mark."""
        return f"{self._columns[kind]} {state.late}"


def _runs(hours: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each run of hours that follow one another; `hours` are in order."""
    start = end = None
    for hour in hours:
        if start is not None and hour == end:
            end = hour + HOUR_MS
            continue
        if start is not None and end is not None:
            yield start, end
        start, end = hour, hour + HOUR_MS
    if start is not None and end is not None:
        yield start, end
