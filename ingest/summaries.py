"""Collects what the desk's device list shows, so that it is written every few seconds, not per reading."""

from collections.abc import Sequence

import polars as pl

from fleet.readings import ReadingBatch
from ingest.decoded import News
from storage.desk.devices import DeviceSummary

_MOST_ROWS = 200_000
_Tops = tuple[int | None, int | None, float | None]
"""Newest time, time of the newest battery charge, and that charge."""
_NOTHING: _Tops = (None, None, None)


class Summaries:
    """The changes since the last flush, one summary a device.

    What a commit adds is only laid aside; it is summed up when it is taken, once for many commits.
    """

    def __init__(self) -> None:
        self._seen: dict[str, int | None] = {}
        self._statuses: dict[str, str | None] = {}
        self._tops: dict[str, _Tops] = {}
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
        charged_at = pl.col("ts").filter(charged)
        tops = (
            pl.concat(self._readings)
            .group_by("device_id")
            .agg(
                pl.col("ts").max().alias("newest"),
                charged_at.max().alias("battery_ts"),
                pl.col("battery_pct").filter(charged).sort_by(charged_at).last(),
            )
        )
        self._readings, self._rows = [], 0
        for device, *top in tops.iter_rows():
            self._tops[device] = _newer(self._tops.get(device, _NOTHING), (top[0], top[1], top[2]))

    def take(self) -> list[DeviceSummary]:
        """Return what changed, and begin anew."""
        self._sum_up()
        seen, statuses, tops = self._seen, self._statuses, self._tops
        self._seen, self._statuses, self._tops = {}, {}, {}
        changed = []
        for device in dict.fromkeys([*tops, *seen, *statuses]):
            newest, battery_ts, battery = tops.get(device, _NOTHING)
            changed.append(
                DeviceSummary(device, seen.get(device), newest, battery, battery_ts, statuses.get(device))
            )
        return changed

    def put_back(self, summaries: Sequence[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
        self._sum_up()
        for old in summaries:
            device = old.device_id
            tops = (old.newest_ts, old.battery_ts, old.battery_pct)
            self._tops[device] = _newer(tops, self._tops.get(device, _NOTHING))
            if self._seen.get(device) is None:
                self._seen[device] = old.last_seen
            if self._statuses.get(device) is None:
                self._statuses[device] = old.status


def _newer(before: _Tops, after: _Tops) -> _Tops:
    """Return the later time of each, and the charge that goes with it; of equal times what came after."""
    newest = max((ts for ts in (before[0], after[0]) if ts is not None), default=None)
    charged = after if (after[1] or -1) >= (before[1] or -1) else before
    return newest, charged[1], charged[2]
