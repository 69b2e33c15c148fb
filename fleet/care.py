"""How far care for an alert or an incident is: what was told of it, and when the next thing is due."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.faults import Level


class Due(StrEnum):
    """What is due next for something that is cared for."""

    LOOK = "look"
    """Whether it may be told by now: something held it back."""
    STEP = "step"
    """The next step of its chain, or a reminder."""
    ACK_ENDS = "ack_ends"
    """Its acknowledgement ends."""


@dataclass(frozen=True, slots=True)
class Cared:
    """One subject that is cared for; times are epoch ms.

    `step` is the newest that was told, `told_at` when the first was (None: not yet). `due` says what follows
    at `next_at` (None: nothing). `reason` is the named reason of the last decision, `event` the newest event
    that was taken into account.
    """

    subject: str
    subject_id: str
    site: str | None
    level: Level
    event: int
    reason: str
    told_at: int | None = None
    step: int = 0
    due: Due | None = None
    next_at: int | None = None
    over_at: int | None = None
