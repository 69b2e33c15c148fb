"""What indicators say of a month: figures, why one was missed, who did how much, and the tasks of that."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from zoneinfo import ZoneInfo

from desk.indicators.causes import Cause, ranked
from desk.indicators.early import EarlyFailures, early_failures
from desk.indicators.figures import Figures, MonthFigures, is_over
from fleet.case_facts import CaseFact, month_after, month_of, month_start, shown_month
from fleet.clock import DAY_MS, Clock
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.indicators import INDICATORS, Figure, Indicator, Measure
from fleet.principals import Principal, schedule
from fleet.tasks import Task
from fleet.text import Text, quoted
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.fact_figures import (
    CAUSES,
    FactFilter,
    cases,
    choices,
    engineers,
    faults,
    heat,
    months_known,
    sums,
)
from storage.records.fleet_ages import usual_failures, young_failures
from storage.records.tasks import end_task, open_task, tasks_of

TASK = "indicator"
_DUE_AFTER_MS = 14 * DAY_MS
SHOWN_OF_ENGINEERS = ("response_on_time", "on_site_on_time", "first_time_fix", "satisfaction")


@dataclass(frozen=True, slots=True)
class EngineerFigures:
    """What an engineer did in a month: how many repairs, in which time (the mean, ms), and how well."""

    id: str
    name: str
    repairs: int
    took_ms: float | None
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class MonthReport:
    """All that is said of a month; `causes` are those of the indicators that were missed."""

    month: int
    is_over: bool
    figures: MonthFigures
    causes: dict[str, list[Cause]]
    engineers: list[EngineerFigures]
    faults: list[tuple[str, int]]
    early: list[EarlyFailures]


class Reports:
    """Says what indicators are and were; may be used from any thread."""

    def __init__(self, desk: DeskDatabase, figures: Figures, clock: Clock, zone: ZoneInfo) -> None:
        self._desk = desk
        self._clock = clock
        self._zone = zone
        self.figures = figures

    def present(self) -> int:
        """Return the month that it is by the installation's clock."""
        return month_of(self._clock.now_ms(), self._zone)

    def month(self, month: int, wanted: FactFilter) -> MonthReport:
        """Return the report of a month."""
        found = self.figures.month(month, wanted)
        now = self._clock.now_ms()
        missed = [each for each in found.figures.values() if each.missed]
        with self._desk.transaction() as session:
            spread = faults(session, month, wanted)
        return MonthReport(
            month,
            is_over(month, now),
            found,
            {each.indicator.id: self.causes(each.indicator, month, wanted) for each in missed},
            self.engineers(month, wanted),
            spread,
            self.early(month, wanted),
        )

    def causes(self, indicator: Indicator, month: int, wanted: FactFilter) -> list[Cause]:
        """Return which groups of cases were missed more often than all together; of shares alone."""
        if indicator.measure is not Measure.SHARE:
            return []
        now, groups = self._clock.now_ms(), {}
        good = indicator.higher_is_better
        with self._desk.transaction() as session:
            for name in CAUSES:
                found = sums(session, [indicator.id], month, now, wanted, name)[indicator.id]
                groups[name] = {
                    str(value): (count, count - hits if good else hits)
                    for value, (count, hits) in found.items()
                }
            count, hits = sums(session, [indicator.id], month, now, wanted)[indicator.id][""]
        return ranked(groups, count, count - hits if good else hits)

    def engineers(self, month: int, wanted: FactFilter) -> list[EngineerFigures]:
        """Return what each engineer did in a month, the most repairs first."""
        with self._desk.transaction() as session:
            worked = engineers(session, month, wanted)
        figures = self.figures.by(month, wanted, "engineer") if worked else {}
        found = [
            EngineerFigures(
                who,
                name,
                count,
                took,
                {each: figures[who].figures[each] for each in SHOWN_OF_ENGINEERS},
            )
            for who, (name, count, took) in worked.items()
        ]
        return sorted(found, key=lambda each: (-each.repairs, each.name))

    def heat(self, month: int, wanted: FactFilter) -> dict[tuple[int, int], int]:
        """Return how many cases of a month were opened on which weekday (0: Monday) and in which hour."""
        with self._desk.transaction() as session:
            return heat(session, month, wanted)

    def early(self, month: int, wanted: FactFilter) -> list[EarlyFailures]:
        """Return early failures by model and firmware over the twelve months up to one; of all its sites."""
        start = month_start(month_after(month, -11), self._zone)
        end = min(month_start(month_after(month), self._zone), self._clock.now_ms())
        with self._desk.transaction() as session:
            young = young_failures(session, start, end, wanted.sites)
            usual = usual_failures(session, start, end, wanted.sites)
        return early_failures(young, usual)

    def cases(
        self, indicator: str, month: int, wanted: FactFilter, hit: bool | None, after: int, limit: int
    ) -> list[CaseFact]:
        """Return the cases behind a figure by rising id; hits, misses, or both."""
        with self._desk.transaction() as session:
            return cases(
                session, indicator, month, self._clock.now_ms(), wanted, hit=hit, after=after, limit=limit
            )

    def choices(self, wanted: FactFilter) -> dict[str, list[str]]:
        """Return what cases can be told apart by."""
        with self._desk.transaction() as session:
            return choices(session, wanted.sites)

    def first_month(self, wanted: FactFilter) -> int:
        """Return the month of the first case, the present one where there is none."""
        with self._desk.transaction() as session:
            known = months_known(session, wanted.sites)
        return min(known[0], self.present()) if known else self.present()

    def tasks(self) -> Sequence[Task]:
        """Return the open tasks of missed indicators."""
        with self._desk.transaction() as session:
            return tasks_of(session, TASK)

    def end_task(self, task_id: int, by: Principal) -> Task:
        """Note that a task is done. Raises NotFound, Conflict where it is already."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            task = end_task(session, task_id, by.name, now)
            tell(session, Event(now, Subject.TASK, str(task.id), "done", by, "done", data={"key": task.key}))
        return task

    def open_tasks(self) -> int:
        """Open a task for each indicator that was missed in the last month, once; return how many."""
        now, month = self._clock.now_ms(), month_after(self.present(), -1)
        if not is_over(month, now):
            return 0
        figures = self.figures.month(month, FactFilter()).figures.values()
        return sum(self._open_task(each, now) for each in figures if each.missed)

    def _open_task(self, figure: Figure, now: int) -> bool:
        found = self.causes(figure.indicator, figure.month, FactFilter())
        new = replace(_task(figure, found), opened_at=now, due_at=now + _DUE_AFTER_MS)
        with self._desk.transaction() as session:
            task = open_task(session, new)
            if task is None:
                return False
            data = {"key": task.key, "indicator": figure.indicator.id, "month": shown_month(figure.month)}
            event = Event(now, Subject.TASK, str(task.id), "opened", schedule("care"), task.reason, data=data)
            tell(session, event)
        return True


def _task(figure: Figure, causes: Sequence[Cause]) -> Task:
    indicator, month = figure.indicator, shown_month(figure.month)
    assert figure.value is not None
    assert indicator.goal is not None  # else it is not missed
    share, goal = f"{figure.value:.1%}", f"{indicator.goal:.0%}"
    title = Text(
        f"{indicator.name.en} in {month}: {share} of {figure.count} cases, goal {goal}",
        f"{month} {indicator.name.zh}：{figure.count} 单中 {share}，目标 {goal}",
    )
    reason = "; ".join(
        f"{each.dimension} {each.value}: {each.misses} of {each.cases} missed, {each.excess:.1f} too many"
        for each in causes
    )
    data = {
        "indicator": indicator.id,
        "month": figure.month,
        "value": figure.value,
        "count": figure.count,
        "hits": figure.hits,
        "causes": [asdict(each) for each in causes],
    }
    return Task(TASK, f"{TASK}:{indicator.id}:{month}", title, reason or "no group stands out", data)


def indicator_of(indicator_id: str) -> Indicator:
    """Return an indicator. Raises NotFound that names those that there are."""
    if indicator_id not in INDICATORS:
        raise NotFound(f"there is no indicator {quoted(indicator_id)}; there are: {', '.join(INDICATORS)}")
    return INDICATORS[indicator_id]
