"""Where the clocks of tickets stand: what clocks must know of a ticket, and what lists keep of them.

Times are epoch milliseconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol
from zoneinfo import ZoneInfo

from desk.clocks.clocks import (
    CaseTimes,
    Clocks,
    ClockStatus,
    Explained,
    MilestoneClock,
    MilestoneDue,
    Rise,
    Wait,
)
from desk.clocks.steps import Steps, escalations, steps_of
from fleet.complaints import Complaint
from fleet.customers import NO_TERMS, Terms
from fleet.faults import Level
from fleet.localtime import LATEST_MS
from fleet.sla import Milestone, Pause
from fleet.tickets import Span, Ticket, TicketState
from fleet.upkeep import Upkeep
from storage.records.ticket_times import Dues

ZoneOf = Callable[[str | None], ZoneInfo]
"""Returns the time zone of a site."""
TermsOf = Callable[[str, ZoneInfo, int], Terms]
"""Returns which plan and tier hold for a site at a time (epoch ms), on the day that its zone has then."""
_WAITS = {
    TicketState.WAITING_CUSTOMER: Pause.WAITING_CUSTOMER,
    TicketState.WAITING_PART: Pause.WAITING_PART,
    TicketState.REPAIRED: Pause.REPAIRED,
    TicketState.CONFIRMED: Pause.REPAIRED,
    TicketState.CLOSED: Pause.REPAIRED,
    TicketState.REVIEWED: Pause.REPAIRED,
}
_OF_REPAIRS = Milestone.RESPOND, Milestone.SOLVE
_OF_COMPLAINTS = Milestone.CONTACT, Milestone.CLOSE


class Timed(Protocol):
    """What clocks look at of a ticket (fleet.tickets.Ticket)."""

    @property
    def kind(self) -> str:
        """What it asks for."""
        ...

    @property
    def site(self) -> str:
        """Where its device works."""
        ...

    @property
    def level(self) -> Level:
        """The worst level that it ever had."""
        ...

    @property
    def state(self) -> TicketState:
        """Where it stands."""
        ...

    @property
    def opened_at(self) -> int:
        """When it was opened, epoch ms."""
        ...

    @property
    def spans(self) -> tuple[Span, ...]:
        """Its history."""
        ...

    @property
    def responded_at(self) -> int | None:
        """When it was accepted."""
        ...

    @property
    def on_site_at(self) -> int | None:
        """When its repair began."""
        ...

    @property
    def solved_at(self) -> int | None:
        """When it was repaired."""
        ...

    @property
    def planned_at(self) -> int | None:
        """When its written plan was there."""
        ...

    @property
    def complaint(self) -> Complaint | None:
        """What it complains of."""
        ...

    @property
    def upkeep(self) -> Upkeep | None:
        """What maintenance is due."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        ...


class TicketClocks:
    """The clocks of tickets by a policy, each by the time of its site; may be used from any thread."""

    def __init__(
        self,
        clocks: Clocks,
        zone_of: ZoneOf = lambda _site: ZoneInfo("UTC"),
        terms_of: TermsOf = lambda _site, _zone, _at: NO_TERMS,
    ) -> None:
        self.clocks = clocks
        self._escalate = escalations(clocks.policy.escalate)
        self._zone_of = zone_of
        self._terms_of = terms_of

    def of(self, ticket: Timed, now: int) -> tuple[MilestoneClock, ...]:
        """Return the clocks of a ticket as they stand at `now`; of a cancelled one those that it ended."""
        found = self.clocks.of(self._times(ticket, now), now)
        return tuple(each for each in found if each.status is not ClockStatus.ENDED)

    def dues(self, ticket: Timed, now: int) -> tuple[MilestoneDue, ...]:
        """Return when the milestones of a ticket are due, and where its clocks stand."""
        return self.clocks.dues(self._times(ticket, now), now)

    def explain(self, ticket: Ticket, now: int) -> tuple[Explained, ...]:
        """Return the clocks of a ticket, each with what counted and what did not."""
        found = self.clocks.explain(self._times(ticket, now), now)
        return tuple(each for each in found if each.clock.status is not ClockStatus.ENDED)

    def by(self, other: Clocks) -> "TicketClocks":
        """Return the clocks of tickets by another policy or other calendars."""
        return TicketClocks(other, self._zone_of, self._terms_of)

    def _times(self, ticket: Timed, now: int) -> CaseTimes:
        """Return what clocks must know of a ticket: by today's plan, a closed one by that of its end."""
        zone = self._zone_of(ticket.site)
        ended = ticket.spans[-1].begins if ticket.spans and not ticket.is_open else now
        return case_times(ticket, zone, self._terms_of(ticket.site, zone, ended))

    def steps(self, dues: Iterable[MilestoneDue]) -> Steps:
        """Return what clocks do by themselves, and when."""
        return steps_of(dues, self._escalate)

    def reckoned(self, ticket: Ticket, now: int) -> tuple[Ticket, Steps]:
        """Return a ticket with when its milestones are due, as lists keep it, and what its clocks do next."""
        dues = self.dues(ticket, now)
        due = dues_of(dues)
        dated = replace(
            ticket, respond_due=due.respond, on_site_due=due.on_site, solve_due=due.solve, plan_due=due.plan
        )
        return dated, self.steps(dues)


