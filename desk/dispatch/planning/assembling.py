"""Routes of tasks made into a plan that a manager can read: times, reasons, the next best."""

from collections.abc import Sequence
from dataclasses import replace

from desk.dispatch.planning.comparing import Comparison
from desk.dispatch.planning.frame import Frame, Spans
from desk.dispatch.planning.insertion import Routes, off
from desk.dispatch.planning.timing import Leg, timed
from fleet.dayplan import DayPlan, Route, Stop, Unassigned, Why
from fleet.visiting import Window


def assembled(
    frame: Frame, routes: Routes, spans: Sequence[Spans], unassigned: tuple[Unassigned, ...], name: str
) -> DayPlan:
    """Return routes as a plan. Every route can be done in time: that was seen to."""
    doing: dict[str, list[str]] = {}
    for crew, route in zip(frame.crews, routes, strict=True):
        for task in route:
            doing.setdefault(frame.tasks[task].job.id, []).append(crew.day.engineer)
    legs = [timed(frame, crew, route, spans) for crew, route in zip(frame.crews, routes, strict=True)]
    compared = Comparison(frame, routes, spans)
    made = tuple(
        _route(frame, number, way, doing, compared)
        for number, way in enumerate(legs)
        if way is not None and routes[number]
    )
    return DayPlan(made, unassigned, name)


def _route(
    frame: Frame, number: int, legs: Sequence[Leg], doing: dict[str, list[str]], compared: Comparison
) -> Route:
    crew = frame.crews[number]
    stops, node = [], crew.start
    for leg in legs[:-1]:
        assert leg.task is not None
        others = [each for each in doing[frame.tasks[leg.task].job.id] if each != crew.day.engineer]
        stops.append(_stop(frame, node, leg, tuple(others), compared.why(number, leg.task)))
        node = frame.tasks[leg.task].node
    depart, first = _departure(crew.ready, legs[0], stops[0])
    home = legs[-1]
    end = node if crew.end is None else crew.end
    metres = float(frame.problem.travel.metres[node, end])
    return Route(
        crew.day.engineer,
        depart,
        (first, *stops[1:]),
        home.drive / 1000,
        metres,
        _windows(home),
        home.end,
    )


def _stop(frame: Frame, node: int, leg: Leg, beside: tuple[str, ...], why: Why) -> Stop:
    assert leg.task is not None
    job = frame.tasks[leg.task].job
    told = None if job.told is None else ((job.told.start, job.told.end),)
    return Stop(
        job.id,
        leg.drive / 1000,
        float(frame.problem.travel.metres[node, frame.tasks[leg.task].node]),
        _windows(leg),
        leg.ready,
        leg.begin,
        leg.end,
        late_ms=max(0, leg.begin - job.due),
        moved_ms=0 if told is None else off(told, leg.begin),
        beside=beside,
        lead=frame.tasks[leg.task].lead,
        why=why,
    )


def _departure(ready: int, leg: Leg, stop: Stop) -> tuple[int, Stop]:
    """Return when a route sets out: just in time for its first stop, or for the break on the way there."""
    if not leg.pauses:
        depart = max(ready, leg.begin - leg.drive)
        return depart, replace(stop, arrival=depart + leg.drive)
    rest = sum(end - start for start, end in leg.pauses)
    return max(ready, min(leg.ready - leg.drive - rest, leg.pauses[0][0])), stop


def _windows(leg: Leg) -> tuple[Window, ...]:
    return tuple(Window(start, end) for start, end in leg.pauses)
