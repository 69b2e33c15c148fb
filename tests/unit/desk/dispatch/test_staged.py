"""A plan uses the time that it was given: what promises leave of it goes into shorter ways."""

from dataclasses import dataclass, field

from helpers.visiting import a_day, a_job, a_problem

from desk.dispatch.planning.insertion import Routes
from desk.dispatch.planning.port import Problem
from desk.dispatch.planning.solver import Asked
from desk.dispatch.planning.staged import StagedPlanner

SOFT = a_problem(
    [a_job(name, place) for name, place in (("near", (5.0, 0.0)), ("far", (9.0, 0.0)), ("back", (6.0, 0.0)))],
    [a_day("E1")],
)


@dataclass
class Told:
    """A solver that answers with given orders of one route, and takes `each_s` at a time."""

    answers: list[list[int]]
    each_s: float = 0.0
    starts: list[Routes] = field(default_factory=list)
    name: str = "told"

    def route(self, asked: Asked) -> Routes:
        self.starts.append(asked.start)
        asked.used_s += self.each_s
        return [self.answers[min(len(self.starts), len(self.answers)) - 1]]


def order(solver: Told, problem: Problem, cpu_s: float = 10.0) -> list[str]:
    plan = StagedPlanner(solver).plan(problem, cpu_s)
    return [stop.job for _, stop in plan.stops()]


def test_time_that_promises_leave_goes_into_shorter_ways() -> None:
    solver = Told([[1, 0, 2], [0, 2, 1]])
    assert order(solver, SOFT) == ["near", "back", "far"]
    assert solver.starts[1] == [[1, 0, 2]], "from what was found"


def test_what_is_no_shorter_is_not_taken() -> None:
    solver = Told([[0, 2, 1], [1, 0, 2]])
    assert order(solver, SOFT) == ["near", "back", "far"]
    assert len(solver.starts) == 2


def test_it_looks_no_deeper_without_the_time() -> None:
    solver = Told([[1, 0, 2], [0, 2, 1]], each_s=3.0)
    assert order(solver, SOFT) == ["far", "near", "back"]
    assert len(solver.starts) == 1
