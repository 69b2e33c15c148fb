"""The dispatch yardstick: how much longer a planner's routes are than the best known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from desk.dispatch.planning.planners import planner
from desk.dispatch.planning.port import Planner, Problem
from desk.dispatch.travel.port import TravelMatrix
from fleet.dayplan import DayPlan
from fleet.visiting import Job, Window, Workday
from yardsticks.report import Report, over_seeds
from yardsticks.vrp_files import Instance, length, read_instances, wrong_with_routes

BUDGETS_S = (5.0, 30.0)
PLANNER = "pyvrp"
"""Long routes with a longest duration: what measures best on these (docs/decisions/0054)."""
PROTOCOL = (
    "Every *.vrp(.gz) of the folder with the cost in its .sol as best known; distances are coordinates times "
    "1,000, rounded to whole numbers. The planner gets 5 s and 30 s of the process's CPU, in one thread, for "
    "each instance, its own overhead included. gap_pct is the mean of distance over best known - 1, in %; a "
    "plan that is infeasible or leaves out a client counts with insertion's distance, or with twice the best "
    "known where that is infeasible too, and in infeasible and unserved. Feasibility is checked by code that "
    "shares nothing with planners. Settings were chosen on made-up instances of the same kind, never on "
    "these. Seeds are the solver's."
)


def evaluate(folder: Path, seeds: Sequence[int], budgets_s: Sequence[float] = BUDGETS_S) -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    Raises InvalidInput when a file is missing or wrong.
    """
    instances = read_instances(folder)
    gaps: dict[str, dict[str, list[float]]] = {each.name: {} for each in instances}
    cpu: dict[str, list[tuple[float, float]]] = {}
    chosen = planner(PLANNER)

    def run(seed: int) -> dict[str, float]:
        found = {"infeasible": 0.0, "unserved": 0.0}
        for budget in budgets_s:
            name = f"{budget:g}s"
            for instance in instances:
                judged = judge(instance, chosen, budget, seed)
                gaps[instance.name].setdefault(name, []).append(judged["gap_pct"])
                cpu.setdefault(name, []).append((judged["cpu_s"], judged["solver_cpu_s"]))
                found["infeasible"] += judged["infeasible"]
                found["unserved"] += judged["unserved"]
            found[f"gap_pct_{name}"] = float(np.mean([gaps[each.name][name][-1] for each in instances]))
        return found

    metrics, _ = over_seeds(seeds, run)
    details = {
        "instances": len(instances),
        "gap_pct": {
            name: {key: float(np.mean(each)) for key, each in told.items()} for name, told in gaps.items()
        },
        "cpu_s": {name: _cpu(each) for name, each in cpu.items()},
    }
    return Report("dispatch", seeds, metrics, baselines(instances), PROTOCOL, details).as_json()


def judge(instance: Instance, chosen: Planner, budget_s: float, seed: int) -> dict[str, float]:
    """Plan one instance; return its gap (%), what is wrong with it, and the seconds of CPU."""
    plan = chosen.plan(problem_of(instance), budget_s, seed)
    routes = routes_of(instance, plan)
    wrong = wrong_with_routes(instance, routes)
    distance = length(instance, routes)
    if wrong:
        instead = routes_of(instance, planner("insertion").plan(problem_of(instance), budget_s, seed))
        distance = (
            length(instance, instead) if not wrong_with_routes(instance, instead) else 2 * instance.best_known
        )
    return {
        "gap_pct": 100 * (distance / instance.best_known - 1),
        "infeasible": float(bool(wrong)),
        "unserved": float(len(plan.unassigned)),
        "cpu_s": plan.cpu_s,
        "solver_cpu_s": plan.solver_cpu_s,
    }


def problem_of(instance: Instance) -> Problem:
    """Return an instance as a day: a unit of way is a second, clients allowed are skills, load is a part."""
    places = [(float(x), float(y)) for x, y in instance.coordinates]
    seconds = instance.distances / 1000
    jobs = tuple(
        Job(
            str(place),
            places[place],
            int(instance.service[place]),
            int(instance.opens[place]),
            int(instance.closes[place]),
            int(instance.closes[place]),
            skills=frozenset([str(place)]),
            parts={"load": int(instance.demand[place])} if instance.demand[place] else {},
        )
        for place in range(1, len(places))
    )
    hours = (Window(int(instance.opens[0]), int(instance.closes[0])),)
    days = tuple(
        Workday(
            str(vehicle),
            places[0],
            hours,
            places[0],
            frozenset(str(place) for place in instance.allowed[vehicle]),
            {"load": int(capacity)},
            longest_ms=instance.longest,
        )
        for vehicle, capacity in enumerate(instance.capacities)
    )
    return Problem(hours[0].start, jobs, days, TravelMatrix(tuple(places), seconds, seconds, "yardstick"))


def routes_of(instance: Instance, plan: DayPlan) -> list[list[int]]:
    """Return a plan's places by vehicle."""
    found: list[list[int]] = [[] for _ in instance.capacities]
    for route in plan.routes:
        found[int(route.engineer)] = [int(stop.job) for stop in route.stops]
    return found


def baselines(instances: Sequence[Instance]) -> dict[str, float]:
    """Return the gap of plain insertion, over the instances that it solves, and on how many it fails."""
    gaps = []
    for instance in instances:
        routes = routes_of(instance, planner("insertion").plan(problem_of(instance), 60.0))
        if not wrong_with_routes(instance, routes):
            gaps.append(100 * (length(instance, routes) / instance.best_known - 1))
    mean = float(np.mean(gaps)) if gaps else float("nan")
    return {"gap_pct_insertion": mean, "insertion_failed": float(len(instances) - len(gaps))}


def _cpu(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    whole, solver = np.array(pairs).mean(axis=0)
    return {"whole": float(whole), "solver": float(solver), "ours_share": float((whole - solver) / solver)}
