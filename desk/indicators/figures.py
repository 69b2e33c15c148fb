"""The figures of a month: each indicator over the cases that count in it, and what they are told apart by."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from fleet.case_facts import month_after, month_of, month_start
from fleet.clock import DAY_MS, Clock
from fleet.indicators import INDICATORS, Figure, Indicator, Measure
from storage.records.case_facts import versions_of
from storage.records.database import DeskDatabase
from storage.records.fact_figures import (
    COUNTED,
    FactFilter,
    at_rank,
    backlog_since,
    mean_of,
    predictions,
    sums,
    values,
)

_UTC = ZoneInfo("UTC")
_KEPT = 1_024
_SUMMED = [
    each.id for each in INDICATORS.values() if COUNTED[each.id].value is None and each.id != "backlog_age"
]
_MEASURED = ("waiting_median", "mttr", "lead_time")
_RANKS = {Measure.P90: 0.9, Measure.MEDIAN: 0.5}
_SAME_CASES = {"waiting_p90": "waiting_median"}


class Prices(Protocol):
    """Whoever knows what a fault costs (models.learning.settings.Costs)."""

    def saved(self, fault: str) -> float:
        """Return what it saves that a fault was mended before its breakdown."""
        ...

    def wasted(self, fault: str) -> float:
        """Return what it costs to look for a fault that is none."""
        ...


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """All indicators of a month, by id."""

    month: int
    figures: Mapping[str, Figure]


class Figures:
    """Works out figures; those of months that are over are kept until something of the month changes."""

    def __init__(self, desk: DeskDatabase, clock: Clock, prices: Prices) -> None:
        self._desk = desk
        self._clock = clock
        self._prices = prices
        self._kept: OrderedDict[tuple[int, FactFilter], tuple[int, MonthFigures]] = OrderedDict()
        self._lock = threading.Lock()

    def months(self, last: int, count: int, wanted: FactFilter) -> list[MonthFigures]:
        """Return the figures of so many months up to `last`, the oldest first."""
        now = self._clock.now_ms()
        months = [month_after(last, -back) for back in range(count - 1, -1, -1)]
        with self._desk.transaction() as session:
            versions = versions_of(session, months)
            return [self._month(session, month, now, wanted, versions[month]) for month in months]

    def month(self, month: int, wanted: FactFilter) -> MonthFigures:
        """Return the figures of one month."""
        return self.months(month, 1, wanted)[0]

    def by(self, month: int, wanted: FactFilter, dimension: str) -> dict[str, MonthFigures]:
        """Return the figures of a month for each value of a dimension that has any."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            return self._figures(session, month, now, wanted, dimension)

    def _month(
        self, session: Session, month: int, now: int, wanted: FactFilter, version: int
    ) -> MonthFigures:
        key = (month, wanted)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] == version:
            return kept[1]
        figures = self._figures(session, month, now, wanted, None)[""]
        if is_over(month, now):
            with self._lock:
                self._kept[key] = (version, figures)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        return figures

    def _figures(
        self, session: Session, month: int, now: int, wanted: FactFilter, by: str | None
    ) -> dict[str, MonthFigures]:
        summed = sums(session, _SUMMED, month, now, wanted, by)
        measured: dict[str, dict[str, list[int]]] = {}
        if by is not None:
            measured = {each: values(session, each, month, now, wanted, by) for each in _MEASURED}
        left = backlog_since(session, month, now, wanted, by)
        money = predictions(session, month, now, wanted, by)
        ages = {name: _ages(cases, month, now) for name, cases in left.items()}
        names = {name for each in summed.values() for name in each} | set(ages)
        names |= {name for each in measured.values() for name in each}
        found = {}
        for name in names if by is not None else {""}:
            figures = {}
            for indicator in INDICATORS.values():
                if indicator.id == "money_saved":
                    figures[indicator.id] = self._money(indicator, month, money.get(name, []))
                elif indicator.id in summed:
                    count, hits = summed[indicator.id].get(name, (0, 0))
                    figures[indicator.id] = _summed(indicator, month, count, hits)
                elif by is None and indicator.id != "backlog_age":
                    figures[indicator.id] = _of_all(session, indicator, month, now, wanted)
                else:
                    own = _SAME_CASES.get(indicator.id, indicator.id)
                    lengths = ages if own == "backlog_age" else measured[own]
                    figures[indicator.id] = _measured(indicator, month, lengths.get(name, []))
            found[name] = MonthFigures(month, figures)
        return found

    def _money(self, indicator: Indicator, month: int, rows: Sequence[tuple[str, str, int]]) -> Figure:
        total = sum(
            count
            * (
                (self._prices.saved(foreseen) if foreseen else 0.0)
                - (self._prices.wasted(unfounded) if unfounded else 0.0)
            )
            for foreseen, unfounded, count in rows
        )
        count = sum(count for _foreseen, _unfounded, count in rows)
        return Figure(indicator, month, count, None, total if count else None)


def is_over(month: int, now: int) -> bool:
    """Tell whether a month is over by everybody's clock at `now` (epoch ms)."""
    return now >= month_start(month_after(month), _UTC) + DAY_MS


def present_month(now: int, zone: ZoneInfo) -> int:
    """Return the month at a time by the clock of a zone."""
    return month_of(now, zone)


def _ages(cases: Sequence[tuple[str, int]], month: int, now: int) -> list[int]:
    """Return for how long cases had been open at the end of a month, or now, in rising order."""
    ends = {zone: min(now, month_start(month_after(month), ZoneInfo(zone))) for zone, _at in cases}
    return sorted(ends[zone] - at for zone, at in cases)


def _summed(indicator: Indicator, month: int, count: int, hits: int) -> Figure:
    if indicator.measure is Measure.SHARE:
        return Figure(indicator, month, count, hits, hits / count if count else None)
    return Figure(indicator, month, count, None, float(count))


def _of_all(session: Session, indicator: Indicator, month: int, now: int, wanted: FactFilter) -> Figure:
    """Return what the database itself finds of all cases, as `_measured` of those of a group."""
    if indicator.measure is Measure.MEAN:
        count, value = mean_of(session, indicator.id, month, now, wanted)
    else:
        share = _RANKS[indicator.measure]
        count, value = at_rank(session, indicator.id, month, now, wanted, share)
    return Figure(indicator, month, count, None, value)


def _measured(indicator: Indicator, month: int, lengths: Sequence[int]) -> Figure:
    """Return the mean, or the least length that such a share of cases does not exceed (nearest rank)."""
    if not lengths:
        return Figure(indicator, month, 0, None, None)
    if indicator.measure is Measure.MEAN:
        return Figure(indicator, month, len(lengths), None, fmean(lengths))
    share = _RANKS[indicator.measure]
    return Figure(indicator, month, len(lengths), None, float(lengths[ceil(share * len(lengths)) - 1]))
