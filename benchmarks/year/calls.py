"""Customers call: some time after a robot fails, in their hours, and again where it was not mended."""

from collections.abc import Callable

from benchmarks.year.agenda import Agenda, after_hours, within_hours
from benchmarks.year.assumptions import SERVICE_HOURS
from benchmarks.year.city import City
from benchmarks.year.field import Field
from benchmarks.year.office import Office
from fleet.faults import unclear_fault
from fleet.signals import Kind
from fleet.tickets import Ticket, TicketState
from simulators.common_faults import Failure
from simulators.crew.households import reports_after_h
from simulators.fault_process import FAULT_ROW

Taken = Callable[[Ticket], None]
"""What is done with a case that a call opened, or opened again."""


class Calls:
    """Turns failures into calls, and calls into cases; of those `named` name the fault."""

    def __init__(
        self, city: City, agenda: Agenda, office: Office, field: Field, named: float, taken: Taken
    ) -> None:
        self._city, self._agenda, self._office, self._field = city, agenda, office, field
        self._named, self._taken = named, taken
        self._waiting: set[tuple[int, str]] = set()
        field.called_again = lambda robot, fault: self._call_later(robot, fault, 1_000)

    def failed(self, failure: Failure) -> None:
        """Let the customer notice a failure."""
        self._call_later(failure.device, failure.fault, failure.count)

    def _call_later(self, robot: int, fault: str, count: int) -> None:
        if (robot, fault) in self._waiting:
            return
        self._waiting.add((robot, fault))
        luck = self._city.luck(5, robot, FAULT_ROW[fault], count)
        at = after_hours(self._agenda.clock.ms, reports_after_h(luck), SERVICE_HOURS)
        names = luck.random() < self._named
        self._agenda.at(at, lambda: self._call(robot, fault, fault if names else unclear_fault(Kind.ROBOT)))

    def _call(self, robot: int, fault: str, said: str) -> None:
        self._waiting.discard((robot, fault))
        row = FAULT_ROW[fault]
        if not self._field.faults.failed[row, robot]:
            return  # it was mended meanwhile
        device = self._city.robots[robot]
        before = self._office.open_case(device)
        if before is not None and before.suspicion_of(fault) is not None and before.solved_at is None:
            return  # it is known, and somebody was told to come
        case = self._office.report(device, said)
        if case.state is TicketState.REOPENED:
            self._field.journal.reopened[case.id] = self._field.journal.reopened.get(case.id, 0) + 1
        if case.state in (TicketState.OPENED, TicketState.REOPENED):
            self._taken(case)

    def answered_at(self, median_h: float, hours: tuple[int, int], *what: int) -> int:
        """Return when somebody takes a call on, in the hours in which anybody does."""
        luck = self._city.luck(6, *what)
        wait_h = median_h * float(luck.lognormal(0, 0.8))
        return after_hours(within_hours(self._agenda.clock.ms, hours), wait_h, hours)
