"""Collects what the desk's device list shows, so that it is written every few seconds, not per reading."""

from collections.abc import Mapping, Sequence

import polars as pl

from fleet.readings import ReadingBatch
from ingest.decoded import News
from storage.desk.devices import DeviceSummary

_MOST_ROWS = 200_000
_KEY: dict[str, pl.DataType] = {"device_id": pl.String()}
_TOPS = _KEY | {"newest_ts": pl.Int64(), "battery_pct": pl.Float64(), "battery_ts": pl.Int64()}
_SEEN = _KEY | {"last_seen": pl.Int64()}
_STATUS = _KEY | {"status": pl.String()}


class Summaries:
    """The changes since the last flush, one summary a device.

    What a commit adds is only laid aside; it is summed up when it is taken, once for many commits, and by
    columns: of a large fleet every device is in it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._statuses: dict[str, str] = {}
        self._tops = pl.DataFrame(schema=_TOPS)
        self._readings: list[pl.DataFrame] = []
        self._rows = 0

    def add_news(self, news: News) -> None:
        """Take when devices were heard, and their statuses."""
        self._seen.update(news.seen)
        self._statuses.update(news.statuses)

    def add_batch(self, batch: ReadingBatch) -> None:
        """Take the newest time and the newest battery charge of each device in a stored batch."""
        self._readings.append(batch.frame.select("device_id", "ts", "battery_pct"))
        self._rows += len(batch)
        if self._rows > _MOST_ROWS:
            self._sum_up()

    def _sum_up(self) -> None:
        if self._readings:
            charged = pl.col("battery_pct").is_not_null()
            read = pl.concat(self._readings).select(
                "device_id",
                pl.col("ts").alias("newest_ts"),
                "battery_pct",
                pl.when(charged).then("ts").alias("battery_ts"),
            )
            self._tops = _newest(pl.concat([self._tops, read]))
            self._readings, self._rows = [], 0

    def take(self) -> list[DeviceSummary]:
        """Return what changed in order of the devices' ids, and begin anew."""
        self._sum_up()
        changed = self._tops
        for told, schema in ((self._seen, _SEEN), (self._statuses, _STATUS)):
            if told:
                changed = changed.join(_columns(told, schema), on="device_id", how="full", coalesce=True)
            else:
                changed = changed.with_columns(
                    pl.lit(None, schema[name]).alias(name) for name in schema if name not in _KEY
                )
        self._seen, self._statuses, self._tops = {}, {}, pl.DataFrame(schema=_TOPS)
        rows = changed.sort("device_id").select(DeviceSummary._fields).rows()
        return list(map(DeviceSummary._make, rows))

    def put_back(self, summaries: Sequence[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
        self._sum_up()
        seen = {one.device_id: one.last_seen for one in summaries if one.last_seen is not None}
        statuses = {one.device_id: one.status for one in summaries if one.status is not None}
        self._seen, self._statuses = seen | self._seen, statuses | self._statuses
        tops = [(one.device_id, one.newest_ts, one.battery_pct, one.battery_ts) for one in summaries]
        self._tops = _newest(pl.concat([pl.DataFrame(tops, _TOPS, orient="row"), self._tops]))


def _newest(tops: pl.DataFrame) -> pl.DataFrame:
    """Return each device's newest time and last charge; of charges of the same time, what came last."""
    charges = pl.col("battery_pct", "battery_ts")
    by_charge = tops.sort("battery_ts", nulls_last=False, maintain_order=True)
    return by_charge.group_by("device_id").agg(pl.col("newest_ts").max(), charges.last()).select(list(_TOPS))


def _columns(told: Mapping[str, int] | Mapping[str, str], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    key, value = schema
    return pl.DataFrame({key: list(told), value: list(told.values())}, schema)
