"""Who could go to a case: candidates with what speaks for and against each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class For(StrEnum):
    """What speaks for an engineer."""

    IN_TIME = "in_time"
    NEAREST = "nearest"
    HAS_PARTS = "has_parts"
    KNOWS_DEVICE = "knows_device"
    WELL_RATED = "well_rated"
    AS_WISHED = "as_wished"
    FREE_DAY = "free_day"


class Against(StrEnum):
    """What speaks against an engineer."""

    LACKS_SKILL = "lacks_skill"
    LATE = "late"
    NO_PART = "no_part"
    FAR = "far"
    FULL_DAY = "full_day"
    EXPIRES_SOON = "expires_soon"
    NOT_AS_WISHED = "not_as_wished"
    NO_TIME = "no_time"
    NO_WAY = "no_way"
    CONTRACTOR = "contractor"


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that speaks for or against: `about` says which skill, part, or how much (ms, metres)."""

    what: For | Against
    about: tuple[str, ...] = ()
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engineer who could go to a case. Times are epoch ms; None where there is no time at all.

    `begins` is when they would set out, `travel_ms` the way, `extra_ms` what the day's travel grows by.
    `able`: nothing forbids it.
    """

    engineer: str
    able: bool
    begins: int | None = None
    arrives: int | None = None
    ends: int | None = None
    travel_ms: int = 0
    metres: int = 0
    extra_ms: int = 0
    points: tuple[Point, ...] = ()

    def as_data(self) -> Mapping[str, Any]:
        """Return why, JSON-ready, as an assignment keeps it."""
        return {
            "points": [[str(each.what), list(each.about), each.amount] for each in self.points],
            "travel_ms": self.travel_ms,
            "extra_ms": self.extra_ms,
        }


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Who could go to a case, the best first; `unplanned` names why nobody should for now, else ""."""

    ticket_id: int
    candidates: tuple[Candidate, ...] = field(default_factory=tuple)
    unplanned: str = ""
