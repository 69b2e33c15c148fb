"""Insertion as a solver: what is planned without any, and what others fall back on."""

from time import process_time

from desk.dispatch.planning.insertion import Routes, fill
from desk.dispatch.planning.solver import Asked


class InsertionSolver:
    """Routes tasks by regret insertion alone; the routes to start from are kept where they still fit."""

    name = "insertion"

    def route(self, asked: Asked) -> Routes:
        """Return a route for each crew."""
        begun = process_time()
        routes = [list(route) for route in asked.frame.fixed]
        fill(asked.frame, routes, asked.tasks, asked.spans)
        asked.used_s += process_time() - begun
        return routes
