"""PyVRP's iterated local search, put together for budgets of seconds.

Its own defaults are for minutes and more: penalties start at 50,000 a ms and take some 50,000 iterations to
come down to what a ms is worth. Settings were chosen on made-up instances (docs/decisions/0054).
"""

import warnings
from dataclasses import dataclass
from time import process_time
from typing import Any

LOAD_PENALTY, TIME_PENALTY = 5_000.0, 30.0
"""What a unit of load and a ms too much cost at first, in ms of travel; they adapt from there."""
NEIGHBOURS = 20
HISTORY = 100
MOST_PERTURBED = 25


@dataclass(frozen=True, slots=True)
class Limits:
    """Until when to search, and by when a plan that can be carried out must be there (process time, s)."""

    until: float
    feasible_by: float
    seed: int


class _Stop:
    """Ends a search in time, by the process's clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def __call__(self, best_cost: int) -> bool:
        now = process_time()
        return now >= self._limits.until or (now >= self._limits.feasible_by and best_cost >= _NONE)


_NONE = (1 << 63) - 1
"""PyVRP's cost of what cannot be carried out."""


def search(data: Any, limits: Limits, start: Any = None) -> Any:
    """Return the best solution found (pyvrp.Solution), which need not be feasible."""
    from pyvrp import (
        IteratedLocalSearch,
        IteratedLocalSearchParams,
        PenaltyManager,
        RandomNumberGenerator,
        Solution,
    )
    from pyvrp.exceptions import PenaltyBoundWarning
    from pyvrp.search import (
        OPERATORS,
        LocalSearch,
        NeighbourhoodParams,
        PerturbationManager,
        PerturbationParams,
        compute_neighbours,
    )

    rng = RandomNumberGenerator(seed=limits.seed)
    neighbours = compute_neighbours(data, NeighbourhoodParams(num_neighbours=NEIGHBOURS))
    local = LocalSearch(data, rng, neighbours, PerturbationManager(PerturbationParams(1, MOST_PERTURBED)))
    for operator in OPERATORS:
        if operator.supports(data):
            local.add_operator(operator(data))
    penalties = PenaltyManager(([LOAD_PENALTY] * data.num_load_dimensions, TIME_PENALTY, TIME_PENALTY))
    if start is None:
        start = local(Solution.make_random(data, rng), penalties.max_cost_evaluator(), exhaustive=True)
    settings = IteratedLocalSearchParams(history_length=HISTORY, exhaustive_on_best=False)
    found = IteratedLocalSearch(data, penalties, local, start, settings)
    with warnings.catch_warnings():
        # A day that has no room for every task is nothing to warn of: tasks become optional then.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        return found.run(_Stop(limits), collect_stats=False).best
