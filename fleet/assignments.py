"""Assignments and appointments: who goes to which case when, and what its customer was told of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class AssignmentState(StrEnum):
    """Where an assignment stands."""

    PLANNED = "planned"
    UNDER_WAY = "under_way"
    DONE = "done"
    RELEASED = "released"
    """It is not to be done any more, by this engineer or then."""


BLOCKING = (AssignmentState.PLANNED, AssignmentState.UNDER_WAY)
"""While it stands so, an engineer has no time for anything else: the database sees to it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One engineer at one case. Times are epoch ms.

    It takes [begins, ends): setting out, the way, arriving at `arrives`, and the work. `held`: a manager
    decided it, and no plan moves it. `helps`: another engineer leads at this case. `why` says why this one,
    JSON-ready. `told_at` is when its state last changed. `id` is 0 until it is stored.
    """

    ticket_id: int
    engineer: str
    begins: int
    arrives: int
    ends: int
    state: AssignmentState = AssignmentState.PLANNED
    held: bool = False
    helps: bool = False
    why: Mapping[str, Any] = field(default_factory=dict)
    made_at: int = 0
    made_by: str = ""
    ended_at: int | None = None
    reason: str = ""
    id: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.state in BLOCKING


class AppointmentState(StrEnum):
    """What a customer said to the window that they were told."""

    TOLD = "told"
    CONFIRMED = "confirmed"
    MOVE = "move"
    """They would rather have another time."""
    OFF = "off"
    """Nobody comes, for now."""


class Rather(StrEnum):
    """When a customer would rather be visited."""

    BEFORE_8 = "before_8"
    AFTER_20 = "after_20"
    WEEKENDS = "weekends"
    MORNINGS = "mornings"
    AFTERNOONS = "afternoons"


LONGEST_REMARK = 500


@dataclass(frozen=True, slots=True)
class Appointment:
    """The window of arrival that the customer of a case was told, [begins, ends], epoch ms.

    `times` counts how often it was told, each other window anew. `rather` and `remark` are what they said,
    at `answered_at`, `by` whom it was recorded. A link to it is good until `link_ends`.
    """

    ticket_id: int
    begins: int
    ends: int
    told_at: int
    times: int = 1
    state: AppointmentState = AppointmentState.TOLD
    rather: tuple[Rather, ...] = ()
    remark: str = ""
    answered_at: int | None = None
    by: str = ""
    link_ends: int = 0
