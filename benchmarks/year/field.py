"""Engineers in the field: they drive, find somebody or a closed door, look, mend or not, and go on.

How they do it is simulators/crew's; what is really wrong, and what a repair does, is the fault process's. The
desk learns what people tell it: state by state, and what was found.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from benchmarks.year.agenda import Agenda, day_start, local_day, local_hour, weekday
from benchmarks.year.assumptions import CALLED_H, CONFIRM_MS, NOBODY_THERE_MIN, OVERTIME_MS
from benchmarks.year.city import City, Worker
from benchmarks.year.office import DISPATCHER, Office
from benchmarks.year.parts import Parts
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.faults import FAULTS
from fleet.principals import Principal, PrincipalKind
from fleet.tickets import NO_FAULT, SuspicionState, Ticket, TicketState
from fleet.visiting import Position
from simulators.common_faults import CommonFaults
from simulators.crew import hands, households, roads
from simulators.fault_process import FAULT_ROW
from simulators.ground_truth import GroundTruth

_MONDAY = 0
_READY = frozenset({TicketState.ACCEPTED, TicketState.WAITING_PART})


@dataclass(frozen=True, slots=True)
class Errand:
    """What an engineer is to do next: times as planned (epoch ms), and the window that was told."""

    ticket: int
    leaves: int
    arrives: int
    told: tuple[int, int] | None = None


class Dispatch(Protocol):
    """Whoever says who goes where: by hand, or by the desk's plan."""

    def next(self, worker: int, now: int) -> Errand | None:
        """Return what an engineer is to do next."""
        ...

    def done(self, worker: int, ticket: int) -> None:
        """Note that an errand is over, however it ended."""
        ...

    def again(self, ticket: int, ready: int | None) -> None:
        """Let somebody go to a case again, from a time on (epoch ms; None: as soon as can be)."""
        ...

    def follow_up(self, case: Ticket, ready: int | None) -> None:
        """Take on the case of what a visit left for another one, from a time on as `again`."""
        ...


@dataclass(slots=True)
class Journal:
    """What happened, for the figures: visits by case, travel by visit, robots at work on."""

    visits: dict[int, int] = field(default_factory=dict)
    been: Counter[int] = field(default_factory=Counter)
    """How often somebody stood before each robot."""
    vain: dict[int, list[int]] = field(default_factory=dict)
    """By robot when visits ended that left it broken, epoch ms."""
    vain_cases: set[int] = field(default_factory=set)
    reopened: dict[int, int] = field(default_factory=dict)
    travel: list[tuple[int, float]] = field(default_factory=list)
    at_work: list[tuple[int, str, int, int]] = field(default_factory=list)
    absent: int = 0
    again: Counter[str] = field(default_factory=Counter)
    """Why visits left something to be done, each reason once a visit."""
    detours: int = 0
    follow_ups: int = 0
    """Cases of what had only begun and a visit had no part for."""

    def vain_between(self, robot: int, start: int, end: int) -> int:
        """Return how many visits to a robot ended in vain within (start, end)."""
        return sum(start < at < end for at in self.vain.get(robot, ()))


@dataclass(slots=True)
class _Day:
    """Where an engineer is, and until when they work; `turn` tells an old wake-up from the present one."""

    at: Position
    ends: int = 0
    busy: bool = False
    turn: int = 0


