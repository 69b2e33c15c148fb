"""Sums over what is kept of cases: the figures of indicators, and the cases behind them.

Callers bring the transaction. All that an indicator counts is said once, in `COUNTED`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet.case_facts import CaseFact
from fleet.grants import Sites
from storage.records.case_facts import CaseFactRow as F
from storage.records.case_facts import facts_selected
from storage.records.within import at_sites

GOOD_SCORE = 4
DIMENSIONS: dict[str, InstrumentedAttribute[Any]] = {
    "site": F.site,
    "region": F.region,
    "customer": F.customer,
    "model": F.model,
    "fault": F.fault,
    "engineer": F.engineer,
}
"""By what figures can be told apart."""


def _where(flag: InstrumentedAttribute[bool]) -> ColumnElement[str]:
    return case((flag, "yes"), else_="")


CAUSES: dict[str, Any] = {
    "site": F.site,
    "fault": F.fault,
    "engineer": F.engineer_name,
    "model": F.model,
    "level": F.level,
    "hour": F.hour,
    "waited_part": _where(F.waited_part),
    "waited_customer": _where(F.waited_customer),
}
"""By what cases that were missed are told apart from those that were not."""
_GROUPS: dict[str, Any] = {**CAUSES, **DIMENSIONS}


@dataclass(frozen=True, slots=True)
class FactFilter:
    """Which cases; None is any. `sites` are those that somebody may see."""

    region: str | None = None
    site: str | None = None
    customer: str | None = None
    model: str | None = None
    fault: str | None = None
    engineer: str | None = None
    sites: Sites = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What an indicator counts: the month of a case, which cases at a time, and which of these are hits.

    `value` is what is measured of each case, None where cases are only counted.
    """

    month: InstrumentedAttribute[Any] | None
    at: Callable[[int], ColumnElement[bool]]
    hit: Any = None
    value: Callable[[int], Any] | None = None


def _always(_now: int) -> ColumnElement[bool]:
    return true()


def _is_set(column: InstrumentedAttribute[Any]) -> Callable[[int], ColumnElement[bool]]:
    return lambda _now: column.is_not(None)


_REPAIRED = _is_set(F.repaired_at)
_WAITED = Counted(F.arrived_month, _is_set(F.arrived_at), value=lambda _now: F.arrived_at - F.opened_at)
COUNTED: Mapping[str, Counted] = {
    "response_on_time": Counted(F.respond_month, lambda now: F.respond_due <= now, F.respond_kept),
    "on_site_on_time": Counted(F.on_site_month, lambda now: F.on_site_due <= now, F.on_site_kept),
    "first_time_fix": Counted(
        F.repaired_month, _REPAIRED, and_(F.reopened.is_(False), F.repeated_by.is_(None))
    ),
    "satisfaction": Counted(F.scored_month, _is_set(F.score), F.score >= GOOD_SCORE),
    "waiting_median": _WAITED,
    "waiting_p90": _WAITED,
    "mttr": Counted(F.repaired_month, _REPAIRED, value=lambda _now: F.repaired_at - F.arrived_at),
    "backlog": Counted(None, _always),
    "backlog_age": Counted(None, _always),
    "repeat_repairs": Counted(F.repaired_month, _REPAIRED, F.repeated_by.is_not(None)),
    "proactive_confirmed": Counted(F.judged_month, _always, F.confirmed),
    "lead_time": Counted(F.judged_month, lambda _now: F.lead_ms.is_not(None), value=lambda _now: F.lead_ms),
    "breakdowns_avoided": Counted(F.judged_month, lambda _now: F.foreseen != ""),
    "money_saved": Counted(F.judged_month, lambda _now: or_(F.foreseen != "", F.unfounded != "")),
    "early_failures": Counted(F.opened_month, lambda _now: F.early.is_(True)),
    "opened": Counted(F.opened_month, _always),
}
"""By the ids of fleet.indicators.INDICATORS."""


