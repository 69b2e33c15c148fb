"""The clocks of a case: a pure function of what was promised, calendars, what happened, and the time.

Nothing is added up and stored: whatever is edited (a calendar, the policy, a level, a plan) counts from the
beginning of the case. All times are epoch ms, working time is in ms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from desk.clocks.calendar import ALWAYS, ServiceCalendar
from desk.clocks.timetable import Stretch, Timetable, Timetables
from fleet.faults import Level
from fleet.localtime import day_of
from fleet.sla import Allowed, Facts, Milestone, SlaPolicy


class ClockStatus(StrEnum):
    """Where a clock stands; ENDED: its case was cancelled or merged in time, so it is owed no more."""

    ON_TIME = "on_time"
    WARNING = "warning"
    PAUSED = "paused"
    BREACHED = "breached"
    MET = "met"
    ENDED = "ended"


class Rise(NamedTuple):
    """From when on a case had a level; what that promises runs from then."""

    since: int
    level: Level


class Wait(NamedTuple):
    """A time in which a case waited, and for what; `ends` is None while it does."""

    begins: int
    ends: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class CaseTimes:
    """What clocks must know of a case.

    `rises` begin with its opening; `waits` are in order and do not overlap. `done` says when milestones were
    reached, `ended_at` when the rest was owed no more. `zone` is that of its site. `fixed` are milestones
    with a date of their own (epoch ms), in place of what the policy promises.
    """

    kind: str
    rises: tuple[Rise, ...]
    zone: ZoneInfo
    waits: tuple[Wait, ...] = ()
    done: Mapping[Milestone, int] = field(default_factory=dict)
    ended_at: int | None = None
    plan: str = ""
    tier: str = ""
    of_class: str = ""
    fixed: Mapping[Milestone, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MilestoneDue:
    """When a milestone of a case is due, and where its clock stands.

    `due` and `warn_at` are None while it waits with time left, and where working time never comes.
    """

    milestone: Milestone
    due: int | None
    warn_at: int | None
    done_at: int | None
    status: ClockStatus


@dataclass(frozen=True, slots=True)
class MilestoneClock(MilestoneDue):
    """One clock of a case: `counted_ms` of `allowed_ms` have passed since `since`.

    `provisional`: holidays before it is due may change.
    """

    calendar: str
    since: int
    allowed_ms: int
    counted_ms: int
    provisional: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """A clock, and the time since it began: each part either counts or says why not."""

    clock: MilestoneClock
    stretches: tuple[Stretch, ...]


class Clocks:
    """Reckons clocks by a policy and its calendars; may be used from any thread.

    What `timetables` have worked out already is used. Raises ValueError for a policy that names a calendar
    which is not there.
    """

    def __init__(
        self,
        policy: SlaPolicy,
        calendars: Mapping[str, ServiceCalendar] | None = None,
        timetables: Timetables | None = None,
    ) -> None:
        self.policy = policy
        self.calendars = {**(calendars or {}), ALWAYS.name: ALWAYS}
        policy.check_calendars(self.calendars)
        self._timetables = timetables or Timetables()
        self._held = {milestone: policy.waits_for(milestone) for milestone in Milestone}
        self._promises: dict[tuple[str, Level, str, str, str], tuple[_Promise, ...]] = {}

    def of(self, case: CaseTimes, now: int) -> tuple[MilestoneClock, ...]:
        """Return the clocks of a case in the order of milestones, as they stand at `now`."""
        return tuple(self._clock(case, milestone, term, now) for milestone, term in self._terms(case))

    def dues(self, case: CaseTimes, now: int) -> tuple[MilestoneDue, ...]:
        """Return the same without how much time has passed, which costs as much again."""
        return tuple(
            MilestoneDue(milestone, term.due, term.warn_at, *_stand(case, milestone, term, now))
            for milestone, term in self._terms(case)
        )

    def _terms(self, case: CaseTimes) -> list[tuple[Milestone, "_Term"]]:
        """Return what each milestone was promised, of several promises the strictest."""
        opened = case.rises[0].since
        if case.fixed:
            dated = self._in_order(
                {each: Allowed(max(1, due - opened), ALWAYS.name) for each, due in case.fixed.items()}
            )
            return self._since(case, opened, dated)
        if len(case.rises) == 1:  # as nearly all
            return self._since(case, opened, self._promised(case, case.rises[0].level))
        terms: dict[Milestone, list[_Term]] = {}
        for rise in case.rises:
            for milestone, term in self._since(case, rise.since, self._promised(case, rise.level)):
                terms.setdefault(milestone, []).append(term)
        return [(each, min(terms[each], key=_strictest)) for each in Milestone if each in terms]

    def _promised(self, case: CaseTimes, level: Level) -> tuple["_Promise", ...]:
        facts = (case.kind, level, case.plan, case.tier, case.of_class)
        found = self._promises.get(facts)
        if found is None:
            found = self._promises[facts] = self._in_order(self.policy.allowed(Facts(*facts)))
        return found

    def _in_order(self, allowed: Mapping[Milestone, Allowed]) -> tuple["_Promise", ...]:
        """Return promises in the order of milestones, each with its calendar."""
        return tuple(
            _Promise(
                milestone,
                allowed[milestone].ms,
                max(1, round(allowed[milestone].ms * self.policy.warn_at)),
                self.calendars[allowed[milestone].calendar],
            )
            for milestone in Milestone
            if milestone in allowed
        )

    def explain(self, case: CaseTimes, now: int) -> tuple[Explained, ...]:
        """Return the clocks of a case, each with what counted and what did not; the parts add up."""
        return tuple(Explained(clock, self._stretches(case, clock, now)) for clock in self.of(case, now))

    def _since(
        self, case: CaseTimes, since: int, promised: Iterable["_Promise"]
    ) -> list[tuple[Milestone, "_Term"]]:
        """Return when promises that run from one moment on are due."""
        found: list[tuple[Milestone, _Term]] = []
        calendar, table, begun = None, None, 0
        for each in promised:
            if table is None or each.calendar is not calendar:  # most are in the time of the one before
                calendar, table = each.calendar, self._timetables.of(each.calendar, case.zone)
                begun = table.worked(since)
            waits = self._waits(case, each.milestone, since) if case.waits else ()
            due = _after(table, begun + each.ms, waits)
            warned = _after(table, begun + each.warn_ms, waits)
            term = _Term(since, each.ms, table, waits, begun, due, warned)
            if due is None:
                term = term._replace(left=each.ms - _counted(term, _end(waits)))
            found.append((each.milestone, term))
        return found

    def _waits(self, case: CaseTimes, milestone: Milestone, since: int) -> list[Wait]:
        held = self._held[milestone]
        over = min((at for at in (case.done.get(milestone), case.ended_at) if at is not None), default=None)
        return [
            Wait(max(each.begins, since), each.ends, each.reason)
            for each in case.waits
            if each.reason in held
            and (each.ends is None or each.ends > since)
            and (over is None or each.begins < over)  # what comes after its end changes no clock
        ]

    def _clock(self, case: CaseTimes, milestone: Milestone, term: "_Term", now: int) -> MilestoneClock:
        done_at, status = _stand(case, milestone, term, now)
        return MilestoneClock(
            milestone=milestone,
            due=term.due,
            warn_at=term.warn_at,
            done_at=done_at,
            status=status,
            calendar=term.table.calendar.name,
            since=term.since,
            allowed_ms=term.allowed_ms,
            counted_ms=_counted(term, _until(case, milestone, now)),
            provisional=_is_provisional(term),
        )

    def _stretches(self, case: CaseTimes, clock: MilestoneClock, now: int) -> tuple[Stretch, ...]:
        table = self._timetables.of(self.calendars[clock.calendar], case.zone)
        at, until = clock.since, _until(case, clock.milestone, now)
        found: list[Stretch] = []
        for wait in self._waits(case, clock.milestone, clock.since):
            begins, ends = min(wait.begins, until), min(until, wait.ends or until)
            found += table.stretches(at, begins)
            if begins < ends:
                found.append(Stretch(begins, ends, wait.reason))
            at = max(at, ends)
        return (*found, *table.stretches(at, until))


class _Promise(NamedTuple):
    """What is promised of a milestone, and after how much of it is warned (ms of a calendar's time)."""

    milestone: Milestone
    ms: int
    warn_ms: int
    calendar: ServiceCalendar


class _Term(NamedTuple):
    """What was promised from one moment on, and when that is due; `left` is what remains while it waits.

    `begun` is what had been worked by `since`.
    """

    since: int
    allowed_ms: int
    table: Timetable
    waits: Sequence[Wait]
    begun: int
    due: int | None
    warn_at: int | None
    left: int = 0


def _stand(case: CaseTimes, milestone: Milestone, term: _Term, now: int) -> tuple[int | None, ClockStatus]:
    """Return when a milestone was reached, and where its clock stands."""
    done_at = case.done.get(milestone)
    return done_at, _status(term, done_at, case.ended_at, now)


def _is_provisional(term: _Term) -> bool:
    """Tell whether holidays before it is due may still change."""
    calendar = term.table.calendar
    if term.due is None or calendar.confirmed_until is None:
        return False
    return calendar.is_provisional(day_of(term.due, term.table.zone))


def _strictest(term: _Term) -> tuple[bool, int]:
    """Of promises of several levels the stricter holds: what was promised before stays promised."""
    return term.due is None, term.left if term.due is None else term.due


def _after(table: Timetable, target: int, waits: Sequence[Wait]) -> int | None:
    """Return when so much was worked beside waits; None while it waits, or where that never comes."""
    for wait in waits:
        at = table.moment(target)
        if at is None or at <= wait.begins:
            return at
        if wait.ends is None:
            return None
        target += table.worked(wait.ends) - table.worked(wait.begins)
    return table.moment(target)


def _counted(term: _Term, until: int) -> int:
    """Return the working time of a promise up to a moment, without the waits."""
    if until <= term.since:
        return 0
    table = term.table
    waited = sum(
        table.worked(until if wait.ends is None else min(until, wait.ends)) - table.worked(wait.begins)
        for wait in term.waits
        if wait.begins < until
    )
    return table.worked(until) - term.begun - waited


def _end(waits: Sequence[Wait]) -> int:
    """Return when the last wait began: up to then, what was left of the time went down."""
    return waits[-1].begins if waits else 0


def _until(case: CaseTimes, milestone: Milestone, now: int) -> int:
    """Return up to when a clock counts: it ends when it is done, or when nothing more is owed."""
    ends = (case.done.get(milestone), case.ended_at, now)
    return min(each for each in ends if each is not None)


def _status(term: _Term, done_at: int | None, ended_at: int | None, now: int) -> ClockStatus:
    due = term.due
    if done_at is not None:
        return ClockStatus.MET if due is None or done_at <= due else ClockStatus.BREACHED
    at = now if ended_at is None else min(now, ended_at)
    if due is not None and at > due:
        return ClockStatus.BREACHED
    if ended_at is not None and ended_at <= now:
        return ClockStatus.ENDED
    if due is None and term.waits and term.waits[-1].ends is None:
        return ClockStatus.PAUSED
    warned = term.warn_at is not None and at >= term.warn_at
    return ClockStatus.WARNING if warned else ClockStatus.ON_TIME
