"""Why this engineer and no other: what each job would cost in every other route, all at once."""

from collections.abc import Sequence

import numpy as np

from desk.dispatch.planning.frame import FAR, Frame, Ints, Spans, has_parts
from desk.dispatch.planning.insertion import Routes, detours
from desk.dispatch.planning.room import Room
from desk.dispatch.planning.solver import stock_behind
from fleet.dayplan import Alternative, Chosen, Hindrance, Lack, Why

_TRIED = 3
"""So many nearer or next engineers are tried for a place in time."""
_WORTH_MS = 60_000
"""A nearer engineer is told of where it would save so much travel."""


class Comparison:
    """What each task adds to each route: `detours` [crews, tasks], ms, FAR where there is no way."""

    def __init__(self, frame: Frame, routes: Routes, spans: Sequence[Spans]) -> None:
        self._frame = frame
        self._routes = routes
        self._spans = spans
        nodes = frame.nodes()
        self._tables = [detours(frame, number, route, nodes) for number, route in enumerate(routes)]
        rows = [
            table[len(frame.fixed[number]) :].min(axis=0) if len(nodes) else np.zeros(0, dtype=np.int64)
            for number, table in enumerate(self._tables)
        ]
        self._detours: Ints = np.array(rows, dtype=np.int64).reshape(len(routes), len(nodes))
        self._rooms: dict[int, Room] = {}
        self._stocks = [self._stock(number) for number in range(len(routes))]

    def why(self, crew: int, task: int) -> Why:
        """Return why a task is in a crew's route."""
        extra = self._saved(crew, task)
        mine = self._frame.tasks[task]
        able = int(self._frame.able[task].sum())
        hold = mine.job.hold
        if hold is not None:
            return Why(Chosen(hold.why.value), able, extra // 1000)
        if mine.job.people == 2:
            return Why(Chosen.WHOLE_PLAN, able, extra // 1000)
        next_best = self._next_best(crew, task, extra)
        better = self._better(crew, task, extra)
        return Why(self._chosen(able, next_best, better), able, extra // 1000, next_best, better)

    @staticmethod
    def _chosen(able: int, next_best: Alternative | None, better: Hindrance | None) -> Chosen:
        if able == 1:
            return Chosen.ONLY_ONE
        if next_best is not None and next_best.more_s < 0:
            return Chosen.WHOLE_PLAN
        return Chosen.IN_TIME if better is not None and better.lack is Lack.TIME else Chosen.LEAST_TRAVEL

    def _saved(self, crew: int, task: int) -> int:
        """Return the travel (ms) that the route would save without the task."""
        frame, route = self._frame, self._routes[crew]
        at = route.index(task)
        stops = [frame.crews[crew].start, *(frame.tasks[each].node for each in route)]
        before, node = stops[at], stops[at + 1]
        end = frame.crews[crew].end
        after = stops[at + 2] if at + 2 < len(stops) else end
        to = int(frame.drive[before, node])
        if after is None:
            return to
        direct = int(frame.drive[before, after])
        return to + int(frame.drive[node, after]) - (0 if direct >= FAR else direct)

    def _next_best(self, crew: int, task: int, extra: int) -> Alternative | None:
        """Return the cheapest of the other able engineers who could fit it in as things stand."""
        able = np.flatnonzero(self._frame.able[task])
        nearest = able[np.argsort(self._detours[able, task], kind="stable")]
        for other in nearest[nearest != crew][:_TRIED]:
            cost = self._fits(int(other), task)
            if cost is not None:
                return Alternative(self._frame.crews[other].day.engineer, (cost - extra) // 1000)
        return None

    def _better(self, crew: int, task: int, extra: int) -> Hindrance | None:
        """Return the nearest engineer who would save travel, and what keeps them from it."""
        frame, job = self._frame, self._frame.tasks[task].job
        for other in np.argsort(self._detours[:, task], kind="stable")[:_TRIED]:
            saves = extra - int(self._detours[other, task])
            if saves < _WORTH_MS:
                return None
            day = frame.crews[other].day
            if other == crew:
                continue
            if missing := job.skills - day.skills:
                return Hindrance(day.engineer, Lack.SKILL, tuple(sorted(missing)), saves // 1000)
            stock = self._stocks[other]
            short = sorted(code for code, count in job.parts.items() if stock.get(code, 0) < count)
            if short:
                return Hindrance(day.engineer, Lack.PART, tuple(short), saves // 1000)
            if self._fits(int(other), task) is None:
                return Hindrance(day.engineer, Lack.TIME, (), saves // 1000)
        return None

    def _fits(self, crew: int, task: int) -> int | None:
        """Return what the cheapest places of a route that fit in time cost (ms); None where none does."""
        frame = self._frame
        job = frame.tasks[task].job
        if not has_parts(self._stocks[crew], job.parts):
            return None
        first = len(frame.fixed[crew])
        costs: list[int] = self._tables[crew][first:, task].tolist()
        for at in sorted(range(len(costs)), key=costs.__getitem__)[:2]:
            if costs[at] >= FAR:
                return None
            if self._room(crew).fits(first + at, task):
                return costs[at]
        return None

    def _room(self, crew: int) -> Room:
        if crew not in self._rooms:
            self._rooms[crew] = Room(self._frame, self._frame.crews[crew], self._routes[crew], self._spans)
        return self._rooms[crew]

    def _stock(self, number: int) -> dict[str, int]:
        stock = stock_behind(self._frame, number)
        for task in self._routes[number][len(self._frame.fixed[number]) :]:
            if self._frame.tasks[task].lead:
                for code, count in self._frame.tasks[task].job.parts.items():
                    stock[code] = stock.get(code, 0) - count
        return stock
