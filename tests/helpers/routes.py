"""The routes of an application, those of its routers included, and what their doors ask for."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from api.doors import ACTING, Needs
from fleet.grants import Permission


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Yield each route of ours as it is reached, whatever router it came with."""
    for each in iter_route_contexts(app.routes):
        if isinstance(each.original_route, APIRoute):
            yield each


def permissions_of(route: RouteContext) -> set[Permission]:
    """Return the permissions that a route needs."""
    return {call.permission for call in _calls(route.dependant) if isinstance(call, Needs)}


def knows_who_acts(route: RouteContext) -> bool:
    """Tell whether a route asks who changes something, and whether it was on a page of ours."""
    return any(call in ACTING for call in _calls(route.dependant))


def _calls(dependant: Dependant) -> Iterator[Any]:
    for each in dependant.dependencies:
        yield each.call
        yield from _calls(each)
