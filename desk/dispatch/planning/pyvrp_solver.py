"""PyVRP behind the solver's port: whole ms, longest durations, parts as loads, in one thread.

PyVRP knows no breaks: their length is taken off the end of the day, and what does not fit once they are put
in comes out again. Where no plan with every task is found in good time, tasks become optional, with prizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from desk.dispatch.planning.frame import FAR, NEVER, Crew, Ints
from desk.dispatch.planning.insertion import WEIGHTS, Routes
from desk.dispatch.planning.pyvrp_search import Limits, search
from desk.dispatch.planning.solver import Asked, behind_fixed, scarce_parts, span_now, stock_behind

_FORBIDDEN = 40
"""So many times the longest way is one that is not to be taken. PyVRP's own largest number stalls it."""
_ALL_SHARE = 0.4
"""The share of the time after which a plan with every task has to be there."""


class PyvrpSolver:
    """Routes tasks with PyVRP's iterated local search."""

    name = "pyvrp"

    def route(self, asked: Asked) -> Routes:
        """Return a route for each crew; breaks are not in them yet."""
        routes = [list(route) for route in asked.frame.fixed]
        if not asked.tasks or not asked.frame.crews:
            return routes
        begun = process_time()
        entered = _Entered(asked)
        built = process_time()
        must = entered.data(required=True)
        limits = Limits(asked.until, built + _ALL_SHARE * max(0.0, asked.until - built), asked.seed)
        best = search(must, limits, entered.start(must))
        if not best.is_feasible() and asked.left_s > 0:
            may = entered.data(required=False)
            best = search(may, Limits(asked.until, asked.until, asked.seed), entered.start(may))
        asked.used_s += process_time() - begun
        for crew, tasks in entered.found(best):
            routes[crew] += tasks
        return routes


@dataclass(frozen=True, slots=True)
class _Kind:
    """Crews that are the same to a solver: what they are able to do (row), and a vehicle's other traits."""

    able: tuple[bool, ...]
    crew: Crew
    stock: tuple[int, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two the same."""
        day = self.crew.day
        traits = (self.crew.start, self.crew.end, self.crew.ready, self.crew.until, self.crew.pauses)
        return (self.able, *traits, self.stock, day.longest_ms, day.dear_s)


class _Entered:
    """What was asked, as PyVRP's data."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._parts = scarce_parts(asked.frame, asked.tasks)
        self._base = min(crew.ready for crew in asked.frame.crews)
        self._kinds: dict[tuple[Any, ...], tuple[_Kind, list[int]]] = {}
        for number in range(len(asked.frame.crews)):
            crew = behind_fixed(asked.frame, asked.spans, number)
            able = asked.frame.able[asked.tasks, number]
            if crew.ready < crew.until and able.any():
                stock = stock_behind(asked.frame, number)
                kind = _Kind(tuple(able.tolist()), crew, tuple(stock.get(code, 0) for code in self._parts))
                self._kinds.setdefault(kind.key, (kind, []))[1].append(number)
        self._nodes = self._used_nodes()

    def _used_nodes(self) -> list[int]:
        used = {self._asked.frame.tasks[task].node for task in self._asked.tasks}
        for kind, _ in self._kinds.values():
            used |= {kind.crew.start} | ({kind.crew.end} if kind.crew.end is not None else set())
        return sorted(used)

    def data(self, *, required: bool) -> Any:
        """Return PyVRP's problem; the last of its locations is the end of whoever ends anywhere."""
        import pyvrp

        place = {node: number for number, node in enumerate(self._nodes)}
        anywhere = len(self._nodes)
        drive = self._drive()
        ends = [node for kind, _ in self._kinds.values() for node in (kind.crew.start, kind.crew.end)]
        depots = sorted({anywhere if node is None else place[node] for node in ends})
        depot_of = {location: number for number, location in enumerate(depots)}
        profiles: dict[tuple[bool, ...], int] = {}
        types = []
        for kind, numbers in self._kinds.values():
            profile = profiles.setdefault(kind.able, len(profiles))
            end = anywhere if kind.crew.end is None else place[kind.crew.end]
            types.append(
                self._type(kind, len(numbers), depot_of[place[kind.crew.start]], depot_of[end], profile)
            )
        matrices: list[Any] = [self._allowed(drive, able, place) for able in profiles]
        return pyvrp.ProblemData(
            [pyvrp.Location(0, 0) for _ in range(anywhere + 1)],
            [self._client(task, place, required=required) for task in self._asked.tasks],
            [pyvrp.Depot(location) for location in depots],
            types,
            matrices,
            matrices,
        )

    def start(self, data: Any) -> Any:
        """Return the routes to start from as PyVRP's solution; None where there are none."""
        import pyvrp

        number_of = {task: number for number, task in enumerate(self._asked.tasks)}
        routes = []
        for type_number, (_, crews) in enumerate(self._kinds.values()):
            for crew in crews:
                visits = [number_of[task] for task in self._asked.start[crew] if task in number_of]
                if visits:
                    routes.append(pyvrp.Route(data, visits, type_number))
        return pyvrp.Solution(data, routes) if routes else None

    def found(self, best: Any) -> list[tuple[int, list[int]]]:
        """Return the tasks of each crew that has any."""
        crews = [list(numbers) for _, numbers in self._kinds.values()]
        return [
            (
                crews[route.vehicle_type()].pop(0),
                [self._asked.tasks[each.idx] for each in route if each.is_client()],
            )
            for route in best.routes()
        ]

    def _drive(self) -> Ints:
        size = len(self._nodes) + 1
        drive = np.zeros((size, size), dtype=np.int64)
        drive[:-1, :-1] = self._asked.frame.drive[np.ix_(self._nodes, self._nodes)]
        longest = int(drive[drive < FAR].max(initial=1))
        drive[drive >= FAR] = longest * _FORBIDDEN
        return drive

    def _allowed(self, drive: Ints, able: Sequence[bool], place: dict[int, int]) -> Ints:
        """Return the matrix of those who are able to do only some: no way leads to the rest."""
        nodes = [place[self._asked.frame.tasks[task].node] for task in self._asked.tasks]
        free = {node for node, can in zip(nodes, able, strict=True) if can}
        free |= {place[kind.crew.start] for kind, _ in self._kinds.values()}
        barred = [node for node in set(nodes) if node not in free]
        found = drive.copy()
        found[:, barred] = found[barred, :] = int(drive.max()) * _FORBIDDEN
        np.fill_diagonal(found, 0)
        return found

    def _type(self, kind: _Kind, count: int, start: int, end: int, profile: int) -> Any:
        import pyvrp

        crew = kind.crew
        rest = sum(length for _, latest, length in crew.pauses if latest < crew.until)
        longest = crew.until - crew.ready if crew.day.longest_ms is None else crew.day.longest_ms
        return pyvrp.VehicleType(
            count,
            list(kind.stock),
            start,
            end,
            crew.day.dear_s * 1000,
            crew.ready - self._base,
            crew.until - rest - self._base,
            max(0, longest - rest),
            profile=profile,
        )

    def _client(self, task: int, place: dict[int, int], *, required: bool) -> Any:
        import pyvrp

        mine = self._asked.frame.tasks[task]
        opens, closes = span_now(self._asked.spans[task], -1)
        job = mine.job
        return pyvrp.Client(
            place[mine.node],
            [job.parts.get(code, 0) if mine.lead else 0 for code in self._parts],
            [],
            job.work_ms,
            max(0, opens - self._base),
            min(NEVER, max(0, closes - self._base)),
            prize=0 if required else WEIGHTS[job.level] * 24 * 3_600_000,
            required=required,
        )
