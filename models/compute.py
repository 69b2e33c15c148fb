"""Computes features at any (device, hour) from a tile grid: the one execution for training and serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from models.features import (
    BASELINE_HOURS,
    BASELINE_LEAST_HOURS,
    DAY_HOURS,
    LOOKBACK_HOURS,
    RECENT_HOURS,
    TREND_DAYS,
    TREND_LEAST_DAYS,
    Feature,
    View,
)
from models.grid import Floats, Ints, TileGrid
from models.measures import RESET_BY, Component, Measure
from models.terms import PRESENT

_EMPTY = 1e-9
"""A sum below this is rounding, not data."""


@dataclass(frozen=True)
class FleetFacts:
    """What the desk knows about devices: `models` by device; `resets` (device_id, fault, ts)."""

    models: Mapping[str, str]
    resets: pl.DataFrame


@dataclass(frozen=True)
class Moments:
    """Pairs of device and hour at which features are wanted. Shapes: (pairs,).

    `rows` are rows of the grid, `hours` count from the epoch; the hour itself is the last that is used.
    """

    rows: Ints
    hours: Ints


def hours_heard(grid: TileGrid, moments: Moments, within: int = LOOKBACK_HOURS) -> Floats:
    """Return in how many of the last `within` hours each device was heard. Shape: (pairs,)."""
    end = moments.hours + 1
    return grid.window(PRESENT, moments.rows, end - within, end)


@dataclass
class Look:
    """Looks at a grid at given moments; keeps what several features share."""

    grid: TileGrid
    facts: FleetFacts
    moments: Moments
    _renewed: dict[Component, Ints] = field(default_factory=dict)
    _levels: dict[tuple[str, int, int], Floats] = field(default_factory=dict)

    def matrix(self, features: Sequence[Feature]) -> Floats:
        """Return the feature matrix, shape (pairs, features), NaN where there is nothing to say."""
        matrix = np.empty((len(self.moments.rows), len(features)))
        for column, feature in enumerate(features):
            matrix[:, column] = self.at(feature)
        return matrix

    def at(self, feature: Feature) -> Floats:
        """Return one feature. Shape: (pairs,)."""
        measure = feature.measure
        match feature.view:
            case View.DAY:
                return self._level(measure, DAY_HOURS)
            case View.STEP:
                return self._level(measure, DAY_HOURS) - self._level(measure, DAY_HOURS, ago=DAY_HOURS)
            case View.TREND:
                return self._trend(measure)
            case View.OWN | View.COHORT:
                return _against(measure, *self.compare(feature))
            case View.RENEWED:
                return self._days_since_repair(measure.component)

    def compare(self, feature: Feature) -> tuple[Floats, Floats]:
        """Return what a feature compares: the level, and what is usual for it, in the measure's unit.

        Usual is the device's own past for the views step, trend and own, else its cohort; NaN where unknown.
        """
        measure = feature.measure
        match feature.view:
            case View.STEP:
                return self._level(measure, DAY_HOURS), self._level(measure, DAY_HOURS, ago=DAY_HOURS)
            case View.TREND:
                week_ago = self._level(measure, DAY_HOURS, ago=DAY_HOURS * (TREND_DAYS - 1))
                return self._level(measure, DAY_HOURS), week_ago
            case View.OWN:
                return self._level(measure, RECENT_HOURS), self._baseline(measure)
            case View.RENEWED:
                days = self._days_since_repair(measure.component)
                return days, np.full_like(days, np.nan)
            case View.DAY | View.COHORT:
                return self._level(measure, RECENT_HOURS), self._cohort(measure)

    def _level(self, measure: Measure, hours: int, ago: int = 0) -> Floats:
        """Return the level over `hours` that ended `ago` hours before the moment."""
        key = (measure.name, hours, ago)
        if key not in self._levels:
            end = self.moments.hours + 1 - ago
            start = np.maximum(end - hours, self._start(measure.component))
            self._levels[key] = self._ratio(measure, start, end)
        return self._levels[key]

    def _ratio(self, measure: Measure, start: Ints, end: Ints) -> Floats:
        rows = self.moments.rows
        top = self.grid.window(measure.top, rows, start, end)
        return _divide(measure, top, self.grid.window(measure.bottom, rows, start, end))

    def _trend(self, measure: Measure) -> Floats:
        days = np.arange(TREND_DAYS, dtype=float)
        levels = np.stack([self._level(measure, DAY_HOURS, ago=DAY_HOURS * day) for day in range(TREND_DAYS)])
        known = np.isfinite(levels)
        n = known.sum(axis=0)
        t = np.where(known, -days[:, None], 0.0)
        v = np.where(known, levels, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            t_mean, v_mean = t.sum(axis=0) / n, v.sum(axis=0) / n
            t, v = np.where(known, t - t_mean, 0.0), np.where(known, v - v_mean, 0.0)
            slope = (t * v).sum(axis=0) / (t * t).sum(axis=0)
        return np.where(n >= TREND_LEAST_DAYS, slope, np.nan)

    def _baseline(self, measure: Measure) -> Floats:
        start = np.maximum(self._start(measure.component), self._first)
        end = np.minimum(start + BASELINE_HOURS, self.moments.hours + 1)
        level = self._ratio(measure, start, end)
        return np.where(end - start >= BASELINE_LEAST_HOURS, level, np.nan)

    def _cohort(self, measure: Measure) -> Floats:
        """Return the level of all other devices of the same model over the same hours."""
        rows, end = self.moments.rows, self.moments.hours + 1
        start = end - RECENT_HOURS
        usual = []
        for term in (measure.top, measure.bottom):
            everyone = self.grid.group_window(term, self._groups, self._groups[rows], start, end)
            others = everyone - self.grid.window(term, rows, start, end)
            # What is left after taking oneself away may be nothing but rounding.
            usual.append(np.where(np.abs(others) > _EMPTY * np.abs(everyone), others, 0.0))
        return _divide(measure, *usual)

    def _days_since_repair(self, component: Component) -> Floats:
        start, end = self._start(component), self.moments.hours + 1
        days = (end - start) / DAY_HOURS
        return np.where(end - start < LOOKBACK_HOURS, days, np.nan)

    @cached_property
    def _groups(self) -> Ints:
        names = [self.facts.models.get(device, "unknown") for device in self.grid.devices]
        return np.unique(names, return_inverse=True)[1].astype(np.int64)

    @cached_property
    def _first(self) -> Ints:
        """The first hour heard of each device, within the lookback."""
        return self.grid.first_hours(PRESENT)[self.moments.rows]

    def _start(self, component: Component) -> Ints:
        """Return the first hour of the component's present life, within the lookback."""
        if component not in self._renewed:
            oldest = self.moments.hours + 1 - LOOKBACK_HOURS
            known = self.facts.resets.filter(pl.col("fault").is_in(RESET_BY[component]))
            self._renewed[component] = np.maximum(oldest, self._last_reset(known) + 1)
        return self._renewed[component]

    def _last_reset(self, resets: pl.DataFrame) -> Ints:
        """Return the hour of each pair's newest reset up to its own hour; 0 for none."""
        return last_before(self.grid, resets, self.moments) // HOUR_MS


