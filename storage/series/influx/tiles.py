"""Summaries that InfluxDB computes: intervals of one device, hourly tiles of all."""

from collections.abc import Sequence

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.tiles import TileSchema, tile_column
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import CLEARED
from storage.series.influx.tile_rows import tiles_of_rows

_HOURLY = "device, time(1h)"
_RECEIVED = ['count("received") AS readings', 'last("received") AS received']
_KEYS = ["device_id", "hour"]
_NOTHING = pl.DataFrame(schema={"device_id": pl.String, "hour": pl.Int64, "counted": pl.Int64})
_TILES_A_REQUEST = 5_000
_FEW_A_TILE = 60
_MOST_ROWS = _FEW_A_TILE * _TILES_A_REQUEST
_MOST_A_REQUEST_MS = 30 * DAY_MS
_USUAL_STATES = ("cleaning", "charging", "docked", "idle", "returning", "error")


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
    connection: InfluxConnection,
    signals: SignalTable,
    kind: Kind,
    start: int,
    end: int,
    schema: TileSchema,
    devices: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return the hourly tiles of a range of whole hours, of all devices or some, by device and hour.

    They have the columns of `schema`; signals of which it has none are not asked for.
    An hour is asked for first, and then as much at once as brings some _TILES_A_REQUEST. Where readings are
    few, they are read and summed up here; where they are many, InfluxDB does it.
    """
    pieces = [pl.DataFrame(schema=schema)]
    if start < end:
        fields = _fields(connection, kind) & {name.partition(".")[0] for name in schema}
        asked = [signal for signal in signals.for_kind(kind) if signal.name in fields]
    begin, width, few = start, HOUR_MS, True
    while begin < end:
        until = min(begin + width, end)
        where = influxql.times_among(begin, until, devices)
        found = tiles_of_rows(connection, kind, asked, where, _MOST_ROWS) if few else None
        if found is None:
            found = _tiles(connection, kind, asked, where)
        pieces.append(_completed(found, schema))
        few = pieces[-1]["readings"].sum() <= _FEW_A_TILE * pieces[-1].height
        begin, width = until, _width(until - begin, pieces[-1].height)
    return pl.concat(pieces).sort(_KEYS)


def _width(asked: int, found: int) -> int:
    """Return how much to ask for next, in whole hours, when `found` tiles came of `asked` milliseconds."""
    fitting = asked * _TILES_A_REQUEST // max(found, 1)
    return max(HOUR_MS, min(fitting, _MOST_A_REQUEST_MS) // HOUR_MS * HOUR_MS)


def _fields(connection: InfluxConnection, kind: Kind) -> set[str]:
    """Return the fields that ever came: each that did not would cost InfluxDB as much as one that did."""
    (result,) = connection.json(f"SHOW FIELD KEYS FROM {influxql.name_of(kind)}")
    return {str(row[0]) for series in result.get("series", ()) for row in series["values"]}


def _completed(found: pl.DataFrame, schema: TileSchema) -> pl.DataFrame:
    """Return a tile frame: counts of what is missing are 0, statistics null."""
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in found.columns]
    counts = [name for name, dtype in schema.items() if dtype == pl.Int64 and name not in _KEYS]
    return (
        found.with_columns(missing)
        .with_columns(pl.col(name).fill_null(0) for name in counts)
        .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    )


def _tiles(connection: InfluxConnection, kind: Kind, signals: list[Signal], where: str) -> pl.DataFrame:
    tiled = [signal for signal in signals if signal.is_numeric or signal.form is Form.BOOLEAN]
    counted = [signal for signal in signals if signal not in tiled]
    found = _statistics(connection, kind, where, tiled, counted)
    if found.is_empty():
        return found
    for signal in tiled:
        if signal.form is Form.BOOLEAN:
            values = found[tile_column(signal.name, "n")].sum()
            trues = _count_equal(connection, kind, where, signal, "true") if values else _NOTHING
            found = _with_shares(_joined(found, trues, "trues"), signal)
    for signal in counted:
        if signal.form is Form.STATE:
            found = _with_states(connection, kind, where, signal, found)
        elif signal.clearable:
            found = _without_cleared(connection, kind, where, signal, found)
    return found.with_columns(_m2(signal) for signal in tiled if signal.form is not Form.BOOLEAN)


def _with_states(
    connection: InfluxConnection, kind: Kind, where: str, signal: Signal, found: pl.DataFrame
) -> pl.DataFrame:
    """Add how many readings have each state: a query each, the usual ones first, until all are counted."""
    left = int(found[tile_column(signal.name, "n")].sum())
    for state in dict.fromkeys((*_USUAL_STATES, *ROBOT_STATES)):
        value = influxql.text_of(state)
        counts = _count_equal(connection, kind, where, signal, value) if left else _NOTHING
        left -= int(counts["counted"].sum())
        found = _joined(found, counts, f"{signal.name}.{state}.n")
    return found


def _without_cleared(
    connection: InfluxConnection, kind: Kind, where: str, signal: Signal, found: pl.DataFrame
) -> pl.DataFrame:
    """Take those readings out of a text's count that say that none is left."""
    number = tile_column(signal.name, "n")
    if not found[number].sum():
        return found
    ended = _count_equal(connection, kind, where, signal, influxql.text_of(CLEARED))
    left = pl.col(number) - pl.col("cleared").fill_null(0)
    return _joined(found, ended, "cleared").with_columns(left.alias(number)).drop("cleared")


def _count_equal(
    connection: InfluxConnection, kind: Kind, where: str, signal: Signal, value: str
) -> pl.DataFrame:
    """Return how many readings of each device and hour have a value, which is a literal: `counted`."""
    condition = f"{where} AND {influxql.count_where(signal.name, value)}"
    column = f"count({influxql.name_of(signal.name)}) AS counted"
    answer = connection.csv(influxql.grouped(kind, [column], condition, _HOURLY))
    return _by_device(influxql.read_csv(answer, {"counted": pl.Int64()}))


def _joined(found: pl.DataFrame, counts: pl.DataFrame, name: str) -> pl.DataFrame:
    return found.join(counts.select(*_KEYS, pl.col("counted").alias(name)), on=_KEYS, how="left")


def _statistics(
    connection: InfluxConnection, kind: Kind, where: str, tiled: list[Signal], counted: list[Signal]
) -> pl.DataFrame:
    """Return one row for each device and hour: what InfluxDB computes in one answer, and the site.

    The site is a tag, so a device that moved within an hour has two rows there: then the statistics are
    asked for once more without it, and the site of what was received last stands.
    """
    columns = [*_RECEIVED, *(column for signal in tiled for column in influxql.statistics(signal))]
    types: dict[str, pl.DataType] = {"readings": pl.Int64(), "received": pl.Float64(), **_types(tiled)}
    for signal in counted:
        number = tile_column(signal.name, "n")
        columns.append(f"count({influxql.name_of(signal.name)}) AS {influxql.name_of(number)}")
        types[number] = pl.Int64()
    query = influxql.grouped(kind, columns, where, "device, site, time(1h)")
    by_site = influxql.with_tags(influxql.read_csv(connection.csv(query), types), "device", "site")
    by_site = by_site.rename({"device": "device_id", "time": "hour"})
    if not by_site.select(pl.struct(_KEYS).is_duplicated().any()).item():
        return by_site
    sites = by_site.sort("received").unique(_KEYS, keep="last").select(*_KEYS, "site")
    query = influxql.grouped(kind, columns, where, _HOURLY)
    return _by_device(influxql.read_csv(connection.csv(query), types)).join(sites, on=_KEYS)


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
