"""Whom an alert is told, in which order: chains of steps, each to people on call, of a role, or by name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from fleet.faults import Level


class TargetKind(StrEnum):
    """What the name of a target names."""

    SCHEDULE = "schedule"
    ROLE = "role"
    PERSON = "person"
    DESTINATION = "destination"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step tells: whoever a schedule has on call, all of a role at the site, one person, or a group.

    `name` is a schedule's name, a role, a person's id, or the id of a destination that is of no person.
    """

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a chain: whom it tells, `after_ms` of the first telling."""

    after_ms: int
    to: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """What happens until somebody takes care: steps in order, the first `after_ms` 0.

    Once the steps are over, it is told again every `remind_ms` (None: never), to those of the last step. An
    acknowledgement holds for `ack_ms`. `loud`: it may come in somebody's quiet hours.
    """

    name: str
    steps: tuple[Step, ...]
    remind_ms: int | None
    ack_ms: int
    loud: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a target means at one moment: ids of people and of destinations.

    Where a schedule has nobody on call, `gap_until` is when its next shift begins (epoch ms; None: never).
    `reason` is named where it is not as the plan says: why admins are told in others' place, or nobody is.
    """

    people: tuple[int, ...] = ()
    destinations: tuple[int, ...] = ()
    gap: bool = False
    gap_until: int | None = None
    reason: str = ""


class Duty(Protocol):
    """Who is told: the chain of a level at a site, and whom its targets mean at a moment (epoch ms)."""

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        """Return the chain of alerts of a level at a site; `personal`: of a worker, for safety alone."""
        ...

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        """Return whom a target means: people who may sign in, whose role reaches the site."""
        ...
