"""Where each ticket's clocks stand against what was promised. Times are epoch milliseconds."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.sla import SlaPolicy
from fleet.tickets import Ticket, TicketState


class ClockStatus(StrEnum):
    """Where a clock stands."""

    ON_TIME = "on_time"
    WARNING = "warning"
    BREACHED = "breached"
    MET = "met"


@dataclass(frozen=True, slots=True)
class TicketClock:
    """One milestone of one ticket: `respond`, `on_site` or `solve`; `done_at` is None while it runs."""

    milestone: str
    due: int
    done_at: int | None
    status: ClockStatus


def clock_status(opened_at: int, due: int, done_at: int | None, now: int, warn_at: float) -> ClockStatus:
    """Return where a clock stands at `now`; what was done after its time stays breached."""
    if done_at is not None:
        return ClockStatus.MET if done_at <= due else ClockStatus.BREACHED
    if now > due:
        return ClockStatus.BREACHED
    return ClockStatus.WARNING if now - opened_at >= warn_at * (due - opened_at) else ClockStatus.ON_TIME


def ticket_clocks(ticket: Ticket, policy: SlaPolicy, now: int) -> tuple[TicketClock, ...]:
    """Return the clocks of a ticket in the order of its milestones; a cancelled one keeps those it ended."""
    milestones = (
        ("respond", ticket.respond_due, ticket.responded_at),
        ("on_site", ticket.on_site_due, ticket.on_site_at),
        ("solve", ticket.solve_due, ticket.solved_at),
    )
    cancelled = ticket.state is TicketState.CANCELLED
    return tuple(
        TicketClock(name, due, done_at, clock_status(ticket.opened_at, due, done_at, now, policy.warn_at))
        for name, due, done_at in milestones
        if due is not None and not (cancelled and done_at is None)
    )
