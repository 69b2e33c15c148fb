"""Which readings may be stored already: those not newer than their device's newest, looked up in bulk."""

from collections.abc import Iterator, Sequence

import polars as pl

from fleet.clock import MINUTE_MS
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection

KEYS = ["device_id", "ts"]
_LOOKUPS = 50
_DEVICES_A_QUERY = 200


def stored_among(connection: InfluxConnection, measurement: str, late: pl.DataFrame) -> pl.DataFrame:
    """Return `device_id`, `ts` and the stored `site` and `received` of those rows that are stored already.

    Readings that come late or again come close together in time: what is asked for is cut into stretches of
    a minute or more, so that little else is read with them, and into some 50 of them at the most. Their
    answers are read as one: to read each by itself costs more than to ask for it.
    """
    answers = [connection.csv(_query(measurement, *stretch)) for stretch in _stretches(late)]
    found = influxql.with_tags(
        influxql.read_csv(influxql.joined(answers), {"received": pl.Float64()}), "device", "site"
    )
    keys = found.select("site", pl.col("received").cast(pl.Int64), device_id="device", ts="time")
    return keys.join(late.select(KEYS), on=KEYS, how="semi").unique(KEYS)


def _stretches(late: pl.DataFrame) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first and last time of each stretch, and the devices late in it, some at once."""
    ts, device = pl.col("ts"), pl.col("device_id")
    first, last = late.select(ts.min().alias("first"), ts.max().alias("last")).row(0)
    width = max(MINUTE_MS, (last - first) // _LOOKUPS + 1)
    stretches = late.group_by(ts // width, maintain_order=True).agg(
        ts.min().alias("first"), ts.max().alias("last"), device.unique(maintain_order=True)
    )
    for begin, end, devices in stretches.select("first", "last", "device_id").iter_rows():
        for at in range(0, len(devices), _DEVICES_A_QUERY):
            yield begin, end, devices[at : at + _DEVICES_A_QUERY]


def _query(measurement: str, first: int, last: int, devices: Sequence[str]) -> str:
    where = f"{influxql.times(first, last + 1)} AND {influxql.among(devices)}"
    return influxql.grouped(measurement, ['"received"::float'], where, "device, site")
