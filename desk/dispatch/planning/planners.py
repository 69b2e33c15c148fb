"""The planners that there are, by name; heavy packages are loaded when one is used."""

from desk.dispatch.planning.insertion_solver import InsertionSolver
from desk.dispatch.planning.port import Planner
from desk.dispatch.planning.pyvrp_solver import PyvrpSolver
from desk.dispatch.planning.solver import Solver
from desk.dispatch.planning.staged import StagedPlanner
from desk.dispatch.planning.vroom_solver import VroomSolver
from fleet.errors import ConfigError

DEFAULT = "vroom"
"""What measures best on service days (docs/decisions/0054)."""
NAMES = ("vroom", "pyvrp", "insertion")


def planner(name: str = DEFAULT) -> Planner:
    """Return a planner. Raises ConfigError for a name that there is not."""
    solvers: dict[str, Solver] = {
        each.name: each for each in (VroomSolver(), PyvrpSolver(), InsertionSolver())
    }
    if name not in solvers:
        raise ConfigError(f"planner: {name!r} is not known; allowed: {', '.join(NAMES)}")
    return StagedPlanner(solvers[name])
