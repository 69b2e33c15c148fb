"""Computes features from windows: the one definition that training and serving, batch and rolling run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.features.components import Component
from models.features.definitions import LIFE_VIEWS, YEAR_VIEWS, Feature, View
from models.features.measures import Measure
from models.features.residuals import Relation
from models.features.terms import CYCLES
from models.features.windows import Floats, Ints, WindowSource

_EMPTY = 1e-9
"""A sum below this is rounding, not data."""
_ROUNDING = 1e-5
"""What is left of a cohort after taking oneself away may be no more than this part of it by rounding."""
DAY_STEPS_LEAST = 8
SHORT_STEPS_LEAST = 4
WEEK_DAYS_LEAST = 3
MONTH_DAYS_LEAST = 8
DAYS_A_YEAR = 365.2425
MOST_EXPLAINED = 0.5
"""Load, use and battery explain no more than this share of a current or pressure."""


_RECENT = (View.OWN, View.FIRST)


@dataclass
class Look:
    """Looks at devices through windows; keeps what several features share."""

    source: WindowSource
    _raw: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)
    _steps: dict[tuple[str, str], tuple[Floats, Floats]] = field(default_factory=dict)
    _days: dict[tuple[str, str], tuple[Floats, Floats]] = field(default_factory=dict)
    _relations: dict[str, Relation] = field(default_factory=dict)

    def matrix(self, features: Sequence[Feature]) -> Floats:
        """Return the feature matrix, shape (pairs, features), NaN where there is nothing to say."""
        matrix = np.empty((len(self.source.now), len(features)), dtype=np.float32)
        kept: str | None = None
        for column in sorted(range(len(features)), key=lambda each: features[each].measure.name):
            if features[column].measure.name != kept:
                # A measure's windows are some of the largest arrays there are: one measure at a time.
                self._raw.clear()
                self._steps.clear()
                self._days.clear()
                kept = features[column].measure.name
            matrix[:, column] = self.at(features[column])
        return matrix

    def at(self, feature: Feature) -> Floats:
        """Return one feature. Shape: (pairs,)."""
        match feature.view:
            case View.DAY:
                return self._level(feature.measure)
            case View.HOURS_6 | View.HOURS_24 | View.TREND | View.MONTH:
                return self._slope(feature)
            case View.RENEWED | View.USED | View.CYCLED:
                return self._life(feature)
            case View.YEAR_SINE | View.YEAR_COSINE:
                return self._season(feature.view)
            case _:
                return _against(feature.measure, *self.compare(feature))

    def compare(self, feature: Feature) -> tuple[Floats, Floats]:
        """Return what a feature compares: the level, and what is usual for it, in the measure's unit.

        Usual is the device's own past or its cohort; NaN where unknown.
        """
        measure, w = feature.measure, self.source.windows
        if feature.view in (*LIFE_VIEWS, *YEAR_VIEWS):
            value = self.at(feature)
            return value, np.full_like(value, np.nan)
        level = self._recent(measure, w.recent_days) if feature.view in _RECENT else self._level(measure)
        return level, self._usual(feature)

    def daily(self, measure: Measure) -> tuple[Floats, Floats]:
        """Return the levels of the last days: the device's own, and its cohort's: (month_days, pairs).

        Days before the last repair of the measure's component are NaN in the first.
        """
        own = self._ratio(measure, lambda each: self._day_sums(each, measure.component))
        return own, self._ratio(measure, self._others_by_day)

    def baseline(self, measure: Measure) -> Floats:
        """Return the device's own level in its first time since the component's repair. Shape: (pairs,).

        What no repair renews has the level of the device's first days.
        """
        return self._first(measure) if measure.component is Component.USE else self._baseline(measure)

    def _usual(self, feature: Feature) -> Floats:
        measure, w = feature.measure, self.source.windows
        match feature.view:
            case View.STEP | View.HOURS_6 | View.HOURS_24:
                return self._recent(measure, w.week_days)
            case View.TREND:
                return self._day_ago(measure, w.week_days)
            case View.MONTH:
                return self._day_ago(measure, w.month_days)
            case View.OWN:
                return self._baseline(measure)
            case View.FIRST:
                return self._first(measure)
            case _:
                return self._cohort(measure)

    def _level(self, measure: Measure) -> Floats:
        return self._ratio(measure, lambda each: _summed(self._step_sums(each, measure.component)))

    def _recent(self, measure: Measure, days: int) -> Floats:
        return self._ratio(measure, lambda each: _summed(self._last_days(each, measure.component, days)))

    def _day_ago(self, measure: Measure, days: int) -> Floats:
        """Return the level of the oldest known day among the last `days`."""
        levels = self._ratio(measure, lambda each: self._last_days(each, measure.component, days))
        oldest = np.isfinite(levels).argmax(axis=0)
        return np.asarray(np.take_along_axis(levels, oldest[None, :], axis=0)[0])

    def _slope(self, feature: Feature) -> Floats:
        """Return the slope a day through the levels of steps or days; a share of their mean if relative."""
        measure, w, part = feature.measure, self.source.windows, feature.measure.component
        match feature.view:
            case View.HOURS_6:
                levels = self._ratio(measure, lambda each: _newest(self._step_sums(each, part), w.short))
                least, a_day = SHORT_STEPS_LEAST, w.day
            case View.HOURS_24:
                levels = self._ratio(measure, lambda each: self._step_sums(each, part))
                least, a_day = DAY_STEPS_LEAST, w.day
            case View.TREND:
                levels = self._ratio(measure, lambda each: self._last_days(each, part, w.week_days))
                least, a_day = WEEK_DAYS_LEAST, 1
            case _:
                levels = self._ratio(measure, lambda each: self._day_sums(each, part))
                least, a_day = MONTH_DAYS_LEAST, 1
        return _fit_slope(levels, least, relative=measure.relative) * a_day

    def _baseline(self, measure: Measure) -> Floats:
        part, source = measure.component, self.source
        start = np.maximum(source.life_start(part), source.started)
        level = self._ratio(
            measure,
            lambda each: (source.since_repair(each.top, part), source.since_repair(each.bottom, part)),
        )
        return self._long_enough(start, level)

    def _first(self, measure: Measure) -> Floats:
        level = self._ratio(
            measure, lambda each: (self.source.first(each.top), self.source.first(each.bottom))
        )
        return self._long_enough(self.source.started, level)

    def _long_enough(self, start: Ints, level: Floats) -> Floats:
        return np.where(self.source.now + 1 - start >= self.source.windows.baseline_least, level, np.nan)

    def _cohort(self, measure: Measure) -> Floats:
        """Return the level of all other devices of the cohort over the same steps."""
        return self._ratio(measure, self._others)

    def _others(self, measure: Measure) -> tuple[Floats, Floats]:
        """Return the sums of all other devices of the cohort over the recent steps."""
        top, bottom = self._raw_steps(measure)
        return (
            _without_rounding(self.source.cohort(measure.top), top.sum(axis=0)),
            _without_rounding(self.source.cohort(measure.bottom), bottom.sum(axis=0)),
        )

    def _others_by_day(self, measure: Measure) -> tuple[Floats, Floats]:
        """Return the sums of all other devices of the cohort over each of the last days."""
        source = self.source
        return (
            _without_rounding(source.cohort_days(measure.top), source.days(measure.top)),
            _without_rounding(source.cohort_days(measure.bottom), source.days(measure.bottom)),
        )

    def _ratio(self, measure: Measure, sums: Callable[[Measure], tuple[Floats, Floats]]) -> Floats:
        """Return a measure over windows that `sums` gives; at the usual of what it is given, if anything."""
        level = _divide(measure, *sums(measure))
        if not measure.given:
            return level
        if measure.name not in self._relations:
            self._relations[measure.name] = self.source.relation(measure)
        relation = self._relations[measure.name]
        explained = np.zeros_like(level)
        for given, slope, usual in zip(measure.given, relation.slope, relation.usual, strict=True):
            # A slope of 0 is of something that the device's model never sends: NaN must not come of it.
            explained += np.where(slope == 0.0, 0.0, slope * (_divide(given, *sums(given)) - usual))
        if measure.relative:  # what is far outside of the fitted days must not turn a current negative
            most = MOST_EXPLAINED * np.abs(level)
            explained = np.clip(explained, -most, most)
        return level - explained

    def _life(self, feature: Feature) -> Floats:
        """Return what a component has behind it since its last repair: days, run hours or charge cycles."""
        component = feature.measure.component
        match feature.view:
            case View.RENEWED:
                return self._age(component)
            case View.USED:
                return np.asarray(self.source.used(component) / 3600.0)
            case _:
                return self.source.used(component, CYCLES)

    def _age(self, component: str) -> Floats:
        """Return the days since the component's last repair; NaN for none."""
        start = self.source.life_start(component)
        days = (self.source.now + 1 - start) / self.source.windows.day
        return np.where(start > 0, days, np.nan)

    def _season(self, view: View) -> Floats:
        """Return where in the year each pair's step is, as a point on a circle."""
        share = self.source.now / self.source.windows.day % DAYS_A_YEAR / DAYS_A_YEAR
        return np.asarray((np.sin if view is View.YEAR_SINE else np.cos)(2 * np.pi * share))

    def _raw_steps(self, measure: Measure) -> tuple[Floats, Floats]:
        if measure.name not in self._raw:
            self._raw[measure.name] = self.source.steps(measure.top), self.source.steps(measure.bottom)
        return self._raw[measure.name]

    def _step_sums(self, measure: Measure, component: str) -> tuple[Floats, Floats]:
        """Return the sums of the recent steps, without those before a component's last repair."""
        key = measure.name, component
        if key not in self._steps:
            count = self.source.windows.steps
            step = self.source.now[None, :] - np.arange(count - 1, -1, -1)[:, None]
            start = self.source.life_start(component)
            alive = step >= start[None, :]
            self._steps[key] = _within(alive, self._raw_steps(measure))
        return self._steps[key]

    def _last_days(self, measure: Measure, component: str, days: int) -> tuple[Floats, Floats]:
        return _newest(self._day_sums(measure, component), days)

    def _day_sums(self, measure: Measure, component: str) -> tuple[Floats, Floats]:
        """Return the sums of the last days, without those on or before that of a component's last repair."""
        key = measure.name, component
        if key not in self._days:
            w = self.source.windows
            day = self.source.now[None, :] // w.day - np.arange(w.month_days - 1, -1, -1)[:, None]
            alive = day * w.day >= self.source.life_start(component)[None, :]
            sums = self.source.days(measure.top), self.source.days(measure.bottom)
            self._days[key] = _within(alive, sums)
        return self._days[key]