def dues_of(clocks: Iterable[MilestoneDue]) -> Dues:
    """Return what lists keep of a ticket's clocks; an answer that is never due is so at the end of time."""
    due = {each.milestone: each.due for each in clocks}
    return Dues(
        due.get(Milestone.RESPOND) or due.get(Milestone.CONTACT) or LATEST_MS,
        due.get(Milestone.ON_SITE),
        due.get(Milestone.SOLVE) or due.get(Milestone.CLOSE),
        due.get(Milestone.PLAN),
    )


def case_times(ticket: Timed, zone: ZoneInfo, terms: Terms = NO_TERMS) -> CaseTimes:
    """Return what clocks must know of a ticket."""
    spans = ticket.spans or (Span(ticket.opened_at, ticket.state, ticket.level),)
    # What answers and ends a complaint has names of its own.
    answer, end = _OF_COMPLAINTS if ticket.complaint else _OF_REPAIRS
    done = {
        answer: ticket.responded_at,
        Milestone.ON_SITE: ticket.on_site_at,
        Milestone.PLAN: ticket.planned_at,
        end: ticket.solved_at,
    }
    return CaseTimes(
        kind=ticket.kind,
        rises=_rises(spans),
        zone=zone,
        waits=_waits(spans),
        done={milestone: at for milestone, at in done.items() if at is not None},
        ended_at=None if ticket.is_open else spans[-1].begins,
        of_class=ticket.complaint.of_class if ticket.complaint else "",
        plan=terms.plan,
        tier=terms.tier,
        fixed=_dates(ticket.upkeep, ticket.opened_at),
    )


def _dates(upkeep: Upkeep | None, opened_at: int) -> dict[Milestone, int]:
    """Return by when maintenance is to be done, and half-way there to be accepted; it needs no calendar."""
    if upkeep is None:
        return {}
    half = opened_at + max(1, (upkeep.due_at - opened_at) // 2)
    return {Milestone.RESPOND: half, Milestone.ON_SITE: upkeep.due_at}


def _rises(spans: tuple[Span, ...]) -> tuple[Rise, ...]:
    """Return when a case had a worse level than ever before; what was promised then is never taken back."""
    worst: Level | None = None
    rises = []
    for span in spans:
        if worst is None or span.level < worst:
            rises.append(Rise(span.begins, span.level))
            worst = span.level
    return tuple(rises)


def _waits(spans: tuple[Span, ...]) -> tuple[Wait, ...]:
    waits: list[Wait] = []
    for number, span in enumerate(spans):
        reason = _WAITS.get(span.state)
        if reason is None:
            continue
        ends = spans[number + 1].begins if number + 1 < len(spans) else None
        if waits and waits[-1].reason == reason and waits[-1].ends == span.begins:
            waits[-1] = waits[-1]._replace(ends=ends)
        else:
            waits.append(Wait(span.begins, ends, reason))
    return tuple(waits)
