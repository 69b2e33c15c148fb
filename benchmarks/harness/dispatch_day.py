"""A service day replayed with what comes in between: late cases, engineers who fall sick, plans made anew."""

from dataclasses import dataclass, field, replace

from benchmarks.harness.service_day import OPEN, late_cases
from desk.dispatch.planning.checking import wrong_with
from desk.dispatch.planning.port import Planner, Problem
from desk.dispatch.planning.rolling import churn, rolled, telling
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.dayplan import DayPlan
from fleet.visiting import Held

EVENTS = ((1.0, "E3"), (2.5, ""), (4.0, "E11"), (5.5, ""))
"""Hours after opening at which a quarter of the late cases comes in, and who falls sick then."""
TOLD_MS = HOUR_MS
"""An arrival is told as so much before and after the planned begin."""


@dataclass(slots=True)
class Replayed:
    """What became of a day: travel of all (s), arrivals told, and told anew, held jobs that moved."""

    travel_s: float = 0.0
    told: set[str] = field(default_factory=set)
    anew: set[str] = field(default_factory=set)
    held_moved: int = 0
    undone: int = 0
    wrong: list[str] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def replay(planner: Planner, day: Problem, late: int, seed: int, cpu_s: float, *, free: bool) -> Replayed:
    """Plan a day and replay it; `free` plans as if nothing had been told but what is under way and next."""
    found = Replayed()
    problem = replace(day, told_cost_s=0) if free else day
    plan = planner.plan(problem, cpu_s)
    for number, (hour, sick) in enumerate(EVENTS):
        problem = telling(problem, plan, TOLD_MS, TOLD_MS)
        now = OPEN + round(hour * HOUR_MS) + MINUTE_MS
        later = rolled(problem, plan, now, {sick})
        found.travel_s += _driven(plan, now)
        share = range(number * late // len(EVENTS), (number + 1) * late // len(EVENTS))
        problem = late_cases(later.problem, share, seed * 100 + number, now)
        again = planner.plan(problem, cpu_s, before=plan)
        _count(found, problem, plan, again)
        plan = again
    found.travel_s += plan.travel_s
    found.undone = len(plan.unassigned)
    return found


def _driven(plan: DayPlan, now: int) -> float:
    """Return the travel to all that is done or begun: no later plan has it."""
    return sum(stop.travel_s for _, stop in plan.stops() if stop.begin <= now)


def _count(found: Replayed, problem: Problem, before: DayPlan, after: DayPlan) -> None:
    changed = churn(problem, before, after)
    begins = {(who, stop.job): stop.begin for who, stop in before.stops()}
    now = {(who, stop.job): stop.begin for who, stop in after.stops()}
    found.told |= {job.id for job in problem.jobs if job.told is not None}
    found.anew |= set(changed.told_anew)
    for job in problem.jobs:
        if job.hold is not None and job.hold.why is not Held.OVERRIDE:
            found.held_moved += any(
                now.get((who, job.id)) != begins[who, job.id] for who in job.hold.engineers
            )
    found.wrong += wrong_with(problem, after)
    found.cpu_s.append(after.cpu_s)
