"""What a day's plan is made of: jobs to be done at places, and the days of those who do them.

Times are epoch ms, lengths of time are ms, positions are (latitude, longitude) in WGS 84 degrees.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fleet.errors import InvalidInput
from fleet.faults import Level

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, both included. Raises InvalidInput where it ends before it starts."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidInput(f"a window ends ({self.end}) before it starts ({self.start})")


class Held(StrEnum):
    """Why a job may not be moved: somebody is at it, it is somebody's next, or a manager decided it."""

    UNDER_WAY = "under_way"
    NEXT = "next"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class Hold:
    """Who a job is kept with, and when its work begins (None: any time that suits)."""

    why: Held
    engineers: tuple[str, ...]
    begin: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One visit to be made. Raises InvalidInput for a length, a number of people or a part that cannot be.

    Work begins at `earliest` at the soonest, by `due` as promised (a plan may miss it), and after `latest`
    never. `told` is the window of arrival that the customer was told: leaving it costs; `preferred` are those
    that the customer would rather have. Of `people` one has all skills and parts, others help.
    """

    id: str
    at: Position
    work_ms: int
    earliest: int
    due: int
    latest: int | None = None
    level: Level = Level.L3
    skills: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    people: int = 1
    told: Window | None = None
    preferred: tuple[Window, ...] = ()
    hold: Hold | None = None

    def __post_init__(self) -> None:
        if self.work_ms < 0:
            raise InvalidInput(f"job {self.id}: work_ms is {self.work_ms}; it must be 0 or more")
        if self.people not in (1, 2):
            raise InvalidInput(f"job {self.id}: people is {self.people}; it must be 1 or 2")
        if wrong := [code for code, count in self.parts.items() if count < 1]:
            raise InvalidInput(f"job {self.id}: parts: {wrong[0]} needs a count of 1 or more")


@dataclass(frozen=True, slots=True)
class Rest:
    """A break of `length_ms` somewhere between `earliest` and `latest`, its end included."""

    length_ms: int
    earliest: int
    latest: int


@dataclass(frozen=True, slots=True)
class Workday:
    """One engineer's day. Raises InvalidInput for a day without hours, or whose hours overlap.

    It starts at `start`, at `free_at` where that is later than the first of `hours`, and ends at `end` (None:
    at the last job). `skills` are those that hold on this day, `stock` is what the van carries by part.
    `longest_ms` is the longest from setting out to the end. `dear_s` are the seconds of travel that it must
    save to send them at all: contractors come last.
    """

    engineer: str
    start: Position
    hours: tuple[Window, ...]
    end: Position | None = None
    skills: frozenset[str] = frozenset()
    stock: Mapping[str, int] = field(default_factory=dict)
    rests: tuple[Rest, ...] = ()
    free_at: int | None = None
    longest_ms: int | None = None
    dear_s: int = 0

    def __post_init__(self) -> None:
        if not self.hours:
            raise InvalidInput(f"engineer {self.engineer}: hours: at least one part of the day is needed")
        for before, after in zip(self.hours, self.hours[1:], strict=False):
            if after.start < before.end:
                raise InvalidInput(f"engineer {self.engineer}: hours overlap or are out of order")
