"""Tells where and when rules apply, for batches on columns and for single moments."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from alerts.judging.rules import Rule
from alerts.judging.scope import ZoneOf
from alerts.judging.windows.stretch import Rows, grown
from fleet.clock import MINUTE_MS
from storage.records.database import DeskDatabase
from storage.records.sites import DeviceScope, scopes_of

FORGET_MS = 5 * MINUTE_MS
"""What a device is and where it belongs is looked up anew after so long, if the log did not tell of it."""
UTC = ZoneInfo("UTC")


class Applies:
    """Which of the rules with a scope or times of their own apply; what it looked up it keeps for a while."""

    def __init__(self, desk: DeskDatabase, rules: Iterable[Rule], zone_of: ZoneOf | None = None) -> None:
        self._desk = desk
        self._zone_of = zone_of or (lambda _site: UTC)
        self._scoped = tuple(rule for rule in rules if rule.only is not None)
        self._number = {rule.name: number for number, rule in enumerate(self._scoped)}
        self._forgot_at = 0
        self.forget()

    def forget(self) -> None:
        """Look everything up anew."""
        self._rows = Rows()
        self._fits = np.empty((0, len(self._scoped)), dtype=bool)
        self._zones: dict[str, ZoneInfo] = {}

    def forget_in_time(self, now: int) -> None:
        """Look everything up anew where that was not done for some minutes."""
        if now - self._forgot_at >= FORGET_MS:
            self._forgot_at = now
            self.forget()

    def added(self, frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
        """Return a frame (`device_id`, `site`, `ts`) with a column for each rule that is limited."""
        limited = [rule for rule in rules if rule.is_limited]
        if not limited or frame.is_empty():
            return frame
        if any(rule.only is not None for rule in limited):
            fits = self._fitting(frame["device_id"])
            frame = frame.with_columns(
                pl.Series(rule.applies_column, fits[:, self._number[rule.name]])
                for rule in limited
                if rule.only is not None
            )
        timed = [rule for rule in limited if rule.hours or rule.months]
        return _timed(frame, timed, self._local(frame)) if timed else frame

    def at_moment(self, rule: Rule, device_id: str, at: int) -> bool:
        """Tell whether a rule applies to one device at one time."""
        if not rule.is_limited:
            return True
        site = self._scopes([device_id]).get(device_id, DeviceScope()).site
        frame = pl.DataFrame(
            {"device_id": [device_id], "site": [site], "ts": [at]},
            schema={"device_id": pl.String, "site": pl.String, "ts": pl.Int64},
        )
        return bool(self.added(frame, [rule])[rule.applies_column][0])

    def _scopes(self, devices: Iterable[str]) -> dict[str, DeviceScope]:
        with self._desk.transaction() as session:
            return scopes_of(session, devices)

    def _fitting(self, devices: pl.Series) -> np.ndarray:
        ids = devices.to_list()
        row = self._rows.of(ids)
        if (row < 0).any():
            self._look_up(sorted({ids[at] for at in np.flatnonzero(row < 0)}))
            row = self._rows.of(ids)
        return np.asarray(self._fits[row])

    def _look_up(self, devices: list[str]) -> None:
        scopes = self._scopes(devices)
        self._rows.add(devices)
        self._fits = grown(self._fits, len(self._rows), 0)
        for device, row in zip(devices, self._rows.of(devices), strict=True):
            scope = scopes.get(device, DeviceScope())
            for number, rule in enumerate(self._scoped):
                only = rule.only
                self._fits[row, number] = only is None or only.fits(device, scope, rule.groups)

    def _local(self, frame: pl.DataFrame) -> pl.Expr:
        """Return the time of each row by the clock of its site."""
        by_zone: dict[str, list[str]] = {}
        for site in frame["site"].unique().to_list():
            if site not in self._zones:
                self._zones[site] = self._zone_of(site)
            by_zone.setdefault(self._zones[site].key, []).append(site)
        utc = pl.from_epoch("ts", time_unit="ms").dt.replace_time_zone("UTC")
        local = utc.dt.replace_time_zone(None)
        for zone, sites in by_zone.items():
            there = utc.dt.convert_time_zone(zone).dt.replace_time_zone(None)
            local = (
                there
                if len(by_zone) == 1
                else pl.when(pl.col("site").is_in(sites)).then(there).otherwise(local)
            )
        return local


def _timed(frame: pl.DataFrame, rules: Sequence[Rule], local: pl.Expr) -> pl.DataFrame:
    """Return a frame whose columns of these rules are true only within their months and hours."""
    time = frame.select(
        month=local.dt.month(), minute=local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute().cast(pl.Int32)
    )
    month, minute = time["month"], time["minute"]
    columns = []
    for rule in rules:
        fits = (
            frame[rule.applies_column] if rule.only is not None else pl.repeat(True, frame.height, eager=True)
        )
        if rule.months:
            fits = fits & month.is_in(list(rule.months))
        if rule.hours is not None:
            after, until = minute >= rule.hours.begin, minute < rule.hours.end
            fits = fits & ((after & until) if rule.hours.begin < rule.hours.end else (after | until))
        columns.append(fits.alias(rule.applies_column))
    return frame.with_columns(columns)
