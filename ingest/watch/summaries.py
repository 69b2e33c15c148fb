"""Collects what the desk's device list shows, so that it is written every few seconds, not per reading."""

from collections.abc import Sequence

import polars as pl

from fleet.readings import ReadingBatch
from ingest.decode.decoded import Columns, News
from storage.records.devices import DeviceSummary

_MOST_ROWS = 200_000
_KEY: dict[str, pl.DataType] = {"device_id": pl.String()}
_SEEN = _KEY | {"last_seen": pl.Int64()}
_READ = _KEY | {"ts": pl.Int64(), "battery_pct": pl.Float64()}
_STATUS = _KEY | {"status": pl.String(), "status_ts": pl.Int64()}
_TOPS = _SEEN | {"newest_ts": pl.Int64(), "battery_pct": pl.Float64(), "battery_ts": pl.Int64()}


class Summaries:
    """The changes since the last flush, one summary a device.

    What a commit adds is only laid aside; it is summed up when it is taken, once for many commits, and by
    columns: of a large fleet every device is in it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._statuses: dict[str, tuple[str, int]] = {}
        self._heard: list[pl.DataFrame] = []
        self._readings: list[pl.DataFrame] = []
        self._rows = 0
        self._tops = pl.DataFrame(schema=_TOPS)

    def add_heard(self, columns: Columns) -> None:
        """Take when devices were heard whose readings were decoded by columns."""
        self._heard.append(columns.frame.select("device_id", pl.col("received").alias("last_seen")))
        self._rows += columns.frame.height

    def add_news(self, news: News) -> None:
        """Take when other devices were heard, and all statuses."""
        self._seen.update(news.seen)
        at = news.status_at
        self._statuses.update({device: (status, at[device]) for device, status in news.statuses.items()})

    def add_batch(self, batch: ReadingBatch) -> None:
        """Take the newest time and the newest battery charge of each device in a stored batch."""
        self._readings.append(batch.frame.select(list(_READ)))
        self._rows += len(batch)
        if self._rows > _MOST_ROWS:
            self._sum_up()

    def _sum_up(self) -> None:
        seen = pl.DataFrame({"device_id": list(self._seen), "last_seen": list(self._seen.values())}, _SEEN)
        readings = pl.concat([pl.DataFrame(schema=_READ), *self._readings]).select(
            "device_id",
            pl.col("ts").alias("newest_ts"),
            "battery_pct",
            pl.when(pl.col("battery_pct").is_not_null()).then("ts").alias("battery_ts"),
        )
        self._tops = _newest([self._tops, *self._heard, seen, readings])
        self._seen, self._heard, self._readings, self._rows = {}, [], [], 0

    def take(self) -> list[DeviceSummary]:
        """Return what changed in order of the devices' ids, and begin anew."""
        self._sum_up()
        told = [(device, *status) for device, status in self._statuses.items()]
        statuses = pl.DataFrame(told, _STATUS, orient="row")
        changed = self._tops.join(statuses, on="device_id", how="full", coalesce=True)
        self._statuses, self._tops = {}, pl.DataFrame(schema=_TOPS)
        rows = changed.sort("device_id").select(DeviceSummary._fields).rows()
        return list(map(DeviceSummary._make, rows))

    def put_back(self, summaries: Sequence[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
        self._sum_up()
        before = pl.DataFrame(summaries, list(DeviceSummary._fields), orient="row").select(
            pl.col(name).cast(dtype) for name, dtype in _TOPS.items()
        )
        self._tops = _newest([before, self._tops])
        self._statuses = {
            one.device_id: (one.status, one.status_ts)
            for one in summaries
            if one.status is not None and one.status_ts is not None
        } | self._statuses


def _newest(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return each device's newest times and last charge; of charges of the same time, what came last."""
    tops = pl.concat(parts, how="diagonal").sort("battery_ts", nulls_last=False, maintain_order=True)
    times, charges = pl.col("last_seen", "newest_ts"), pl.col("battery_pct", "battery_ts")
    return tops.group_by("device_id").agg(times.max(), charges.last()).select(list(_TOPS))
