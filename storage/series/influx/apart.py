"""What is personal stands apart, in measurements of its own: InfluxDB deletes points, never single fields.

`wristband_personal` holds the personal fields of readings, `wristband_personal_tile` those of kept tiles,
under the tags and times of the points beside them. Before, they stood among the others: they are brought over
once, and what they were is overwritten, since nobody reads those fields there any more.
"""

import logging
from collections.abc import Iterator, Sequence

import polars as pl

from fleet.clock import DAY_MS
from fleet.personal import personal_signals
from fleet.readings import ReadingBatch
from fleet.signals import Kind, Signal, SignalTable
from fleet.tiles import tile_schema
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import bodies, reading_lines, tile_lines, tile_measurement

log = logging.getLogger(__name__)
_GONE = -1e9
"""What stands where a value was before it was brought over: no signal is plausible at it."""
_LINES_A_REQUEST = 5_000
_MARK = "personal_apart"


def personal_measurement(kind: Kind) -> str:
    """Return where the personal fields of readings are."""
    return f"{kind}_personal"


def personal_tiles(kind: Kind) -> str:
    """Return where the personal fields of kept tiles are."""
    return f"{kind}_personal_tile"


def measurement_of(kind: Kind, signal: str) -> str:
    """Return where a signal of a kind of device is."""
    return personal_measurement(kind) if signal in personal_signals(kind) else str(kind)


def split(kind: Kind, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which columns, of readings or tiles, are not personal, and which are."""
    personal = personal_signals(kind)
    apart = [name for name in names if name.partition(".")[0] in personal]
    return [name for name in names if name not in apart], apart


def with_any(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the rows in which any of some columns holds anything."""
    if not columns:
        return frame.clear()
    return frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in columns))


def added(frame: pl.DataFrame, theirs: pl.DataFrame, keys: list[str], apart: Sequence[str]) -> pl.DataFrame:
    """Return points with the personal fields that stand beside them; null where there are none."""
    return frame.join(theirs.select(*keys, *apart), on=keys, how="left", maintain_order="left")


def deleted(
    connection: InfluxConnection, measurement: str, start: int, end: int, devices: Sequence[str] | None
) -> None:
    """Delete the points of a range, of all devices or some: a request each, since OR is not served by all."""
    bounds = [f"time < {min(end, influxql.LAST_MS)}ms"]
    if start > influxql.FIRST_MS:
        bounds.insert(0, f"time >= {start}ms")
    for device in [None] if devices is None else devices:
        of = [] if device is None else [f"device = {influxql.text_of(device)}"]
        connection.delete(measurement, " AND ".join([*of, *bounds]))


