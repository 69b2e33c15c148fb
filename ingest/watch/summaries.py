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
_STATE = _KEY | {"state_ts": pl.Int64(), "state": pl.String()}
_ERROR = _KEY | {"error_ts": pl.Int64(), "error_code": pl.String()}
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
        self._said: list[pl.DataFrame] = []
        self._states = pl.DataFrame(schema=_STATE)
        self._errors = pl.DataFrame(schema=_ERROR)

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
        if "state" in batch.frame.columns:
            self._said.append(batch.frame.select("device_id", "ts", "state", "error_code"))
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
        self._states = _last_said([self._states, *(_states(one) for one in self._said)], "state_ts")
        self._errors = _last_said([self._errors, *(_errors(one) for one in self._said)], "error_ts")
        self._seen, self._heard, self._readings, self._said, self._rows = {}, [], [], [], 0

    def take(self) -> list[DeviceSummary]:
        """Return what changed in order of the devices' ids, and begin anew."""
        self._sum_up()
        told = [(device, *status) for device, status in self._statuses.items()]
        changed = self._tops
        for one in (pl.DataFrame(told, _STATUS, orient="row"), self._states, self._errors):
            changed = changed.join(one, on="device_id", how="full", coalesce=True)
        self._statuses, self._tops = {}, pl.DataFrame(schema=_TOPS)
        self._states, self._errors = pl.DataFrame(schema=_STATE), pl.DataFrame(schema=_ERROR)
        rows = changed.sort("device_id").select(DeviceSummary._fields).rows()
        return list(map(DeviceSummary._make, rows))

    def put_back(self, summaries: Sequence[DeviceSummary]) -> None:
        """Take summaries back that could not be written; what changed meanwhile is newer."""
        self._sum_up()
        given = pl.DataFrame(summaries, list(DeviceSummary._fields), orient="row", infer_schema_length=None)
        before = given.select(pl.col(name).cast(dtype) for name, dtype in _TOPS.items())
        self._tops = _newest([before, self._tops])
        states = given.select(pl.col(name).cast(dtype) for name, dtype in _STATE.items()).drop_nulls()
        errors = given.select(pl.col(name).cast(dtype) for name, dtype in _ERROR.items()).drop_nulls()
        self._states = _last_said([states, self._states], "state_ts")
        self._errors = _last_said([errors, self._errors], "error_ts")
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


def _states(readings: pl.DataFrame) -> pl.DataFrame:
    state = pl.col("state").cast(pl.String)
    return readings.filter(pl.col("state").is_not_null()).select(
        "device_id", pl.col("ts").alias("state_ts"), state
    )


def _errors(readings: pl.DataFrame) -> pl.DataFrame:
    said = readings.filter(pl.col("error_code").is_not_null())
    return said.select("device_id", pl.col("ts").alias("error_ts"), "error_code")


def _last_said(parts: Sequence[pl.DataFrame], time: str) -> pl.DataFrame:
    """Return what each device said last by its own time; at the same time, what came last."""
    said = pl.concat(parts).sort(time, maintain_order=True)
    return said.unique("device_id", keep="last", maintain_order=True)
