"""Which readings may be stored already: those not newer than their device's newest, looked up in bulk."""

from collections.abc import Iterator

import polars as pl

from fleet.clock import MINUTE_MS
from fleet.signals import Kind
from storage import influx_query as influxql
from storage.influx_http import InfluxConnection

KEYS = ["device_id", "ts"]
_LOOKUPS = 100
_DEVICES_A_QUERY = 200


def stored_among(connection: InfluxConnection, kind: Kind, late: pl.DataFrame) -> pl.DataFrame:
    """Return `device_id`, `ts` and the stored `site` of those rows that are stored already.

    Readings that come late or again come close together in time: what is asked for is cut into stretches of
    a minute or more, so that little else is read with them, and into some 100 of them at the most.
    """
    answers = [_keys_between(connection, kind, piece) for piece in _stretches(late)]
    return pl.concat(answers).join(late.select(KEYS), on=KEYS, how="semi").unique(KEYS)


def _stretches(late: pl.DataFrame) -> Iterator[pl.DataFrame]:
    first, last = int(late.select(pl.col("ts").min()).item()), int(late.select(pl.col("ts").max()).item())
    width = max(MINUTE_MS, (last - first) // _LOOKUPS + 1)
    for stretch in _by_stretch(late, width):
        devices = stretch["device_id"].unique(maintain_order=True)
        for begin in range(0, len(devices), _DEVICES_A_QUERY):
            yield stretch.filter(
                pl.col("device_id").is_in(devices[begin : begin + _DEVICES_A_QUERY].implode())
            )


def _by_stretch(late: pl.DataFrame, width: int) -> list[pl.DataFrame]:
    return late.with_columns(stretch=pl.col("ts") // width).partition_by("stretch", include_key=False)


def _keys_between(connection: InfluxConnection, kind: Kind, rows: pl.DataFrame) -> pl.DataFrame:
    begin, end = rows.select(pl.col("ts").min(), (pl.col("ts").max() + 1).alias("end")).row(0)
    where = f"{influxql.times(begin, end)} AND {influxql.among(rows['device_id'].unique())}"
    answer = connection.csv(influxql.grouped(kind, ["received"], where, "device, site"))
    found = influxql.with_tags(influxql.read_csv(answer, {}), "device", "site")
    return found.select(device_id="device", ts="time", site="site")
