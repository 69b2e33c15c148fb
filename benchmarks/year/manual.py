"""Policy (a): dispatch by hand, first come first served, to whoever has the turn."""

from collections import defaultdict, deque

from benchmarks.year.agenda import Agenda, day_start, local_day
from benchmarks.year.assumptions import Manual
from benchmarks.year.calls import Calls
from benchmarks.year.city import City
from benchmarks.year.field import Errand, Field
from benchmarks.year.office import DISPATCHER, Office
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.faults import FAULTS
from fleet.tickets import Ticket, TicketState

OFFICE_HOURS = (9, 18)
_GUESSED_WAY_MS = 40 * MINUTE_MS
"""What the office takes a way to be when it says when somebody comes."""
_WINDOW_MS = 4 * HOUR_MS
"""Half a day is what customers are told."""


class ManualDispatch:
    """A list for each engineer and day, written the evening before in the order of calls."""

    def __init__(self, city: City, agenda: Agenda, office: Office, field: Field, manual: Manual) -> None:
        self._city, self._agenda, self._office = city, agenda, office
        self._manual = manual
        self._queue: list[tuple[int, int, int]] = []
        """Cases that wait for a day: the first local day on which they may be, their order, their number."""
        self._lists: defaultdict[int, deque[int]] = defaultdict(deque)
        self._order = 0
        self._turn = 0
        self._kept: set[int] = set()
        self._ready: dict[int, int] = {}
        """The first local day on which the part for a follow-up visit is there."""
        self.calls = Calls(city, agenda, office, field, manual.named, self._called)
        field.dispatch = self

    def _called(self, case: Ticket) -> None:
        at = self.calls.answered_at(self._manual.answer_h, OFFICE_HOURS, case.id)
        self._agenda.at(at, lambda: self._take_on(case.id))

    def _take_on(self, number: int) -> None:
        case = self._office.tickets.read(number)
        if case.state in (TicketState.OPENED, TicketState.REOPENED):
            self._office.move(number, TicketState.ACCEPTED, DISPATCHER)
            offered = local_day(self._agenda.clock.ms) + self._manual.lead_days
            self._queued(number, max(offered, self._ready.get(number, 0)))

    def _queued(self, number: int, day: int) -> None:
        if number not in self._kept:
            self._kept.add(number)
            self._order += 1
            self._queue.append((day, self._order, number))

    def write_lists(self, day: int, working: list[int]) -> None:
        """Write the lists of a day for the engineers who work then; what was left over comes first."""
        left = [number for many in self._lists.values() for number in many]
        self._lists.clear()
        ready = [number for first, _, number in sorted(self._queue) if first <= day]
        cases = [*left, *ready]
        room = dict.fromkeys(working, self._manual.visits)
        placed = set()
        for number in cases:
            worker = self._whose_turn(number, [each for each in working if room[each]])
            if worker is None:
                break
            room[worker] -= 1
            self._lists[worker].append(number)
            placed.add(number)
        self._queue = [each for each in self._queue if each[2] not in placed]
        for number in left:
            if number not in placed:
                self._order += 1
                self._queue.append((day, self._order, number))

    def _whose_turn(self, number: int, able: list[int]) -> int | None:
        if not able:
            return None
        luck = self._city.luck(7, number)
        self._turn += 1
        turn = able[self._turn % len(able)]
        if luck.random() < self._manual.blind:
            return turn
        case = self._office.tickets.read(number)
        skill = FAULTS[case.fault].skill
        skilled = [each for each in able if skill in self._city.workers[each].engineer.skills]
        return skilled[self._turn % len(skilled)] if skilled else turn

    def next(self, worker: int, now: int) -> Errand | None:
        """Return the first of an engineer's list."""
        if not self._lists[worker]:
            return None
        number = self._lists[worker][0]
        arrives = now + _GUESSED_WAY_MS
        return Errand(number, now, arrives, (now, now + _WINDOW_MS))

    def done(self, worker: int, ticket: int) -> None:
        """Strike a case off the list."""
        if ticket in self._lists[worker]:
            self._lists[worker].remove(ticket)
        self._kept.discard(ticket)

    def again(self, ticket: int, ready: int | None) -> None:
        """Put a case at the end of the queue again."""
        now = self._agenda.clock.ms
        day = local_day(now) + 1 if ready is None else max(local_day(ready), local_day(now) + 1)
        self._queued(ticket, day)

    def follow_up(self, case: Ticket, ready: int | None) -> None:
        """Write a follow-up visit down as if somebody had called, for when its part is there."""
        if ready is not None:
            self._ready[case.id] = local_day(ready)
        self._called(case)

    def evening(self, day: int, working: list[int]) -> None:
        """Write the lists of the next day."""
        self.write_lists(day, working)


def evening_of(day: int) -> int:
    """Return when the office writes the lists for a local day."""
    return day_start(day) - 6 * HOUR_MS