class Field:
    """All engineers of a city; `faults` are what is really wrong, seen only where somebody stands."""

    def __init__(
        self,
        city: City,
        agenda: Agenda,
        office: Office,
        parts: Parts,
        faults: CommonFaults,
        truth: GroundTruth,
    ) -> None:
        self.city, self.agenda, self.office, self.parts = city, agenda, office, parts
        self.faults, self.truth = faults, truth
        self.journal = Journal()
        self.dispatch: Dispatch | None = None
        self.called_again: Callable[[int, str], None] = lambda _robot, _fault: None
        self._rows = {robot: row for row, robot in enumerate(city.robots)}
        self._days = [_Day(worker.engineer.home or (0.0, 0.0)) for worker in city.workers]

    # --- shifts

    def begin_shift(self, number: int, ends: int) -> None:
        """Let an engineer set out from home, for a shift that ends at a time (epoch ms)."""
        day = self._days[number]
        if not day.busy:
            day.at = self.city.workers[number].engineer.home or day.at
        day.ends = ends
        self.wake(number)

    def wake_all(self) -> None:
        """Let everyone who has nothing to do look again."""
        for number in range(len(self._days)):
            self.wake(number)

    def wake(self, number: int) -> None:
        """Let an engineer look what is next, if they are free and at work."""
        day, now = self._days[number], self.agenda.clock.ms
        if day.busy or now >= day.ends or self.dispatch is None:
            return
        day.turn += 1
        errand = self.dispatch.next(number, now)
        if errand is None:
            return
        if errand.leaves > now:
            turn = day.turn
            self.agenda.at(errand.leaves, lambda: self._look_again(number, turn))
            return
        case = self.office.tickets.read(errand.ticket)
        late = max(now, errand.leaves) + (errand.arrives - errand.leaves) > day.ends + OVERTIME_MS
        if late or case.state not in _READY:
            self.dispatch.done(number, errand.ticket)
            if case.state in _READY:
                self.dispatch.again(errand.ticket, None)
            self.wake(number)
            return
        self._set_out(number, errand, case)

    def _look_again(self, number: int, turn: int) -> None:
        if self._days[number].turn == turn:
            self.wake(number)

    # --- a visit

    def _set_out(self, number: int, errand: Errand, case: Ticket) -> None:
        day, worker, now = self._days[number], self.city.workers[number], self.agenda.clock.ms
        self.office.move(case.id, TicketState.EN_ROUTE, self.by(worker))
        day.busy = True
        robot = self._rows[case.device_id]
        target = self.city.place(robot).at
        visit = self.journal.visits.get(case.id, 0)
        detour = self.parts.detour(case.id, now)
        self.journal.detours += detour is not None
        minutes = 0.0
        for leg, place in enumerate([target] if detour is None else [detour, target]):
            minutes += self._drive(day, place, now + round(minutes * MINUTE_MS), (robot, visit, leg))
        self.journal.travel.append((now, minutes))
        arrives = now + round(minutes * MINUTE_MS)
        if errand.told is not None:  # who is early waits for what was told
            arrives = max(arrives, errand.told[0])
        self.agenda.at(arrives, lambda: self._arrive(number, errand, robot))

    def _drive(self, day: _Day, place: Position, at: int, what: tuple[int, int, int]) -> float:
        luck = self.city.luck(1, *what, at // DAY_MS)
        mood = roads.mood_of_day(self.city.luck(2, local_day(at)))
        minutes = roads.true_minutes(day.at, place, weekday(at), local_hour(at), luck, mood)
        day.at = place
        return minutes

    def _arrive(self, number: int, errand: Errand, robot: int) -> None:
        now, worker = self.agenda.clock.ms, self.city.workers[number]
        visit = self.journal.visits.get(errand.ticket, 0)
        luck = self.city.luck(3, robot, visit, now // DAY_MS)
        told = errand.told is not None and errand.told[0] <= now <= errand.told[1]
        confirmed = told and luck.random() < self._confirms(robot)
        # Sites are staffed every day: a weekend is no odd time there.
        if not households.is_there(_MONDAY, local_hour(now), luck, told=told, confirmed=confirmed):
            self.journal.absent += 1
            self.office.move(errand.ticket, TicketState.WAITING_CUSTOMER, self.by(worker), "nobody was there")
            self.agenda.at(
                now + round(NOBODY_THERE_MIN * MINUTE_MS),
                lambda: self._leave(number, errand.ticket, absent=True),
            )
            return
        case = self.office.move(errand.ticket, TicketState.REPAIRING, self.by(worker))
        self.journal.visits[case.id] = visit + 1
        suspected = [each.fault for each in case.suspicions if each.state is SuspicionState.SUSPECTED]
        known = [fault for fault in suspected if fault in FAULT_ROW]
        there = [hands.Seen(*each) for each in self.faults.there(robot)]
        self.journal.been[robot] += 1
        luck = self.city.luck(4, robot, self.journal.been[robot])
        found = hands.diagnose(worker.hand, there, known, luck)
        carried = self._carried(worker, case.id, found.found, luck)
        plan = _Work.of(found, carried, worker, luck, known)
        failed = {each.fault for each in there if each.failed}
        self.journal.again.update(_why_again(found, plan, known, failed))
        ends = now + round(plan.minutes * MINUTE_MS)
        self.journal.at_work.append((robot, case.device_id, now, ends))
        self.agenda.at(ends, lambda: self._finish(number, case.id, robot, plan))

    def _confirms(self, robot: int) -> float:
        return self.city.place(robot).household.answers * households.SAYS_YES

    def _carried(
        self, worker: Worker, ticket: int, faults: Collection[str], luck: np.random.Generator
    ) -> dict[str, bool]:
        """Return of each part that is needed whether the engineer has one: by the books, and really."""
        found = {}
        for fault in faults:
            part = FAULTS[fault].part
            if part is not None and part not in found:
                found[part] = self.parts.has(worker, ticket, part) and hands.part_is_there(luck)
                self.parts.tally.asked(local_day(self.agenda.clock.ms), there=found[part])
        return found

    def _finish(self, number: int, ticket: int, robot: int, plan: "_Work") -> None:
        now, worker = self.agenda.clock.ms, self.city.workers[number]
        for fault, lasts in plan.mended:
            if lasts:
                self.faults.repair(FAULT_ROW[fault], robot, now, "engineer")
        repair = self.journal.reopened.get(ticket, 0)
        self.parts.use(worker, ticket, repair, plan.used, plan.minutes)
        left = [fault for fault, _, failed in self.faults.there(robot) if failed]
        if left:
            self.journal.vain.setdefault(robot, []).append(now)
            self.journal.vain_cases.add(ticket)
        if plan.missing and not plan.can_wait:
            self._write_down(ticket, plan.lacking, worker)
            self.office.move(
                ticket, TicketState.WAITING_PART, self.by(worker), f"no {', '.join(plan.missing)}"
            )
            waits = [self.parts.wait_for(worker, ticket, part) for part in plan.missing]
            self._leave(number, ticket, ready=max((each for each in waits if each is not None), default=None))
            return
        confirmed = [fault for fault, _ in plan.mended] or [NO_FAULT]
        self.office.move(
            ticket, TicketState.REPAIRED, self.by(worker), confirmed=confirmed, deferred=plan.lacking
        )
        if left:
            self.called_again(robot, left[0])
        self.agenda.at(now + CONFIRM_MS, lambda: self._confirm(ticket, worker))
        self._leave(number, ticket, over=True)

    def _write_down(self, ticket: int, faults: Collection[str], worker: Worker) -> None:
        """Let the case suspect what was found and not mended: the desk knows then what it needs."""
        case = self.office.tickets.read(ticket)
        for fault in faults:
            if case.suspicion_of(fault) is None:
                self.office.tickets.report(case.device_id, fault, self.by(worker), "found on the spot")

    def _confirm(self, ticket: int, worker: Worker) -> None:
        case = self.office.tickets.read(ticket)
        if case.state is TicketState.REPAIRED:
            again = [each.fault for each in case.suspicions if each.state is SuspicionState.SUSPECTED]
            confirmed = [*case.confirmed_faults, *again] if again else None
            case = self.office.move(ticket, TicketState.CONFIRMED, DISPATCHER, confirmed=confirmed)
            for follow_up in {each.follow_up for each in case.suspicions if each.follow_up is not None}:
                self._follow_up(follow_up, worker)

    def _follow_up(self, number: int, worker: Worker) -> None:
        """Let the part of a follow-up case be got, and the case be taken on."""
        case = self.office.tickets.read(number)
        if case.state is not TicketState.OPENED:
            return  # the first case was opened again, and this one is known
        self.journal.follow_ups += 1
        waits = [self.parts.wait_for(worker, number, part) for part in case.parts]
        assert self.dispatch is not None
        self.dispatch.follow_up(case, max((each for each in waits if each is not None), default=None))

    def _leave(
        self,
        number: int,
        ticket: int,
        *,
        absent: bool = False,
        over: bool = False,
        ready: int | None = None,
    ) -> None:
        day, now = self._days[number], self.agenda.clock.ms
        day.busy = False
        assert self.dispatch is not None
        self.dispatch.done(number, ticket)
        if absent:
            called = max(now, day_start(local_day(now)) + CALLED_H * HOUR_MS)
            self.agenda.at(called, lambda: self._reached(ticket))
        elif not over:
            self.dispatch.again(ticket, ready)
        self.wake(number)

    def _reached(self, ticket: int) -> None:
        """Let somebody go again, from the next day on, to a customer who was called after a closed door."""
        if self.office.tickets.read(ticket).state is TicketState.WAITING_CUSTOMER:
            self.office.move(ticket, TicketState.ACCEPTED, DISPATCHER, "they said when it suits")
            assert self.dispatch is not None
            self.dispatch.again(ticket, day_start(local_day(self.agenda.clock.ms) + 1))

    @staticmethod
    def by(worker: Worker) -> Principal:
        """Return an engineer as who acts."""
        return Principal(PrincipalKind.PERSON, worker.engineer.id, worker.engineer.name)


def _why_again(
    found: hands.Diagnosis, plan: "_Work", known: Collection[str], failed: Collection[str]
) -> set[str]:
    """Return why somebody has to come again."""
    why = {"not found" for _ in found.missed}
    named = {FAULTS[fault].part for fault in known}
    for fault in plan.lacking:
        begun = "" if fault in failed else ", of a fault that had only begun"
        whose = "the part that the case named" if FAULTS[fault].part in named else "a part nobody had named"
        why.add(f"{whose} was not there{begun}")
    if any(not lasts for _, lasts in plan.mended):
        why.add("the repair did not last")
    return why


@dataclass(frozen=True, slots=True)
class _Work:
    """What an engineer does at a robot: faults mended and whether that lasts, parts used, minutes.

    `missing` are parts, `lacking` the faults that were found and wait for them; they `can_wait` for a
    follow-up visit where nothing of it has failed.
    """

    mended: tuple[tuple[str, bool], ...]
    used: tuple[str, ...]
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    minutes: float
    can_wait: bool = False

    @classmethod
    def of(
        cls,
        found: hands.Diagnosis,
        carried: dict[str, bool],
        worker: Worker,
        luck: np.random.Generator,
        known: Collection[str],
    ) -> "_Work":
        """Return what comes of a diagnosis with the parts that were carried, of a case that `known` names."""
        mended, used, missing, lacking, minutes = [], [], [], [], found.minutes
        for fault, right in zip(found.found, found.right, strict=True):
            part = FAULTS[fault].part
            took = hands.repair_minutes(worker.hand, fault, luck)
            holds = hands.lasts(worker.hand, luck)
            if part is not None and not carried[part]:
                missing.append(part)
                lacking.append(fault)
                continue
            minutes += took
            mended.append((fault, holds or not right))
            if part is not None:
                used.append(part)
        can_wait = hands.can_wait(lacking, [fault for fault, _ in mended], found.failed, known)
        missing = list(dict.fromkeys(missing))
        return cls(tuple(mended), tuple(used), tuple(missing), tuple(lacking), minutes, can_wait)
