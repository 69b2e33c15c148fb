"""What a solver is asked, and the little that every solver's adapter needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Protocol

import numpy as np

from desk.dispatch.planning.frame import NEVER, Crew, Frame, Ints, Spans
from desk.dispatch.planning.insertion import Routes
from desk.dispatch.planning.timing import timed


@dataclass(slots=True)
class Asked:
    """Route `tasks` within their spans, before `until` (process time, s), from `start`, the routes so far.

    `used_s` adds up the seconds that the solver itself took, by the process's clock.
    """

    frame: Frame
    tasks: list[int]
    spans: Sequence[Spans]
    start: Routes
    until: float
    seed: int
    used_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Return the seconds that are left."""
        return max(0.0, self.until - process_time())


class Solver(Protocol):
    """Whoever puts tasks into routes; what it leaves out, or cannot time exactly, others insert."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def route(self, asked: Asked) -> Routes:
        """Return a route for each crew, with what is fixed at its start."""
        ...


def behind_fixed(frame: Frame, spans: Sequence[Spans], number: int) -> Crew:
    """Return a crew as it stands when what is fixed at the start of its route is done."""
    crew, fixed = frame.crews[number], frame.fixed[number]
    if not fixed:
        return crew
    legs = timed(frame, crew, fixed, spans)
    assert legs is not None, "what is fixed was timed before"
    end = legs[-2].end
    taken = sum(len(leg.pauses) for leg in legs[:-1])
    left = tuple(each for each in crew.pauses[taken:] if each[1] >= end)
    return replace(crew, start=frame.tasks[fixed[-1]].node, ready=end, pauses=left)


def stock_behind(frame: Frame, number: int) -> dict[str, int]:
    """Return what a van carries when what is fixed at the start of its route is done, 0 at least."""
    stock = dict(frame.crews[number].day.stock)
    for task in frame.fixed[number]:
        if frame.tasks[task].lead:
            for code, count in frame.tasks[task].job.parts.items():
                stock[code] = max(0, stock.get(code, 0) - count)
    return stock


def scarce_parts(frame: Frame, tasks: Sequence[int]) -> list[str]:
    """Return the parts of which some van that carries any could run out."""
    wanted: dict[str, int] = {}
    for task in tasks:
        if frame.tasks[task].lead:
            for code, count in frame.tasks[task].job.parts.items():
                wanted[code] = wanted.get(code, 0) + count
    stocks = [stock_behind(frame, number) for number in range(len(frame.crews))]
    return sorted(
        code for code, count in wanted.items() if any(stock.get(code, 0) < count for stock in stocks)
    )


def kinds_of_ability(frame: Frame, tasks: Sequence[int]) -> tuple[Ints, Ints]:
    """Return the different rows of who is able [kinds, crews], and the kind of each task."""
    rows, kinds = np.unique(frame.able[list(tasks)], axis=0, return_inverse=True)
    return rows.astype(np.int64), kinds.reshape(-1).astype(np.int64)


def span_now(spans: Spans, at: int) -> tuple[int, int]:
    """Return the span that holds `at`, else the first; one that never closes where there is none."""
    inside = [span for span in spans if span[0] <= at <= span[1]]
    return (inside or list(spans) or [(0, NEVER)])[0]
