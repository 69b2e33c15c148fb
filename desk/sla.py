"""The SLA: what was promised by level, and where each ticket's clocks stand. Times are epoch milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from fleet.config import Duration, Shape, read_config
from fleet.faults import Level
from fleet.tickets import TicketState
from storage.desk.tables import TicketRow

_BESIDE = Path(__file__).with_name("sla.yaml")


class ClockStatus(StrEnum):
    """Where a clock stands."""

    ON_TIME = "on_time"
    WARNING = "warning"
    BREACHED = "breached"
    MET = "met"


class Promise(Shape):
    """How long each milestone may take from opening, in milliseconds; None: not promised."""

    respond_ms: Duration = Field(alias="respond", gt=0)
    on_site_ms: Duration | None = Field(default=None, alias="on_site", gt=0)
    solve_ms: Duration | None = Field(default=None, alias="solve", gt=0)


class SlaPolicy(Shape):
    """A named policy: one promise for each level, and the share of the time after which a clock warns."""

    name: str = Field(min_length=1)
    warn_at: float = Field(gt=0, lt=1)
    levels: Mapping[Level, Promise]

    @model_validator(mode="after")
    def _covers_every_level(self) -> Self:
        missing = [level for level in Level if level not in self.levels]
        if missing:
            raise ValueError(
                f"levels: {', '.join(missing)} missing; each of {', '.join(Level)} needs a promise"
            )
        return self


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When each milestone is due, epoch ms; None: not promised."""

    respond: int
    on_site: int | None
    solve: int | None


@dataclass(frozen=True, slots=True)
class TicketClock:
    """One milestone of one ticket: `respond`, `on_site` or `solve`; `done_at` is None while it runs."""

    milestone: str
    due: int
    done_at: int | None
    status: ClockStatus


def load_policy(path: Path | None = None) -> SlaPolicy:
    """Read and check a policy file; without a path, the one that ships with us. Raises ConfigError."""
    return read_config(path or _BESIDE, SlaPolicy)


def deadlines(policy: SlaPolicy, level: Level, opened_at: int) -> Deadlines:
    """Return when a ticket of this level, opened then, must have reached each milestone."""
    promise = policy.levels[level]
    return Deadlines(
        respond=opened_at + promise.respond_ms,
        on_site=None if promise.on_site_ms is None else opened_at + promise.on_site_ms,
        solve=None if promise.solve_ms is None else opened_at + promise.solve_ms,
    )


def clock_status(opened_at: int, due: int, done_at: int | None, now: int, warn_at: float) -> ClockStatus:
    """Return where a clock stands at `now`; what was done after its time stays breached."""
    if done_at is not None:
        return ClockStatus.MET if done_at <= due else ClockStatus.BREACHED
    if now > due:
        return ClockStatus.BREACHED
    return ClockStatus.WARNING if now - opened_at >= warn_at * (due - opened_at) else ClockStatus.ON_TIME


def ticket_clocks(ticket: TicketRow, policy: SlaPolicy, now: int) -> tuple[TicketClock, ...]:
    """Return the clocks of a ticket in the order of its milestones; a cancelled one keeps those it ended."""
    milestones = (
        ("respond", ticket.respond_due, ticket.responded_at),
        ("on_site", ticket.on_site_due, ticket.on_site_at),
        ("solve", ticket.solve_due, ticket.solved_at),
    )
    cancelled = ticket.state == TicketState.CANCELLED
    return tuple(
        TicketClock(name, due, done_at, clock_status(ticket.opened_at, due, done_at, now, policy.warn_at))
        for name, due, done_at in milestones
        if due is not None and not (cancelled and done_at is None)
    )