def _without_rounding(others: Floats, own: Floats) -> Floats:
    """Return the sums of others, 0 where they are no more than what rounding leaves of oneself."""
    return np.where(np.abs(others) > _ROUNDING * np.abs(own) + _EMPTY, others, 0.0)


def _summed(sums: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    return sums[0].sum(axis=0), sums[1].sum(axis=0)


def _newest(sums: tuple[Floats, Floats], count: int) -> tuple[Floats, Floats]:
    return sums[0][-count:], sums[1][-count:]


def _within(alive: NDArray[np.bool_], sums: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return the sums with 0 where a step is not of the present life."""
    if alive.all():
        return sums
    return np.where(alive, sums[0], 0.0), np.where(alive, sums[1], 0.0)


def _fit_slope(levels: Floats, least: int, *, relative: bool) -> Floats:
    """Return the least-squares slope a step through known levels, shape (steps, pairs) to (pairs,)."""
    known = np.isfinite(levels)
    time = np.arange(len(levels), dtype=levels.dtype)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        if known.all():  # as nearly always: one product instead of a mask at every step
            centred = time - time.mean()
            n, v_mean = np.full(levels.shape[1], len(levels)), levels.mean(axis=0)
            slope = (centred[:, 0] @ levels) / float((centred * centred).sum())
        else:
            n = known.sum(axis=0)
            v = np.where(known, levels, 0.0)
            t_mean, v_mean = (known * time).sum(axis=0) / n, v.sum(axis=0) / n
            t = np.where(known, time - t_mean, 0.0)
            slope = (t * np.where(known, v - v_mean, 0.0)).sum(axis=0) / (t * t).sum(axis=0)
        if relative:
            slope = np.where(np.abs(v_mean) > _EMPTY, slope / np.abs(v_mean), np.nan)
    return np.where(n >= least, slope, np.nan)


def _divide(measure: Measure, top: Floats, bottom: Floats) -> Floats:
    ratio = np.full(top.shape, np.nan, dtype=top.dtype)
    np.divide(top, bottom, out=ratio, where=bottom > _EMPTY)
    return np.sqrt(np.maximum(ratio, 0.0)) if measure.root else ratio


def _against(measure: Measure, level: Floats, usual: Floats) -> Floats:
    """Return how far a level is from what is usual: as a fraction of it, or in its unit."""
    if not measure.relative:
        return level - usual
    change = np.full(level.shape, np.nan)
    np.divide(level - usual, np.abs(usual), out=change, where=np.abs(usual) > _EMPTY)
    return change
