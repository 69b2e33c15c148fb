"""Policies (b) to (d): the desk's own plan of the day, applied, and made anew when something came in."""

from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from benchmarks.year.agenda import Agenda, date_of, day_start, local_day
from benchmarks.year.assumptions import (
    AGAIN_CPU_S,
    ANSWER_MIN,
    DAY_CPU_S,
    EARLY_DESK,
    FAULT_NAMED,
    REPLAN_MS,
    SERVICE_HOURS,
    URGENT_REPLAN_MS,
)
from benchmarks.year.calls import Calls
from benchmarks.year.city import City
from benchmarks.year.field import Errand, Field
from benchmarks.year.office import DISPATCHER, Office
from benchmarks.year.parts import LOADED_H
from desk.dispatch.assigning import Sent
from desk.dispatch.board import DispatchBoard
from desk.dispatch.experience import Learning
from desk.dispatch.jobs import Unplanned
from desk.dispatch.ports import NoStock, Reserve
from desk.dispatch.scene import Scene, SceneReader
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.travel.circle import Circle
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import HOUR_MS
from fleet.engineers import Demands
from fleet.errors import Conflict, InvalidInput
from fleet.faults import Level
from fleet.grants import Sites
from fleet.tickets import Ticket, TicketState
from storage.records.appointments import appointments_of
from storage.records.assignments import open_assignments
from storage.records.stock import all_stock

_TOMORROW_H = 10
"""What is due by this hour of the next day is urgent."""
_LATEST_H = 19
"""Nothing is planned anew for a day that is as good as over."""


@dataclass(frozen=True, slots=True)
class HeldBack(SceneReader):
    """The desk's reader, but for cases that nobody can go to yet and of which the desk was not told."""

    until: dict[int, int] = field(default_factory=dict)
    """Cases that wait for a piece outside of any ledger, or for a customer to be there, and until when (epoch
    ms)."""

    def read(self, session: Session, now: int, sites: Sites = None, only: Ticket | None = None) -> Scene:
        """Return the scene, those that wait unplanned."""
        scene = SceneReader.read(self, session, now, sites, only)
        waits = {number: Unplanned.WAITS for number in scene.cases if self.until.get(number, 0) > now}
        return replace(scene, unplanned={**scene.unplanned, **waits})


