"""Tells, once, that a clock warns, was breached, or is to be escalated: an event of its ticket."""

from typing import Protocol

from desk.clocks.standing import TicketClocks
from desk.clocks.steps import BREACH, WARN
from fleet.cases import happened
from fleet.events import Event
from fleet.principals import schedule
from fleet.sla import Milestone
from fleet.tickets import Ticket
from storage.records.clock_steps import due_steps, take_step, write_steps
from storage.records.database import DeskDatabase
from storage.records.events import tell
from storage.records.tickets import ticket

_AT_ONCE = 200
CLOCK_EVENTS = {WARN: "clock_warned", BREACH: "clock_breached"}
ESCALATED = "clock_escalated"


class Teller(Protocol):
    """Whoever says whom a clock's step is told (desk.tickets.telling.CaseTeller)."""

    def clock(self, case: Ticket, milestone: Milestone, step: str, due: int, now: int) -> Event:
        """Return the event of which notices follow."""
        ...


class ClockSweep:
    """Goes through what clocks do by themselves; several processes may, each step is told by one of them.

    Without a `teller` nobody is told: the history of the case says it alone.
    """

    def __init__(self, desk: DeskDatabase, clocks: TicketClocks, teller: Teller | None = None) -> None:
        self._desk = desk
        self._clocks = clocks
        self._teller = teller

    def tick(self, now: int) -> int:
        """Tell what is due at `now` (epoch ms); return how many steps were told.

        What has changed since a step was written is looked at again: nothing is told that no longer holds.
        """
        told = 0
        while True:
            with self._desk.transaction() as session:
                due = due_steps(session, now, _AT_ONCE)
            done = sum(self._tell(ticket_id, milestone, step, now) for ticket_id, milestone, step, _at in due)
            if not done:
                return told
            told += done  # what was told is followed by the next step, which may be due as well

    def _tell(self, ticket_id: int, milestone: Milestone, step: str, now: int) -> bool:
        with self._desk.transaction() as session:
            case = ticket(session, ticket_id)
            clocks = self._clocks.dues(case, now)
            wanted = self._clocks.steps(clocks)
            holds = wanted.get((milestone, step), now + 1) <= now
            if holds and not take_step(session, ticket_id, milestone, step, now):
                return False
            write_steps(session, ticket_id, wanted)
            if holds:
                due = next(each.due for each in clocks if each.milestone is milestone)
                what = CLOCK_EVENTS.get(step, ESCALATED)
                event = happened(
                    case,
                    what,
                    schedule("clocks"),
                    str(milestone),
                    now,
                    milestone=milestone,
                    step=step,
                    due=due,
                )
                tell(session, event)
                if self._teller is not None:
                    tell(session, self._teller.clock(case, milestone, step, due or now, now))
        return holds
