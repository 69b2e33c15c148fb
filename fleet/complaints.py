"""What a customer complains about, and what of it decides what is promised."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS
from fleet.faults import Level

REVIEW_AFTER_MS = 7 * DAY_MS
"""So long after a complaint was closed somebody asks whether it stayed so."""
SETBACKS_TO_MAJOR = 2
"""So many times not up to standard, and a complaint is a major one."""
AGAIN_WITHIN_MS = 90 * DAY_MS
"""Each complaint of the same device since then was one time not up to standard."""


class ComplaintClass(StrEnum):
    """How grave a complaint is; what each is promised says the SLA policy."""

    URGENT = "urgent"
    EXPERIENCE = "experience"
    SUGGESTION = "suggestion"
    MAJOR = "major"


LEVEL_OF = {
    ComplaintClass.URGENT: Level.L1,
    ComplaintClass.MAJOR: Level.L1,
    ComplaintClass.EXPERIENCE: Level.L2,
    ComplaintClass.SUGGESTION: Level.L3,
}
"""By which level lists and chains of duty take a complaint."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a complaint is about, beside the ticket that carries it.

    `words` are the customer's; `customer` is an id, "" where not known; `contact` is how they are reached.
    `about` is the ticket that they complain of. `loss`: somebody lost money or was hurt. `setbacks` count how
    often what was done was not up to standard. `plan` is the written plan, `review` what the review found.
    """

    of_class: ComplaintClass
    words: str
    customer: str = ""
    contact: str = ""
    about: int | None = None
    loss: bool = False
    setbacks: int = 0
    plan: str = ""
    review: str = ""


def class_of(asked: ComplaintClass, *, loss: bool, setbacks: int) -> ComplaintClass:
    """Return the class that a complaint really is of: loss, or twice not up to standard, makes it major."""
    return ComplaintClass.MAJOR if loss or setbacks >= SETBACKS_TO_MAJOR else asked