def narrowed(query: Any, wanted: FactFilter) -> Any:
    """Return a query for the cases of a filter."""
    for column, value in (
        (F.region, wanted.region),
        (F.site, wanted.site),
        (F.customer, wanted.customer),
        (F.model, wanted.model),
        (F.fault, wanted.fault),
        (F.engineer, wanted.engineer),
    ):
        if value is not None:
            query = query.where(column == value)
    return at_sites(query, F.site, wanted.sites)


def in_month(indicator: str, month: int, now: int) -> ColumnElement[bool]:
    """Return which cases an indicator counts in a month, as of `now` (epoch ms)."""
    counted = COUNTED[indicator]
    if counted.month is None:
        left = or_(F.closed_month.is_(None), F.closed_month > month)
        return and_(F.opened_month <= month, left)
    return and_(counted.month == month, counted.at(now))


def sums(
    session: Session,
    indicators: Sequence[str],
    month: int,
    now: int,
    wanted: FactFilter,
    by: str | None = None,
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return for each indicator, and each value of the dimension `by` ("" without), its cases and its hits.

    Those that count in the same month are summed in one go.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {each: {} for each in indicators}
    group = literal("") if by is None else _GROUPS[by]
    for together in _by_month_column(indicators):
        column = COUNTED[together[0]].month
        counted = [_count(in_month(each, month, now)) for each in together]
        hits = [_count(_hit(each, month, now)) for each in together]
        query = narrowed(select(group, *counted, *hits), wanted)
        query = query.where(column == month if column is not None else in_month(together[0], month, now))
        for row in session.execute(query if by is None else query.group_by(group)):
            for place, indicator in enumerate(together):
                count, hit = row[1 + place] or 0, row[1 + len(together) + place] or 0
                if count or by is None:
                    found[indicator][str(row[0])] = (count, hit)
    return found


def _by_month_column(indicators: Sequence[str]) -> list[list[str]]:
    together: dict[str, list[str]] = {}
    for each in indicators:
        column = COUNTED[each].month
        together.setdefault("" if column is None else column.key, []).append(each)
    return list(together.values())


def _hit(indicator: str, month: int, now: int) -> ColumnElement[bool]:
    hit = COUNTED[indicator].hit
    return false() if hit is None else and_(in_month(indicator, month, now), hit)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def values(
    session: Session, indicator: str, month: int, now: int, wanted: FactFilter, by: str | None = None
) -> dict[str, list[int]]:
    """Return what is measured of each case that an indicator counts, in rising order, by dimension or ""."""
    value = COUNTED[indicator].value
    assert value is not None
    group = literal("") if by is None else _GROUPS[by]
    measured = value(now).label("measured")
    query = narrowed(select(group, measured), wanted).where(in_month(indicator, month, now))
    found: dict[str, list[int]] = {}
    for name, one in session.execute(query.order_by(measured)):
        found.setdefault(name, []).append(one)
    return found


def at_rank(
    session: Session, indicator: str, month: int, now: int, wanted: FactFilter, share: float
) -> tuple[int, float | None]:
    """Return how many cases an indicator measures, and the least that such a share of them do not exceed.

    By the nearest rank; the database sorts, so that no case is fetched.
    """
    value = COUNTED[indicator].value
    assert value is not None
    counts = in_month(indicator, month, now)
    count: int = session.scalar(narrowed(select(func.count()).select_from(F), wanted).where(counts)) or 0
    if not count:
        return 0, None
    rows = narrowed(select(value(now).label("measured")), wanted).where(counts).order_by("measured")
    return count, float(session.scalars(rows.limit(1).offset(ceil(share * count) - 1)).one())


def mean_of(
    session: Session, indicator: str, month: int, now: int, wanted: FactFilter
) -> tuple[int, float | None]:
    """Return how many cases an indicator measures, and their mean."""
    value = COUNTED[indicator].value
    assert value is not None
    query = narrowed(select(func.count(), func.avg(value(now))), wanted)
    count, mean = session.execute(query.where(in_month(indicator, month, now))).one()
    return count, None if mean is None else float(mean)


def backlog_since(
    session: Session, month: int, now: int, wanted: FactFilter, by: str | None = None
) -> dict[str, list[tuple[str, int]]]:
    """Return the zone and the opening (epoch ms) of each case of the backlog at a month's end."""
    group = literal("") if by is None else _GROUPS[by]
    query = narrowed(select(group, F.zone, F.opened_at), wanted).where(in_month("backlog", month, now))
    found: dict[str, list[tuple[str, int]]] = {}
    for name, zone, at in session.execute(query):
        found.setdefault(name, []).append((zone, at))
    return found


def predictions(
    session: Session, month: int, now: int, wanted: FactFilter, by: str | None = None
) -> dict[str, list[tuple[str, str, int]]]:
    """Return how often which fault was foreseen, and which was unfounded: `(foreseen, unfounded, count)`."""
    group = literal("") if by is None else _GROUPS[by]
    query = narrowed(select(group, F.foreseen, F.unfounded, func.count()), wanted)
    query = query.where(in_month("money_saved", month, now))
    grouped = query.group_by(*([] if by is None else [group]), F.foreseen, F.unfounded)
    found: dict[str, list[tuple[str, str, int]]] = {}
    for name, foreseen, unfounded, count in session.execute(grouped):
        found.setdefault(name, []).append((foreseen, unfounded, count))
    return found


def cases(
    session: Session,
    indicator: str,
    month: int,
    now: int,
    wanted: FactFilter,
    *,
    hit: bool | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[CaseFact]:
    """Return the cases behind a figure by rising id, those behind `after`; hits, misses, or both."""
    query = narrowed(facts_selected(), wanted).where(in_month(indicator, month, now), F.ticket_id > after)
    condition = COUNTED[indicator].hit
    if hit is not None and condition is not None:
        query = query.where(condition if hit else ~condition)
    rows = session.execute(query.order_by(F.ticket_id).limit(limit))
    return [CaseFact(*row) for row in rows]


def heat(session: Session, month: int, wanted: FactFilter) -> dict[tuple[int, int], int]:
    """Return how many cases of a month were opened on which weekday (0: Monday) and in which hour."""
    query = narrowed(select(F.weekday, F.hour, func.count()), wanted).where(F.opened_month == month)
    return {
        (weekday, hour): count for weekday, hour, count in session.execute(query.group_by(F.weekday, F.hour))
    }


def faults(session: Session, month: int, wanted: FactFilter) -> list[tuple[str, int]]:
    """Return how many cases of a month were of which fault, the most first."""
    query = narrowed(select(F.fault, func.count()), wanted).where(F.opened_month == month)
    rows = session.execute(query.group_by(F.fault).order_by(func.count().desc(), F.fault))
    return [(fault, count) for fault, count in rows]


def engineers(session: Session, month: int, wanted: FactFilter) -> dict[str, tuple[str, int, float | None]]:
    """Return the name of each engineer of a month, how many they repaired, and in how many ms (the mean)."""
    mean = func.avg(F.repaired_at - F.arrived_at)
    query = narrowed(select(F.engineer, func.max(F.engineer_name), func.count(), mean), wanted)
    query = query.where(F.repaired_month == month, F.engineer != "").group_by(F.engineer)
    return {
        who: (name, count, None if took is None else float(took))
        for who, name, count, took in session.execute(query)
    }


def choices(session: Session, sites: Sites) -> dict[str, list[str]]:
    """Return what cases can be told apart by, at some sites."""
    found = {}
    for name, column in DIMENSIONS.items():
        query = at_sites(select(column).where(column != "").distinct(), F.site, sites)
        found[name] = list(session.scalars(query.order_by(column)))
    return found


def months_known(session: Session, sites: Sites) -> tuple[int, int] | None:
    """Return the first and the last month in which a case was opened; None where there is none."""
    query = at_sites(select(func.min(F.opened_month), func.max(F.opened_month)), F.site, sites)
    found: Sequence[int | None] = session.execute(query).one()
    first, last = found
    return None if first is None or last is None else (first, last)
