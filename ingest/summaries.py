"""Collects what the desk's device list shows, so that it is written every few seconds, not per reading."""

from dataclasses import replace

import polars as pl

from fleet.readings import ReadingBatch
from ingest.decoded import News
from storage.desk.devices import DeviceSummary

_MOST_ROWS = 200_000


class Summaries:
    """The changes since the last flush, one summary a device.

    What a commit adds is only laid aside; it is summed up when it is taken, once for many commits.
    """

    def __init__(self) -> None:
        self._changed: dict[str, DeviceSummary] = {}
        self._seen: dict[str, int] = {}
        self._statuses: dict[str, str] = {}
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
        if not self._readings:
            return
        charged = pl.col("battery_pct").is_not_null()
        tops = (
            pl.concat(self._readings)
            .group_by("device_id")
            .agg(
                pl.col("ts").max().alias("newest"),
                pl.col("ts").filter(charged).max().alias("battery_ts"),
                pl.col("battery_pct").filter(charged).sort_by(pl.col("ts").filter(charged)).last(),
            )
        )
        self._readings, self._rows = [], 0
        for device, newest, battery_ts, battery in tops.iter_rows():
            before = self._of(device)
            if before.newest_ts is None or newest > before.newest_ts:
                before = replace(before, newest_ts=newest)
            if battery_ts is not None and battery_ts >= (before.battery_ts or 0):
                before = replace(before, battery_pct=battery, battery_ts=battery_ts)
            self._changed[device] = before

    def _of(self, device: str) -> DeviceSummary:
        return self._changed.get(device) or DeviceSummary(device)

    def take(self) -> list[DeviceSummary]:
        """Return what changed, and begin anew."""
        self._sum_up()
        for device, seen in self._seen.items():
            self._changed[device] = replace(self._of(device), last_seen=seen)
        for device, status in self._statuses.items():
            self._changed[device] = replace(self._of(device), status=status)
        changed, self._changed = list(self._changed.values()), {}
        self._seen, self._statuses = {}, {}
        return changed

    def put_back(self, summaries: list[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
        self._sum_up()
        for old in summaries:
            new = self._changed.get(old.device_id)
            self._changed[old.device_id] = _merged(old, new) if new else old


def _merged(old: DeviceSummary, new: DeviceSummary) -> DeviceSummary:
    with_battery = new if new.battery_ts is not None else old
    return DeviceSummary(
        device_id=old.device_id,
        last_seen=new.last_seen if new.last_seen is not None else old.last_seen,
        newest_ts=max((ts for ts in (old.newest_ts, new.newest_ts) if ts is not None), default=None),
        battery_pct=with_battery.battery_pct,
        battery_ts=with_battery.battery_ts,
        status=new.status if new.status is not None else old.status,
    )
