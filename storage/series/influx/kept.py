"""Roll-ups of the InfluxDB store: hourly tiles of readings that expire, in a bucket with a longer retention.

Beside the bucket `fleet` that is `fleet/tiles`, which is the retention policy `tiles` in 1.x. It also holds
up to which hour the tiles of each kind of device are kept ones: that is written last, so that a roll-up that
was interrupted is simply done again.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from fleet.clock import DAY_MS
from fleet.signals import Kind
from fleet.tiles import TileSchema
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.lines import bodies, tile_lines, tile_measurement
from storage.series.store_url import InfluxAddress

POLICY = "tiles"
_UNTIL = "kept_tiles"
_LINES_A_REQUEST = 500  # each some ten times as long as a reading's


def tiles_address(address: InfluxAddress) -> InfluxAddress:
    """Return where the tiles of a bucket are kept."""
    separator = "_" if "/" in address.bucket else "/"
    return replace(address, bucket=f"{address.bucket}{separator}{POLICY}")


class KeptTiles:
    """The tiles kept of readings that expired; `connection` is one to `tiles_address`."""

    def __init__(self, connection: InfluxConnection) -> None:
        self._connection = connection

    def until(self, kind: Kind) -> int:
        """Return up to which hour tiles are kept ones; 0 when there are none."""
        where = f"kind = {influxql.text_of(kind)}"
        answer = self._connection.json(f'SELECT last("until") FROM {_UNTIL} WHERE {where}')
        for series in answer[0].get("series", ()):
            return int(series["values"][0][1])
        return 0

    def hours(self, kind: Kind) -> tuple[int, int]:
        """Return the first hour that is kept, and the hour up to which; (0, 0) when none is."""
        until = self.until(kind)
        answer = self._connection.json(f'SELECT first("readings") FROM "{tile_measurement(kind)}"')
        for series in answer[0].get("series", ()):
            return int(series["values"][0][0]), until
        return until, until

    def read(
        self, kind: Kind, start: int, end: int, devices: Sequence[str] | None, schema: TileSchema
    ) -> pl.DataFrame:
        """Return the kept tiles of a range, of all devices or some, a day a request, in no order."""
        pieces = [pl.DataFrame(schema=schema)]
        if start < end:
            first, last = self.hours(kind)
            begin, end = max(start, first), min(end, last)
            for at in range(begin, end, DAY_MS):
                where = influxql.times_among(at, min(at + DAY_MS, end), devices)
                pieces.append(self._read(kind, where, schema))
        return pl.concat(pieces)

    def _read(self, kind: Kind, where: str, schema: TileSchema) -> pl.DataFrame:
        names = [name for name in schema if name not in ("device_id", "hour")]
        columns = ", ".join(influxql.name_of(name) for name in ("device", *names))
        query = f'SELECT {columns} FROM "{tile_measurement(kind)}" WHERE {where}'
        types: dict[str, pl.DataType] = {name: pl.Float64() for name in names}
        types |= {"device": pl.String(), "site": pl.String()}
        found = influxql.read_csv(self._connection.csv(query), types)
        found = found.rename({"device": "device_id", "time": "hour"})
        return found.with_columns(pl.col(r"^.*\.n$").fill_null(0)).select(
            pl.col(name).cast(dtype) for name, dtype in schema.items()
        )

    def keep(self, kind: Kind, tiles: pl.DataFrame) -> None:
        """Write tiles; same device and hour replaces. They count once `keep_until` has been told."""
        if tiles.height:
            for body in bodies(tile_lines(kind, tiles), _LINES_A_REQUEST):
                self._connection.write(body)

    def keep_until(self, kind: Kind, until: int) -> None:
        """Say that tiles before an hour are kept ones from now on."""
        self._connection.write(f"{_UNTIL},kind={kind} until={until} {until}\n".encode())

    def close(self) -> None:
        """Let go of the server."""
        self._connection.close()