class BringingOver:
    """Brings what an earlier version stored among the other fields to where it belongs, once.

    It may be broken off anywhere and done again: first the values are written where they belong, then what
    they were is overwritten, and last it is noted as done.
    """

    def __init__(self, readings: InfluxConnection, tiles: InfluxConnection, signals: SignalTable) -> None:
        self._readings, self._tiles, self._signals = readings, tiles, signals
        self._done: set[Kind] = set()

    def run(self, kind: Kind) -> None:
        """Bring over what there is of a kind of device. Raises what the store raises."""
        if kind in self._done:
            return
        if not self._noted(kind):
            moved = self._move_readings(kind) + self._move_tiles(kind)
            if moved:
                log.info("%d points of %s: what is personal now stands apart", moved, kind)
            self._tiles.write(f"{_MARK},kind={kind} done=1 0\n".encode())
        self._done.add(kind)

    def again(self) -> None:
        """Forget that it was done: the store has been emptied."""
        self._tiles.delete(_MARK, f"time <= {influxql.LAST_MS}ms")
        self._done.clear()

    def _noted(self, kind: Kind) -> bool:
        query = f"SELECT last(done) FROM {_MARK} WHERE kind = {influxql.text_of(kind)}"
        return bool(self._tiles.json(query)[0].get("series"))

    def _move_readings(self, kind: Kind) -> int:
        fields = self._found(self._readings, str(kind), list(personal_signals(kind)))
        if not fields:
            return 0
        signals: list[Signal] = [self._signals[name] for name in fields]
        types: dict[str, pl.DataType] = {name: pl.Float64() for name in ("received", *fields)}
        types |= {"device": pl.String(), "site": pl.String()}
        columns = ['"received"::float', *map(influxql.value_of, signals), '"device"::tag, "site"::tag']

        def lines(frame: pl.DataFrame, measurement: str) -> pl.Series:
            return reading_lines(ReadingBatch(kind, frame), measurement)

        moved = 0
        for found in self._days(self._readings, str(kind), "received", columns, types):
            rows = found.filter(pl.col("received").is_not_null()).rename(
                {"time": "ts", "device": "device_id"}
            )
            rows = rows.drop("tags").with_columns(pl.col("received").cast(pl.Int64))
            fresh = with_any(rows.with_columns(_present(name) for name in fields), fields)
            if fresh.height:
                self._send(self._readings, lines(fresh, personal_measurement(kind)))
                self._send(self._readings, lines(_overwritten(rows, fields), str(kind)))
            moved += fresh.height
        return moved

    def _move_tiles(self, kind: Kind) -> int:
        schema = tile_schema(self._signals, kind)
        source = tile_measurement(kind)
        fields = self._found(self._tiles, source, split(kind, list(schema))[1])
        if not fields:
            return 0
        types: dict[str, pl.DataType] = {name: pl.Float64() for name in ("readings", *fields)}
        types |= {"device": pl.String(), "site": pl.String()}
        columns = [influxql.name_of(name) for name in types]
        moved = 0
        for found in self._days(self._tiles, source, "readings", columns, types):
            tiles = found.drop("tags").rename({"time": "hour", "device": "device_id"})
            tiles = tiles.with_columns(pl.col("readings", r"^.*\.n$").cast(pl.Int64))
            fresh = with_any(tiles.with_columns(_present(name) for name in fields), fields)
            if fresh.height:
                self._send(self._tiles, tile_lines(personal_tiles(kind), fresh))
                self._send(self._tiles, tile_lines(source, _overwritten(tiles, fields)))
            moved += fresh.height
        return moved

    @staticmethod
    def _found(connection: InfluxConnection, measurement: str, names: Sequence[str]) -> list[str]:
        """Return which of some fields ever came."""
        (result,) = connection.json(f"SHOW FIELD KEYS FROM {influxql.name_of(measurement)}")
        there = {str(row[0]) for series in result.get("series", ()) for row in series["values"]}
        return [name for name in names if name in there]

    @staticmethod
    def _days(
        connection: InfluxConnection,
        measurement: str,
        always: str,
        columns: Sequence[str],
        types: dict[str, pl.DataType],
    ) -> Iterator[pl.DataFrame]:
        """Yield the points of a measurement a day at a time, of those days alone that have any."""
        name = influxql.name_of(measurement)
        bounds: list[int] = []
        for which in ("first", "last"):
            answer = connection.json(f'SELECT {which}("{always}"::float) FROM {name}')
            bounds += [series["values"][0][0] for series in answer[0].get("series", ())]
        if len(bounds) < 2:
            return
        begin = bounds[0] // DAY_MS * DAY_MS
        counts = influxql.grouped(
            measurement,
            [f'count("{always}"::float) AS points'],
            influxql.times(begin, bounds[1] + 1),
            "time(1d)",
        )
        days = influxql.read_csv(connection.csv(counts), {"points": pl.Int64()})["time"].to_list()
        chosen = ", ".join(columns)
        for day in days:
            where = influxql.times(day, day + DAY_MS)
            yield influxql.read_csv(connection.csv(f"SELECT {chosen} FROM {name} WHERE {where}"), types)

    @staticmethod
    def _send(connection: InfluxConnection, lines: pl.Series) -> None:
        for body in bodies(lines, _LINES_A_REQUEST):
            connection.write(body)


def _present(name: str) -> pl.Expr:
    value = pl.col(name)
    return pl.when(value != _GONE).then(value).alias(name)


def _overwritten(points: pl.DataFrame, fields: Sequence[str]) -> pl.DataFrame:
    """Return points whose values are overwritten; those that were already are left out."""
    standing = pl.any_horizontal(pl.col(name).is_not_null() & (pl.col(name) != _GONE) for name in fields)
    gone = [pl.when(pl.col(name).is_not_null()).then(_GONE).alias(name) for name in fields]
    return points.filter(standing).with_columns(gone).cast(points.schema)
