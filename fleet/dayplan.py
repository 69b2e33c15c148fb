"""A plan of visits: who goes where when, why, and what stays undone.

Times are epoch ms, lengths of time are ms where the name does not say seconds, distances are metres.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from fleet.visiting import Window


class Chosen(StrEnum):
    """Why this engineer: each names what was decisive."""

    UNDER_WAY = "under_way"
    NEXT = "next"
    OVERRIDE = "override"
    ONLY_ONE = "only_one"
    LEAST_TRAVEL = "least_travel"
    IN_TIME = "in_time"
    WHOLE_PLAN = "whole_plan"
    CONTRACTOR = "contractor"
    WHOLE_DAYS = "whole_days"


class Lack(StrEnum):
    """What keeps a nearer engineer from being sent."""

    SKILL = "skill"
    PART = "part"
    TIME = "time"


class Undone(StrEnum):
    """Why a job is in no route."""

    NO_SKILL = "no_skill"
    NO_PART = "no_part"
    PART_DISCONTINUED = "part_discontinued"
    NOBODY_HAS_BOTH = "nobody_has_both"
    WINDOW_PAST = "window_past"
    NOBODY_WORKS_THEN = "nobody_works_then"
    UNREACHABLE = "unreachable"
    TOO_FAR = "too_far"
    TOO_LONG = "too_long"
    NO_SECOND_PERSON = "no_second_person"
    HOLD_IMPOSSIBLE = "hold_impossible"
    NO_ROOM = "no_room"


class Remedy(StrEnum):
    """What would make an undone job possible; the fields of Unassigned say which, whose and how much."""

    CERTIFY = "certify"
    RESTOCK = "restock"
    REPLACE_PART = "replace_part"
    NEW_WINDOW = "new_window"
    LATER_END = "later_end"
    START_NEARER = "start_nearer"
    SPLIT_WORK = "split_work"
    SECOND_PERSON = "second_person"
    LIFT_HOLD = "lift_hold"
    ANOTHER_WAY = "another_way"
    PLACE_SITE = "place_site"
    ASK_CONSENT = "ask_consent"
    REACH_CUSTOMER = "reach_customer"
    ORDER_PART = "order_part"


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A job in no route: why, and what would make it possible.

    `about` names the skills or parts that are missing. `engineer` is who is nearest to being able,
    `missing_ms` by how much time it fails, `at` when it could be at the soonest.
    """

    job: str
    why: Undone
    remedy: Remedy
    about: tuple[str, ...] = ()
    engineer: str = ""
    missing_ms: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Who else could go, with how many seconds of travel more than the one chosen."""

    engineer: str
    more_s: int


@dataclass(frozen=True, slots=True)
class Hindrance:
    """A nearer engineer who is not sent: what they lack, and the seconds of travel that it would save."""

    engineer: str
    lack: Lack
    about: tuple[str, ...]
    saves_s: int


@dataclass(frozen=True, slots=True)
class Why:
    """Why this one of `able` engineers, the next best, and what would make it better."""

    chosen: Chosen
    able: int
    extra_s: int
    next_best: Alternative | None = None
    better: Hindrance | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """One job in a route: the leg there, breaks on the way, arrival, work from `begin` to `end`.

    `late_ms` is counted from what was promised, `moved_ms` from the nearest end of the window that was told.
    `beside` are other engineers at the same job; who leads there brings skills and parts.
    """

    job: str
    travel_s: float
    metres: float
    rests: tuple[Window, ...]
    arrival: int
    begin: int
    end: int
    late_ms: int = 0
    moved_ms: int = 0
    beside: tuple[str, ...] = ()
    lead: bool = True
    why: Why | None = None

    @property
    def waiting_ms(self) -> int:
        """Return how long the engineer waits there."""
        return self.begin - self.arrival


@dataclass(frozen=True, slots=True)
class Route:
    """One engineer's day: when they set out, the stops, and the leg home with its breaks."""

    engineer: str
    depart: int
    stops: tuple[Stop, ...]
    home_s: float
    home_metres: float
    home_rests: tuple[Window, ...]
    home_at: int

    @property
    def travel_s(self) -> float:
        """Return the seconds of travel, the leg home included."""
        return sum(stop.travel_s for stop in self.stops) + self.home_s

    @property
    def metres(self) -> float:
        """Return the way in metres, the leg home included."""
        return sum(stop.metres for stop in self.stops) + self.home_metres


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A plan: a route for each engineer who goes out, and the jobs that nobody does.

    `planner` made it in `cpu_s` seconds of one core, of which `solver_cpu_s` were the solver's own.
    """

    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...]
    planner: str
    cpu_s: float = 0.0
    solver_cpu_s: float = 0.0

    @property
    def travel_s(self) -> float:
        """Return the seconds of travel of all routes."""
        return sum(route.travel_s for route in self.routes)

    def stops(self) -> Iterator[tuple[str, Stop]]:
        """Yield every stop with the engineer who makes it."""
        for route in self.routes:
            for stop in route.stops:
                yield route.engineer, stop