class PlannedDispatch:
    """Answers cases, plans days in the evening and the morning, and again when there is news."""

    def __init__(
        self, city: City, agenda: Agenda, office: Office, field: Field, stock: Reserve | None
    ) -> None:
        self._city, self._agenda, self._office, self._field = city, agenda, office, field
        self._until: dict[int, int] = {}
        wired = office.wired
        reader = HeldBack(
            wired.work.procedure.service,
            wired.work.consent,
            stock or NoStock(),
            office.zones,
            Demands(),
            Learning(wired.work.procedure.service),
            self._until,
        )
        self._day, self._again = (
            DispatchBoard(
                office.desk,
                wired.cases,
                reader,
                Circle(),
                DispatchSettings(cpu_s=cpu_s, lunch_ms=0, loaded_by=None if stock is None else LOADED_H * 60),
            )
            for cpu_s in (DAY_CPU_S, AGAIN_CPU_S)
        )
        self._keeps_stock = stock is not None
        self._lists: dict[str, list[Errand]] = {}
        self._numbers = {worker.engineer.id: each for each, worker in enumerate(city.workers)}
        self._planned_at = 0
        self._next_plan: int | None = None
        self.plans = self.cpu_s = 0.0
        self.calls = Calls(city, agenda, office, field, FAULT_NAMED, self.taken)
        field.dispatch = self

    # --- cases come in

    def taken(self, case: Ticket) -> None:
        """Answer a case within the hours of the desk."""
        at = self.calls.answered_at(ANSWER_MIN / 60, SERVICE_HOURS, case.id)
        self._agenda.at(at, lambda: self._answer(case.id))

    def follow_up(self, case: Ticket, ready: int | None) -> None:
        """Answer a follow-up case; nobody goes before its part is there."""
        if ready is not None:
            self._until[case.id] = ready
        self.taken(case)

    def heard(self, numbers: list[int]) -> None:
        """Answer the cases that alerts opened, and plan anew for those that became worse."""
        for number in numbers:
            case = self._office.tickets.read(number)
            if case.state is TicketState.OPENED:
                at = self.calls.answered_at(ANSWER_MIN / 60, EARLY_DESK, number)
                self._agenda.at(at, lambda number=number: self._answer(number))  # type: ignore[misc]
            elif case.state is TicketState.ACCEPTED:
                self._something_new(case)

    def _answer(self, number: int) -> None:
        case = self._office.tickets.read(number)
        if case.state in (TicketState.OPENED, TicketState.REOPENED):
            self._something_new(self._office.move(number, TicketState.ACCEPTED, DISPATCHER))

    def _something_new(self, case: Ticket | None = None) -> None:
        """Let the day be planned anew soon, sooner for a device that is unusable; once for all that comes."""
        wait = URGENT_REPLAN_MS if case is not None and case.level is Level.L1 else REPLAN_MS
        at = max(self._agenda.clock.ms, self._planned_at + wait)
        if self._next_plan is None or at < self._next_plan:
            self._next_plan = at
            self._agenda.at(at, self._plan_again)

    # --- plans

    def evening(self, day: int) -> None:
        """Let go of what was not reached, and plan the next day."""
        now = self._agenda.clock.ms
        for each in self._open():
            if each.state is AssignmentState.PLANNED and each.arrives < now:
                self._day.release(each.ticket_id, DISPATCHER, "not reached today")
        self._plan(self._day, day)

    def morning(self, day: int) -> None:
        """Plan the day with what came overnight."""
        self._plan(self._day, day)
        self._field.wake_all()

    def _plan_again(self) -> None:
        now = self._agenda.clock.ms
        if self._next_plan is None or now < self._next_plan:
            return  # it was done sooner
        self._next_plan = None
        day = local_day(now)
        if day_start(day) + SERVICE_HOURS[0] * HOUR_MS <= now < day_start(day) + _LATEST_H * HOUR_MS:
            self._planned_at = now
            self._plan(self._again, day)
            self._field.wake_all()

    def _plan(self, board: DispatchBoard, day: int) -> None:
        made = board.propose(DISPATCHER, date_of(day))
        board.apply(made.id, DISPATCHER, tell=True)
        self.plans, self.cpu_s = self.plans + 1, self.cpu_s + made.cpu_s
        if self._keeps_stock:
            for left in made.left:
                if not self._is_urgent(left.ticket_id, day):
                    continue
                if self._depot_has(board, left.ticket_id):
                    self._from_depot(board, left.ticket_id)
        self._refresh()

    def _is_urgent(self, number: int, day: int) -> bool:
        """Tell whether a case cannot wait for the night: somebody fetches its part on the way."""
        due = self._office.tickets.read(number).on_site_due
        return due is not None and due < day_start(day + 1) + _TOMORROW_H * HOUR_MS

    def _depot_has(self, board: DispatchBoard, number: int) -> bool:
        """Tell whether one depot has all that a case needs."""
        needs = board.assigning.needs(self._office.tickets.read(number)).parts
        with self._office.desk.look() as session:
            free = {(each.place, each.part): each.free for each in all_stock(session)}
        return any(
            all(free.get((depot, part), 0) >= many for part, many in needs.items())
            for depot in self._city.depots
        )

    def _from_depot(self, board: DispatchBoard, number: int) -> None:
        """Send who suits best to a case whose part is in no van: they take it along from a depot."""
        found = board.suggest(number)
        best = next((each for each in found.candidates if each.able and each.arrives is not None), None)
        if best is None or best.arrives is None:
            return
        sent = Sent(best.engineer, best.arrives, best.travel_ms, why=best.as_data(), reason="from the depot")
        try:
            board.assigning.assign(number, sent, DISPATCHER)
            board.appointments.tell(number, DISPATCHER)
        except (Conflict, InvalidInput):
            return  # the piece went to somebody else; the next plan tries again

    def _open(self) -> list[Assignment]:
        with self._office.desk.look() as session:
            return list(open_assignments(session))

    def _refresh(self) -> None:
        known = self._open()
        with self._office.desk.look() as session:
            told = appointments_of(session, {each.ticket_id for each in known})
        self._lists = {}
        for each in sorted(known, key=lambda one: one.arrives):
            window = told.get(each.ticket_id)
            errand = Errand(
                each.ticket_id,
                each.begins,
                each.arrives,
                None if window is None else (window.begins, window.ends),
            )
            self._lists.setdefault(each.engineer, []).append(errand)

    # --- engineers

    def next(self, worker: int, now: int) -> Errand | None:
        """Return an engineer's next assignment of the day."""
        errands = self._lists.get(self._city.workers[worker].engineer.id)
        if not errands or local_day(errands[0].leaves) > local_day(now):
            return None
        return errands[0]

    def done(self, worker: int, ticket: int) -> None:
        """Take an errand off an engineer's list."""
        errands = self._lists.get(self._city.workers[worker].engineer.id, [])
        self._lists[self._city.workers[worker].engineer.id] = [e for e in errands if e.ticket != ticket]

    def again(self, ticket: int, ready: int | None) -> None:
        """Let a case be planned again, where somebody is still to go there today it is not."""
        if ready is not None:
            self._until[ticket] = ready
        open_ones = [each for each in self._open() if each.ticket_id == ticket]
        if open_ones and open_ones[0].state is AssignmentState.PLANNED:
            self._day.release(ticket, DISPATCHER, "to be planned again")
        self._something_new()
