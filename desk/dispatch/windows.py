"""The window of arrival that a customer is told: how wide it is, and when another one is worth telling.

All times are epoch ms. Pure functions: `now` is given.
"""

from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import HOUR_MS, MINUTE_MS

_STEP_MS = 15 * MINUTE_MS
"""Windows begin and end at quarters of an hour: nobody promises 10:07."""
_WIDTHS = ((24 * HOUR_MS, 4 * HOUR_MS), (4 * HOUR_MS, 2 * HOUR_MS), (0, HOUR_MS))
"""From so long before the arrival on a window is so wide: half a day a day ahead, an hour when it is near."""
UNDER_WAY_MS = 30 * MINUTE_MS
"""So wide it is once somebody set out."""
_WORTH = 0.5
"""A narrower window within the one that was told is worth telling where it is at most so much of it."""


class Retell(StrEnum):
    """Why a window is told, or is not."""

    FIRST = "first"
    MOVED = "moved"
    """The arrival is outside of what was told."""
    NARROWER = "narrower"
    UNDER_WAY = "under_way"
    KEPT = "kept"
    """What was told still holds: nobody is bothered."""


@dataclass(frozen=True, slots=True)
class Told:
    """A window, [begins, ends]."""

    begins: int
    ends: int

    @property
    def width(self) -> int:
        """How long it is."""
        return self.ends - self.begins

    def holds(self, at: int) -> bool:
        """Tell whether a time is within it."""
        return self.begins <= at <= self.ends


def window_for(arrives: int, now: int, *, under_way: bool = False) -> Told:
    """Return the window to tell for an arrival, around it, at quarters of an hour and never in the past."""
    width = (
        UNDER_WAY_MS
        if under_way
        else next((wide for ahead, wide in _WIDTHS if arrives - now >= ahead), HOUR_MS)
    )
    begins = max((arrives - width // 2) // _STEP_MS * _STEP_MS, now // _STEP_MS * _STEP_MS)
    return Told(begins, max(begins + width, -(-arrives // _STEP_MS) * _STEP_MS))


def retell(told: Told | None, arrives: int, now: int, *, under_way: bool = False) -> tuple[Retell, Told]:
    """Return why a customer is told of a window, and which holds now: KEPT is that which they know.

    A window that they were told is a promise: it is told anew only where it does not hold any more, or is
    much narrower by now.
    """
    new = window_for(arrives, now, under_way=under_way)
    if told is None:
        return Retell.FIRST, new
    if not told.holds(arrives):
        return Retell.MOVED, new
    if new.width > _WORTH * told.width:
        return Retell.KEPT, told
    # Within what was told, so that nobody reads of a time that they were promised to be free of.
    inner = Told(max(new.begins, told.begins), min(new.ends, told.ends))
    return (Retell.UNDER_WAY if under_way else Retell.NARROWER), inner
