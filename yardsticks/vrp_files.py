"""Instances of vehicle routing in VRPLIB format, with who may serve whom, and their `.sol` files."""

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fleet.errors import InvalidInput

SCALE = 1000
"""Coordinates, times and durations times this are rounded to whole numbers, as the costs in `.sol` are."""
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance in whole numbers (times SCALE, but demands); place 0 is the depot.

    `distances` int64 [places, places]; `opens`, `closes`, `service`, `demand` a number a place; `capacities`
    a number a vehicle, `allowed` the places that each may serve; `longest` the longest duration of a route.
    """

    name: str
    coordinates: NDArray[np.float64]
    distances: Ints
    opens: Ints
    closes: Ints
    service: Ints
    demand: Ints
    capacities: Ints
    allowed: tuple[frozenset[int], ...]
    longest: int | None
    best_known: int


def read_instances(folder: Path) -> list[Instance]:
    """Read every `*.vrp` and `*.vrp.gz` of a folder. Raises InvalidInput for none, or what cannot be read."""
    paths = sorted([*folder.glob("*.vrp"), *folder.glob("*.vrp.gz")])
    if not paths:
        raise InvalidInput(f"{folder} holds no *.vrp or *.vrp.gz")
    return [read_instance(path) for path in paths]


def read_instance(path: Path) -> Instance:
    """Read an instance and the cost in the `.sol` beside it. Raises InvalidInput that says what is wrong."""
    head, sections = _parts(path)
    places = _whole(head, "DIMENSION", path)
    vehicles = _whole(head, "VEHICLES", path)
    try:
        xy = _table(sections, "NODE_COORD_SECTION", places, 3, path)[:, 1:]
        windows = _table(sections, "TIME_WINDOW_SECTION", places, 3, path)[:, 1:]
        service = _table(sections, "SERVICE_TIME_SECTION", places, 2, path)[:, 1]
        demand = _table(sections, "DEMAND_SECTION", places, 2, path)[:, 1]
        capacities = _table(sections, "CAPACITY_SECTION", vehicles, 2, path)[:, 1]
        longest = head.get("VEHICLES_MAX_DURATION")
        limit = None if longest is None else round(float(longest) * SCALE)
        allowed = _allowed(sections, places, vehicles, path)
    except ValueError as error:
        raise InvalidInput(f"{path}: {error}") from error
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    return Instance(
        head.get("NAME", path.name.split(".")[0]),
        xy,
        _scaled(apart),
        _scaled(windows[:, 0]),
        _scaled(windows[:, 1]),
        _scaled(service),
        np.rint(demand).astype(np.int64),
        np.rint(capacities).astype(np.int64),
        allowed,
        limit,
        read_best(path.parent / f"{path.name.split('.vrp')[0]}.sol")[1],
    )


def read_best(path: Path) -> tuple[list[list[int]], int]:
    """Return a `.sol` file's routes by vehicle, as places, and its cost. Raises InvalidInput."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error}; each instance needs its .sol") from error
    cost = re.search(r"^Cost:?\s+(\d+(?:\.\d+)?)\s*$", text, re.MULTILINE)
    if cost is None:
        raise InvalidInput(f"{path} has no line 'Cost: NUMBER'")
    routes: dict[int, list[int]] = {}
    for number, visits in re.findall(r"^Route #(\d+):([\d \t]*)$", text, re.MULTILINE):
        routes[int(number)] = [int(each) for each in visits.split()]
    return [routes.get(number, []) for number in range(1, max(routes, default=0) + 1)], round(float(cost[1]))


