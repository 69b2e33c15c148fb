"""Insertion: tasks come into routes one by one, first the one that would lose most by waiting (regret).

The regret of a task is what its second best route costs more than its best (Potvin and Rousseau 1993).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from desk.dispatch.planning.frame import FAR, Frame, Ints, Spans
from desk.dispatch.planning.room import Room
from desk.dispatch.planning.timing import timed
from fleet.faults import Level

Routes = list[list[int]]

WEIGHTS = {Level.L1: 100, Level.L2: 10, Level.L3: 1}
"""What leaving a job undone counts, against others."""
_ROUTES_LOOKED_AT = 8
_PLACES_TRIED = 3
_ALONE = FAR
"""The regret of a task that has one route left."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task could go: into a crew's route, at a place, for a cost (ms)."""

    cost: int
    crew: int
    at: int


def fill(
    frame: Frame,
    routes: Routes,
    tasks: Iterable[int],
    spans: Sequence[Spans],
    late: Sequence[Spans] | None = None,
) -> list[int]:
    """Insert tasks into routes, which are changed; return those that found no place.

    `late` are wider spans that these tasks may use at the cost of each ms that they begin after their own.
    """
    left = set(tasks)
    if not left:
        return []
    filler = _Filler(frame, routes, spans, late)
    known = {task: filler.places(task) for task in left}
    while left:
        task = max(left, key=lambda each: (_urgency(frame, each, known[each]), -each))
        if not known[task]:
            break  # the most urgent of all has no place: nor has any other
        chosen = known[task][0]
        routes[chosen.crew].insert(chosen.at, task)
        filler.changed(chosen.crew, task)
        left.remove(task)
        for other in left:
            if frame.able[other, chosen.crew]:
                filler.again(known, other, chosen.crew)
    return sorted(left)


def _urgency(frame: Frame, task: int, places: Sequence[Place]) -> tuple[bool, int]:
    if not places:
        return (False, 0)
    second = places[1].cost if len(places) > 1 else _ALONE
    return (True, (second - places[0].cost) * WEIGHTS[frame.tasks[task].job.level])


class _Filler:
    """Looks for places, with the detours of every task through every leg at hand."""

    def __init__(
        self, frame: Frame, routes: Routes, spans: Sequence[Spans], late: Sequence[Spans] | None
    ) -> None:
        self._frame = frame
        self._routes = routes
        self._spans = list(spans)
        self._late = late
        self._nodes = frame.nodes()
        self._stock = [dict(crew.day.stock) for crew in frame.crews]
        self._detours: list[Ints] = []
        self._rooms: list[Room | None] = []
        for number, route in enumerate(routes):
            self._detours.append(detours(frame, number, route, self._nodes))
            self._rooms.append(None)
            for task in route:
                self._use(number, task)

    def changed(self, crew: int, task: int) -> None:
        """Note that a task was put into a crew's route."""
        if self._late is not None:
            # What is late stays where it is found: others may push it no further.
            legs = timed(self._frame, self._frame.crews[crew], self._routes[crew], self._wide(task))
            begin = next(leg.begin for leg in legs or [] if leg.task == task)
            self._spans[task] = (
                (min(begin, self._spans[task][0][0] if self._spans[task] else begin), begin),
            )
        self._detours[crew] = detours(self._frame, crew, self._routes[crew], self._nodes)
        self._rooms[crew] = None
        self._use(crew, task)

    def places(self, task: int) -> list[Place]:
        """Return the best places of a task, one a route, cheapest first."""
        able = np.flatnonzero(self._frame.able[task])
        cheapest = sorted((int(self._detours[crew][:, task].min()), int(crew)) for crew in able)
        found: list[Place] = []
        for least, crew in cheapest:
            if len(found) >= _ROUTES_LOOKED_AT or least >= FAR:
                break
            if (place := self._place(task, crew)) is not None:
                found.append(place)
        return sorted(found, key=lambda place: place.cost)

    def again(self, known: dict[int, list[Place]], task: int, crew: int) -> None:
        """Look again in a route that was changed."""
        kept = [place for place in known[task] if place.crew != crew]
        if len(kept) == len(known[task]):
            return
        if not kept:
            known[task] = self.places(task)
            return
        if (place := self._place(task, crew)) is not None:
            kept.append(place)
        known[task] = sorted(kept, key=lambda place: place.cost)

    def _place(self, task: int, crew: int) -> Place | None:
        if not self._carries(crew, task):
            return None
        frame, route = self._frame, self._routes[crew]
        first = len(frame.fixed[crew])
        costs = self._detours[crew][first:, task]
        dear = 0 if route else frame.crews[crew].day.dear_s * 1000
        order = np.argsort(costs, kind="stable")
        if self._late is not None:
            return self._late_place(task, crew, [(int(costs[at]) + dear, first + int(at)) for at in order])
        for at in order[:_PLACES_TRIED]:
            if costs[at] + dear >= FAR:
                break
            if self._room(crew).fits(first + int(at), task):
                return Place(int(costs[at]) + dear, crew, first + int(at))
        return None

    def _late_place(self, task: int, crew: int, choices: Sequence[tuple[int, int]]) -> Place | None:
        """Return the best of some (detour, place), where each ms that is late costs as one on the road."""
        frame, route, spans = self._frame, self._routes[crew], self._wide(task)
        best: Place | None = None
        for cost, at in choices:
            if cost >= FAR or (best is not None and cost >= best.cost):
                break
            legs = timed(frame, frame.crews[crew], [*route[:at], task, *route[at:]], spans)
            if legs is not None:
                late = off(self._spans[task], next(leg.begin for leg in legs if leg.task == task))
                if best is None or cost + late < best.cost:
                    best = Place(cost + late, crew, at)
        return best

    def _room(self, crew: int) -> Room:
        found = self._rooms[crew]
        if found is None:
            found = Room(self._frame, self._frame.crews[crew], self._routes[crew], self._spans)
            self._rooms[crew] = found
        return found

    def _wide(self, task: int) -> list[Spans]:
        assert self._late is not None
        return [*self._spans[:task], self._late[task], *self._spans[task + 1 :]]

    def _carries(self, crew: int, task: int) -> bool:
        mine = self._frame.tasks[task]
        return not mine.lead or all(
            self._stock[crew].get(code, 0) >= count for code, count in mine.job.parts.items()
        )

    def _use(self, crew: int, task: int) -> None:
        mine = self._frame.tasks[task]
        if mine.lead:
            for code, count in mine.job.parts.items():
                self._stock[crew][code] = self._stock[crew].get(code, 0) - count


def detours(frame: Frame, crew: int, route: Sequence[int], nodes: Ints) -> Ints:
    """Return what each task (column) adds to the drive at each place (row) of a route, int64 ms."""
    stops = [frame.crews[crew].start, *(frame.tasks[task].node for task in route)]
    end = frame.crews[crew].end
    table: Ints = frame.drive[np.ix_(np.array(stops), nodes)]
    after = stops[1:] if end is None else [*stops[1:], end]
    back = frame.drive[np.ix_(nodes, np.array(after, dtype=np.int64))].T
    table[: len(after)] += back - frame.drive[stops[: len(after)], after][:, None]
    return table


def off(spans: Spans, begin: int) -> int:
    """Return by how much (ms) a time misses the nearest of some spans."""
    return min((max(opens - begin, begin - closes, 0) for opens, closes in spans), default=0)
