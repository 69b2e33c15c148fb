"""Which cases are inspected: a sample that is the same whoever draws it, however often. Pure functions."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from fleet.service import InspectionLevel, InspectionList
from fleet.upkeep import spread
from storage.records.inspections import Finished

Period = tuple[str, int, int]
"""What a span of time is called, its begin and its end (epoch ms)."""


def last_week(now: int) -> Period:
    """Return the last whole week, Monday to Sunday, by UTC."""
    today = _day(now)
    end = today - timedelta(days=today.weekday())
    begin = end - timedelta(days=7)
    year, week, _ = begin.isocalendar()
    return f"{year}-W{week:02}", _ms(begin), _ms(end)


def last_month(now: int) -> Period:
    """Return the last whole month, by UTC."""
    end = _day(now).replace(day=1)
    begin = (end - timedelta(days=1)).replace(day=1)
    return f"{begin:%Y-%m}", _ms(begin), _ms(end)


def sampled(
    level: InspectionLevel, period: str, cases: Sequence[Finished], asked: InspectionList
) -> list[Finished]:
    """Return the cases that a level looks at.

    A leader takes the share of each engineer's cases, and at least so many; quality the share of all, with at
    least so many of each site.
    """
    if level is InspectionLevel.SELF:
        return list(cases)
    mixed = sorted(cases, key=lambda case: (spread(level, period, str(case.id)), case.id))
    if level is InspectionLevel.LEADER:
        owned = (case for case in mixed if case.engineer)
        groups = _grouped(owned, lambda case: case.engineer)
        return [case for own in groups for case in own[: max(asked.at_least, ceil(asked.share * len(own)))]]
    groups = _grouped(mixed, lambda case: case.site)
    chosen = [case for own in groups for case in own[: asked.at_least]]
    missing = max(0, ceil(asked.share * len(cases)) - len(chosen))
    return [*chosen, *[case for case in mixed if case not in chosen][:missing]]


def _grouped(cases: Iterable[Finished], key: Callable[[Finished], str]) -> list[list[Finished]]:
    found: dict[str, list[Finished]] = {}
    for case in cases:
        found.setdefault(key(case), []).append(case)
    return list(found.values())


def _day(now: int) -> datetime:
    at = datetime.fromtimestamp(now / 1000, UTC)
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