def wrong_with_routes(instance: Instance, routes: Sequence[Sequence[int]]) -> list[str]:
    """Return what is wrong with routes by vehicle, a line each; none where they can be carried out."""
    found = []
    visited = sorted(place for route in routes for place in route)
    if visited != list(range(1, len(instance.demand))):
        missing = set(range(1, len(instance.demand))) - set(visited)
        found.append(
            f"{len(missing)} places are not served, {len(visited) - len(set(visited))} more than once"
        )
    for vehicle, route in enumerate(routes):
        if barred := [place for place in route if place not in instance.allowed[vehicle]]:
            found.append(f"vehicle {vehicle + 1} may not serve place {barred[0] + 1}")
        load = int(instance.demand[list(route)].sum()) if route else 0
        if load > instance.capacities[vehicle]:
            found.append(f"vehicle {vehicle + 1} carries {load} of {instance.capacities[vehicle]}")
        found += [f"vehicle {vehicle + 1} {each}" for each in _late(instance, route)]
    return found


def length(instance: Instance, routes: Sequence[Sequence[int]]) -> int:
    """Return the distance of routes."""
    legs = [(a, b) for route in routes if route for a, b in zip([0, *route], [*route, 0], strict=True)]
    return sum(int(instance.distances[a, b]) for a, b in legs)


def _late(instance: Instance, route: Sequence[int]) -> list[str]:
    """Return where a route that sets out as late as it can is late or too long.

    Waiting counts: from the earliest end, the latest start that keeps it makes the shortest duration.
    """
    if not route:
        return []
    end = int(instance.opens[0])
    for before, place in zip([0, *route], [*route, 0], strict=True):
        arrival = end + int(instance.distances[before, place])
        if arrival > instance.closes[place]:
            return [f"is at place {place + 1} at {arrival}, it closes at {instance.closes[place]}"]
        end = max(arrival, int(instance.opens[place])) + int(instance.service[place])
    start = end
    for place, after in zip([0, *route][::-1], [*route, 0][::-1], strict=True):
        begin = start - int(instance.distances[place, after]) - int(instance.service[place])
        start = min(begin, int(instance.closes[place]))
    if instance.longest is not None and end - start > instance.longest:
        return [f"is out for {end - start}, {instance.longest} at most"]
    return []


def _parts(path: Path) -> tuple[dict[str, str], dict[str, list[list[str]]]]:
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = text.decode("utf-8").splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from error
    head: dict[str, str] = {}
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] | None = None
    for line in lines:
        name = line.strip()
        if name == "EOF":
            break
        if name.endswith("_SECTION"):
            current = sections.setdefault(name, [])
        elif ":" in name:
            key, value = name.split(":", 1)
            head[key.strip()] = value.strip()
        elif current is not None and name:
            current.append(name.split())
    return head, sections


def _whole(head: dict[str, str], name: str, path: Path) -> int:
    if not head.get(name, "").isdigit():
        raise InvalidInput(f"{path}: {name} is {head.get(name, 'missing')!r}; a whole number is needed")
    return int(head[name])


def _table(
    sections: dict[str, list[list[str]]], name: str, rows: int, columns: int, path: Path
) -> NDArray[np.float64]:
    lines = sections.get(name, [])
    if len(lines) != rows or any(len(line) != columns for line in lines):
        raise InvalidInput(f"{path}: {name} has {len(lines)} lines; {rows} of {columns} numbers are needed")
    return np.array(lines, dtype=np.float64)


def _allowed(
    sections: dict[str, list[list[str]]], places: int, vehicles: int, path: Path
) -> tuple[frozenset[int], ...]:
    lines = sections.get("VEHICLES_ALLOWED_CLIENTS_SECTION")
    if lines is None:
        return (frozenset(range(1, places)),) * vehicles
    if len(lines) != vehicles:
        raise InvalidInput(
            f"{path}: VEHICLES_ALLOWED_CLIENTS_SECTION has {len(lines)} lines; {vehicles} are needed"
        )
    found = tuple(frozenset(int(each) - 1 for each in line[1:]) for line in lines)
    if wrong := [place for each in found for place in each if not 0 < place < places]:
        raise InvalidInput(
            f"{path}: VEHICLES_ALLOWED_CLIENTS_SECTION names {wrong[0] + 1}; 2 to {places} are clients"
        )
    return found


def _scaled(values: NDArray[np.float64]) -> Ints:
    return np.rint(values * SCALE).astype(np.int64)
