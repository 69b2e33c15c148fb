"""Hourly tiles that are kept, in a bucket of their own with a longer retention.

Beside the bucket `fleet` that is `fleet/tiles`, which is the retention policy `tiles` in 1.x. Tiles are kept
as their hours are complete, and are all that stays of readings that expire. Beside them stands of each hour
how its tiles were made and whether readings came to it later, and up to which hour the tiles alone count.
Both are written last, so that what was interrupted is simply done again.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.personal import personal_signals
from fleet.signals import Kind
from fleet.tiles import TileSchema
from storage.series.influx import apart
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import bodies, tile_lines, tile_measurement
from storage.series.influx.probe import Probe
from storage.series.influx.tile_rows import Piece, two_at_once
from storage.series.store_url import InfluxAddress

POLICY = "tiles"
_UNTIL = "kept_tiles"
_HOURS = "tile_hours"
_LINES_A_REQUEST = 500  # each some ten times as long as a reading's


def tiles_address(address: InfluxAddress) -> InfluxAddress:
    """Return where the tiles of a bucket are kept."""
    separator = "_" if "/" in address.bucket else "/"
    return replace(address, bucket=f"{address.bucket}{separator}{POLICY}")


@dataclass(frozen=True, slots=True)
class HourState:
    """What is known of the kept tiles of an hour: how they were made, and the mark of what came later."""

    made: str
    late: str


def _measurements(kind: Kind) -> list[str]:
    return [tile_measurement(kind), *([apart.personal_tiles(kind)] if personal_signals(kind) else [])]


class KeptTiles:
    """The tiles that are kept; `connection` is one to `tiles_address`."""

    def __init__(self, connection: InfluxConnection) -> None:
        self.connection = self._connection = connection
        self._probe = Probe(connection)

    def until(self, kind: Kind) -> int:
        """Return up to which hour the kept tiles alone count; 0 when there are none such."""
        where = f"kind = {influxql.text_of(kind)}"
        answer = self._connection.json(f'SELECT last("until") FROM {_UNTIL} WHERE {where}')
        for series in answer[0].get("series", ()):
            return int(series["values"][0][1])
        return 0

    def hours(self, kind: Kind) -> tuple[int, int]:
        """Return the first hour of which the kept tiles alone count, and the hour up to which; or (0, 0)."""
        until = self.until(kind)
        if not until:
            return 0, 0
        answer = self._connection.json(f'SELECT first("readings") FROM "{tile_measurement(kind)}"')
        for series in answer[0].get("series", ()):
            return min(int(series["values"][0][0]), until), until
        return until, until

    def read(
        self, kind: Kind, start: int, end: int, devices: Sequence[str] | None, schema: TileSchema
    ) -> pl.DataFrame:
        """Return the kept tiles of a range, of all devices or some, a day a request, in no order."""

        def of(piece: Piece) -> pl.DataFrame:
            where = influxql.times_among(piece.start, piece.end, piece.devices)
            return self._read(kind, where, schema)

        days = [Piece(at, min(at + DAY_MS, end), devices) for at in range(start, end, DAY_MS)]
        return pl.concat([pl.DataFrame(schema=schema), *two_at_once(of, days)])

    def states(self, kind: Kind, start: int, end: int) -> dict[int, HourState]:
        """Return what is known of the hours of a range of which anything is."""
        where = f"kind = {influxql.text_of(kind)} AND {influxql.times(start, end)}"
        answer = self._connection.csv(f"SELECT made, late FROM {_HOURS} WHERE {where}")
        found = influxql.read_csv(answer, {"made": pl.String(), "late": pl.String()}).fill_null("")
        return {at: HourState(made, late) for at, made, late in found.select("time", "made", "late").rows()}

    def came_late(self, kind: Kind, hours: Iterable[int]) -> None:
        """Mark hours to which readings came so late that their tiles may be kept already."""
        mark = secrets.token_hex(8)
        self._connection.write("".join(f'{_HOURS},kind={kind} late="{mark}" {at}\n' for at in hours).encode())

    def are_made(self, kind: Kind, made: Mapping[int, str]) -> None:
        """Say of hours how their tiles, which are kept, were made."""
        lines = "".join(f'{_HOURS},kind={kind} made="{how}" {at}\n' for at, how in made.items())
        self._connection.write(lines.encode())

    def delete(self, kind: Kind, before: int) -> None:
        """Delete the tiles before a time."""
        for measurement in _measurements(kind):
            self._connection.delete(measurement, f"time < {before}ms")

    def forget_personal(self, kind: Kind, start: int, end: int, devices: Sequence[str] | None) -> None:
        """Take what is personal out of the tiles of a range; hours that it cuts are made again."""
        apart.deleted(self._connection, apart.personal_tiles(kind), start // HOUR_MS * HOUR_MS, end, devices)
        cut = {bound // HOUR_MS * HOUR_MS for bound in (start, end) if bound % HOUR_MS}
        inside = [hour for hour in cut if 0 <= hour < influxql.LAST_MS]
        if inside:
            self.came_late(kind, inside)

    def forget_hours(self, before: int) -> None:
        """Delete what is known of hours before a time, where the tiles alone count."""
        self._connection.delete(_HOURS, f"time < {before}ms")

    def clear(self) -> None:
        """Delete everything."""
        for measurement in (_UNTIL, _HOURS, *(each for kind in Kind for each in _measurements(kind))):
            self._connection.delete(measurement, f"time <= {influxql.LAST_MS}ms")

    def check(self) -> None:
        """See Probe."""
        self._probe.run()

    def _read(self, kind: Kind, where: str, schema: TileSchema) -> pl.DataFrame:
        names = [name for name in schema if name not in ("device_id", "hour")]
        plain, personal = apart.split(kind, names)
        found = self._points(tile_measurement(kind), where, plain)
        if personal:
            theirs = self._points(apart.personal_tiles(kind), where, personal)
            found = apart.added(found, theirs, ["device_id", "hour"], personal)
        return found.with_columns(pl.col(r"^.*\.n$").fill_null(0)).select(
            pl.col(name).cast(dtype) for name, dtype in schema.items()
        )

    def _points(self, measurement: str, where: str, names: Sequence[str]) -> pl.DataFrame:
        columns = ", ".join(influxql.name_of(name) for name in ("device", *names))
        query = f'SELECT {columns} FROM "{measurement}" WHERE {where}'
        types: dict[str, pl.DataType] = {name: pl.Float64() for name in names}
        types |= {"device": pl.String()} | ({"site": pl.String()} if "site" in names else {})
        found = influxql.read_csv(self._connection.csv(query), types)
        return found.rename({"device": "device_id", "time": "hour"})

    def keep(self, kind: Kind, tiles: pl.DataFrame, *, again: bool = False) -> None:
        """Write tiles; same device and hour replaces, of which there may be any if `again`.

        They count once `are_made` or `keep_until` says so.
        """
        if tiles.height:
            plain, personal = apart.split(kind, tiles.columns)
            if personal:
                held = apart.with_any(tiles, [name for name in personal if not name.endswith(".n")])
                keys = ("device_id", "site", "hour", "readings")
                self._send(apart.personal_tiles(kind), held.select(*keys, *personal), again)
            self._send(tile_measurement(kind), tiles.select(plain), again)

    def _send(self, measurement: str, tiles: pl.DataFrame, zeros: bool) -> None:
        if tiles.is_empty():
            return
        for body in bodies(tile_lines(measurement, tiles, zeros=zeros), _LINES_A_REQUEST):
            self._connection.write(body)

    def keep_until(self, kind: Kind, until: int) -> None:
        """Say that tiles before an hour are kept ones from now on."""
        self._connection.write(f"{_UNTIL},kind={kind} until={until} {until}\n".encode())

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()
