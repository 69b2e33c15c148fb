"""The checker finds each thing that can be wrong with a plan."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from helpers.visiting import LUNCH, a_day, a_job, a_problem, at

from desk.dispatch.planning.checking import wrong_with
from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Problem
from fleet.clock import MINUTE_MS
from fleet.dayplan import DayPlan, Remedy, Stop, Unassigned, Undone
from fleet.errors import ConfigError, InvalidInput
from fleet.visiting import Held, Hold, Job, Rest, Window, Workday


def a_plan() -> tuple[Problem, DayPlan]:
    jobs = [
        a_job("J", skills=frozenset(["brush"]), parts={"belt": 1}, minutes=200),
        a_job("K", minutes=200),
    ]
    days = [a_day("ann", skills=frozenset(["brush"]), stock={"belt": 1}, rests=(LUNCH,))]
    problem = a_problem(jobs, days)
    return problem, planner("insertion").plan(problem, 1.0)


def first(plan: DayPlan, **change: object) -> DayPlan:
    (route,) = plan.routes
    changed = replace(route.stops[0], **change)  # type: ignore[arg-type]
    return replace(plan, routes=(replace(route, stops=(changed, *route.stops[1:])),))


def job(problem: Problem, **change: object) -> Problem:
    jobs = tuple(replace(each, **change) if each.id == "J" else each for each in problem.jobs)  # type: ignore[arg-type]
    return replace(problem, jobs=jobs)


def day(problem: Problem, **change: object) -> Problem:
    return replace(problem, workdays=(replace(problem.workdays[0], **change),))  # type: ignore[arg-type]


def without_rests(plan: DayPlan) -> DayPlan:
    (route,) = plan.routes
    stops = tuple(replace(stop, rests=()) for stop in route.stops)
    return replace(plan, routes=(replace(route, stops=stops, home_rests=()),))


SPOILT: dict[str, tuple[Callable[[Problem, DayPlan], tuple[Problem, DayPlan]], str]] = {
    "a job forgotten": (lambda p, d: (replace(p, jobs=(*p.jobs, a_job("L"))), d), "L is in 0 routes"),
    "a job in both": (
        lambda p, d: (p, replace(d, unassigned=(Unassigned("J", Undone.NO_ROOM, Remedy.NEW_WINDOW),))),
        "1 times unassigned",
    ),
    "two routes": (lambda p, d: (p, replace(d, routes=d.routes * 2)), "has 2 routes"),
    "nobody": (lambda p, d: (replace(p, workdays=(a_day("bo"),)), d), "ann has no workday"),
    "no job": (lambda p, d: (p, first(d, job="X")), "X, which is no job"),
    "too early": (lambda p, d: (day(p, free_at=at(9)), d), "sets out"),
    "no time to drive": (lambda p, d: (p, first(d, arrival=at(8))), "there at"),
    "less travel": (lambda p, d: (p, first(d, travel_s=1.0)), "1.0 s of travel"),
    "work before arrival": (lambda p, d: (p, first(d, arrival=at(9))), "work begins at"),
    "less work": (lambda p, d: (p, first(d, end=at(9))), "ms of work"),
    "late unsaid": (lambda p, d: (job(p, due=at(8)), d), "late by 0"),
    "before its time": (lambda p, d: (job(p, earliest=at(16)), d), "before"),
    "after its time": (lambda p, d: (job(p, latest=at(8)), d), "after"),
    "after hours": (lambda p, d: (day(p, hours=(Window(at(8), at(14)),)), d), "is back at"),
    "too long": (lambda p, d: (day(p, longest_ms=MINUTE_MS), d), "60000 at most"),
    "no lunch": (lambda p, d: (p, without_rests(d)), "has no rest of"),
    "another lunch": (
        lambda p, d: (day(p, rests=(Rest(30 * MINUTE_MS, at(11.5), at(14)),)), d),
        "has no rest of",
    ),
    "work in the gap": (
        lambda p, d: (day(p, hours=(Window(at(8), at(9)), Window(at(10), at(18)))), d),
        "has no rest of 3600000",
    ),
    "no skill": (lambda p, d: (day(p, skills=frozenset()), d), "has no brush"),
    "no part": (lambda p, d: (day(p, stock={}), d), "carries 0 of belt"),
    "held for another": (lambda p, d: (job(p, hold=Hold(Held.OVERRIDE, ("bo",))), d), "held for bo"),
    "held for another time": (
        lambda p, d: (job(p, hold=Hold(Held.OVERRIDE, ("ann",), at(17))), d),
        "is held for",
    ),
    "one of two people": (lambda p, d: (job(p, people=2), d), "is in 1 routes"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_wrong_is_found(what: str) -> None:
    problem, plan = a_plan()
    assert wrong_with(problem, plan) == []
    spoil, says = SPOILT[what]
    assert any(says in line for line in wrong_with(*spoil(problem, plan)))


def test_what_is_next_has_to_come_first() -> None:
    problem, plan = a_plan()
    last = plan.routes[0].stops[-1]
    jobs = tuple(
        replace(each, hold=Hold(Held.NEXT, ("ann",), last.begin)) if each.id == last.job else each
        for each in problem.jobs
    )
    assert any("does not come first" in line for line in wrong_with(replace(problem, jobs=jobs), plan))


def test_two_people_have_to_begin_together_and_one_be_able() -> None:
    days = [a_day("ann", skills=frozenset(["brush"])), a_day("bo")]
    problem = a_problem([a_job("J", people=2, skills=frozenset(["brush"]))], days)
    plan = planner("insertion").plan(problem, 1.0)
    one, two = plan.routes
    moved = replace(two.stops[0], begin=two.stops[0].begin + 1, end=two.stops[0].end + 1)
    apart = replace(plan, routes=(one, replace(two, stops=(moved,), home_at=two.home_at + 1)))
    assert wrong_with(problem, apart) == ["J: its two people do not begin together"]
    unable = replace(problem, workdays=(a_day("ann"), a_day("bo")))
    assert wrong_with(unable, plan) == ["J: neither of its people has all skills and parts"]


def test_values_that_cannot_be_say_what_is_allowed() -> None:
    wrong: list[tuple[Callable[[], object], str]] = [
        (lambda: Window(2, 1), "ends"),
        (lambda: a_job("J", minutes=-1), "0 or more"),
        (lambda: a_job("J", people=3), "1 or 2"),
        (lambda: a_job("J", parts={"belt": 0}), "belt"),
        (lambda: Workday("ann", (0.0, 0.0), ()), "at least one"),
        (lambda: Workday("ann", (0.0, 0.0), (Window(0, 5), Window(4, 6))), "overlap"),
        (lambda: a_problem([a_job("J"), a_job("J")], []), "job J is there twice"),
        (lambda: replace(a_problem([], []), jobs=(a_job("J"),)), "not in the matrix"),
        (lambda: a_problem([], [], told_cost_s=-1), "0 or more"),
    ]
    for make, says in wrong:
        with pytest.raises(InvalidInput, match=says):
            make()
    with pytest.raises(ConfigError, match="allowed: vroom, pyvrp, insertion"):
        planner("guess")


def test_waiting_and_sums_are_told() -> None:
    stop = Stop("J", 60.0, 1000.0, (), at(8), at(9), at(10))
    assert stop.waiting_ms == 60 * MINUTE_MS
    _, plan = a_plan()
    assert plan.travel_s == sum(route.travel_s for route in plan.routes) == 1200.0
    assert plan.routes[0].metres == 20_000.0
    assert isinstance(a_job("J"), Job)
