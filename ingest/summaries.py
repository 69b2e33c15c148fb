"""Collects what the desk's device list shows, so that it is written every few seconds, not per reading."""

from dataclasses import replace

import polars as pl

from fleet.readings import ReadingBatch
from ingest.decoded import News
from storage.desk.devices import DeviceSummary


class Summaries:
    """The changes since the last flush, one summary a device."""

    def __init__(self) -> None:
        self._changed: dict[str, DeviceSummary] = {}

    def add_news(self, news: News) -> None:
        """Take when devices were heard, and their statuses."""
        for device, seen in news.seen.items():
            self._changed[device] = replace(self._of(device), last_seen=seen)
        for device, status in news.statuses.items():
            self._changed[device] = replace(self._of(device), status=status)

    def add_batch(self, batch: ReadingBatch) -> None:
        """Take the newest time and the newest battery charge of each device in a stored batch."""
        charged = pl.col("battery_pct").is_not_null()
        tops = batch.frame.group_by("device_id").agg(
            pl.col("ts").max().alias("newest"),
            pl.col("ts").filter(charged).max().alias("battery_ts"),
            pl.col("battery_pct").filter(charged).sort_by(pl.col("ts").filter(charged)).last(),
        )
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
        changed, self._changed = list(self._changed.values()), {}
        return changed

    def put_back(self, summaries: list[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
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
