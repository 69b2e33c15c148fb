"""Tells where and when rules apply, for batches on columns and for single moments."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from alerts.judging.rules import Rule
from alerts.judging.scope import ZoneOf
from alerts.judging.windows.stretch import Bools, Ints, Rows, grown
from fleet.clock import MINUTE_MS
from storage.records.database import DeskDatabase
from storage.records.sites import DeviceScope, scopes_of

_UTC = ZoneInfo("UTC")


class Applies:
    """Which of some rules apply to devices, by their rows; what it looked up it keeps until it forgets."""

    def __init__(self, desk: DeskDatabase, rules: Iterable[Rule], zone_of: ZoneOf | None, rows: Rows) -> None:
        self._desk = desk
        self._zone_of = zone_of or (lambda _site: _UTC)
        self._rows = rows
        self._limited = tuple(rule for rule in rules if rule.is_limited)
        self._number = {rule.name: number for number, rule in enumerate(self._limited)}
        self._fits = np.empty((len(self._limited), 0), dtype=bool)
        self.forget()

    def forget(self) -> None:
        """Look everything up anew: what devices are, where they belong, and by which clock."""
        self._known = np.empty(0, dtype=bool)
        self._zones: dict[str, ZoneInfo] = {}

    @property
    def is_needed(self) -> bool:
        """Whether there are rules that do not always apply."""
        return bool(self._limited)

    def columns(self, frame: pl.DataFrame, devices: list[str], row: Ints) -> list[pl.Series]:
        """Return for each rule that is limited a column that says where it applies.

        The frame has `site` and `ts`; `devices` and `row` are those of each of its readings.
        """
        if any(rule.only is not None for rule in self._limited):
            self._look_up(devices, row)
        clocks = self._clocks(frame) if any(rule.is_timed for rule in self._limited) else None
        told = []
        for number, rule in enumerate(self._limited):
            fits = np.ones(row.size, dtype=bool) if rule.only is None else self._fits[number][row]
            if clocks is not None and rule.is_timed:
                fits = fits & clocks.in_time(rule)
            told.append(pl.Series(rule.applies_column, fits))
        return told

    def at_moment(self, rule: Rule, device_id: str, at: int) -> bool:
        """Tell whether a rule applies to one device at one time."""
        if not rule.is_limited:
            return True
        self._rows.add([device_id])
        with self._desk.transaction() as session:
            site = scopes_of(session, [device_id]).get(device_id, DeviceScope()).site
        frame = pl.DataFrame({"site": [site], "ts": [at]}, schema={"site": pl.String, "ts": pl.Int64})
        found = self.columns(frame, [device_id], self._rows.of([device_id]))
        return bool(found[self._number[rule.name]][0])

    def _look_up(self, devices: list[str], row: Ints) -> None:
        """Find out what the devices are that are not known yet."""
        self._known = grown(self._known, len(self._rows), 0)
        self._fits = grown(self._fits, len(self._rows), 0)
        new = np.flatnonzero(~self._known[row])
        if not new.size:
            return
        wanted = {devices[place]: int(row[place]) for place in new}
        with self._desk.transaction() as session:
            scopes = scopes_of(session, wanted)
        for device, its_row in wanted.items():
            scope = scopes.get(device, DeviceScope())
            for number, rule in enumerate(self._limited):
                fits = rule.only is None or rule.only.fits(device, scope, rule.groups)
                self._fits[number, its_row] = fits
            self._known[its_row] = True

    def _clocks(self, frame: pl.DataFrame) -> "_Clocks":
        """Return what the clocks of the readings' sites show at each reading."""
        minutes, place = _distinct(frame["ts"].to_numpy() // MINUTE_MS)
        site = frame["site"]
        by_zone: dict[ZoneInfo, list[str]] = {}
        for each in site[:1].to_list() if (site == site[0]).all() else site.unique().to_list():
            if each not in self._zones:
                self._zones[each] = self._zone_of(each)
            by_zone.setdefault(self._zones[each], []).append(each)
        shown: list[tuple[Bools | np.bool_, Ints, Ints]] = [
            (np.True_ if len(by_zone) == 1 else site.is_in(theirs).to_numpy(), *_by_clock(minutes, zone))
            for zone, theirs in by_zone.items()
        ]
        return _Clocks(place, shown)


@dataclass(frozen=True, slots=True)
class _Clocks:
    """What clocks on the wall show at each reading of a batch.

    `place` is where a reading's minute stands among the distinct ones (None: there is one). `shown` has for
    each zone which readings are there, and the month and the minute of the day of each distinct minute.
    """

    place: Ints | None
    shown: list[tuple[Bools | np.bool_, Ints, Ints]]

    def in_time(self, rule: Rule) -> Bools | np.bool_:
        """Tell at which readings it is within the months and hours of a rule."""
        found: Bools | np.bool_ = np.False_
        for here, month, minute in self.shown:
            fits = _in_time(rule, month, minute)
            found = found | (here & (fits[0] if self.place is None else fits[self.place]))
        return found


def _distinct(minutes: Ints) -> tuple[Ints, Ints | None]:
    """Return the distinct minutes, and for each reading the place of its own; None where there is one."""
    if minutes.min() == minutes.max():
        return minutes[:1], None
    found, place = np.unique(minutes, return_inverse=True)
    return found, place


def _by_clock(minutes: Ints, zone: ZoneInfo) -> tuple[Ints, Ints]:
    """Return the month and the minute of the day of some minutes since the epoch; mostly they are few."""
    local = [datetime.fromtimestamp(60 * minute, zone) for minute in minutes.tolist()]
    months = np.array([time.month for time in local], dtype=np.int64)
    return months, np.array([60 * time.hour + time.minute for time in local], dtype=np.int64)


def _in_time(rule: Rule, month: Ints, minute: Ints) -> Bools:
    """Tell at which readings it is within the months and hours of a rule."""
    fits = np.isin(month, rule.months) if rule.months else np.ones(month.size, dtype=bool)
    if rule.hours is not None:
        after, until = minute >= rule.hours.begin, minute < rule.hours.end
        fits &= (after & until) if rule.hours.begin < rule.hours.end else (after | until)
    return fits