def last_before(grid: TileGrid, events: pl.DataFrame, moments: Moments) -> Ints:
    """Return the time (epoch ms) of each pair's newest event before its hour's end; 0 for none.

    `events` has the columns device_id and ts.
    """
    if not events.height:
        return np.zeros(len(moments.rows), dtype=np.int64)
    names = pl.Series("device_id", grid.devices, dtype=pl.String)
    pairs = pl.DataFrame(
        {
            "device_id": names.gather(moments.rows),
            "until": (moments.hours + 1) * HOUR_MS - 1,
            "order": np.arange(len(moments.rows)),
        }
    )
    found = pairs.sort("until").join_asof(
        events.select("device_id", "ts").sort("ts"),
        left_on="until",
        right_on="ts",
        by="device_id",
        strategy="backward",
        check_sortedness=False,
    )
    return found.sort("order")["ts"].fill_null(0).to_numpy()


def _divide(measure: Measure, top: Floats, bottom: Floats) -> Floats:
    ratio = np.full_like(top, np.nan)
    np.divide(top, bottom, out=ratio, where=bottom > _EMPTY)
    return np.sqrt(np.maximum(ratio, 0.0)) if measure.root else ratio


def _against(measure: Measure, level: Floats, usual: Floats) -> Floats:
    """Return how far a level is from what is usual: as a fraction of it, or in its unit."""
    if not measure.relative:
        return level - usual
    change = np.full_like(level, np.nan)
    np.divide(level - usual, np.abs(usual), out=change, where=np.abs(usual) > _EMPTY)
    return change
