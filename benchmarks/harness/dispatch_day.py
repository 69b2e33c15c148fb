"""A day of a city replayed through the desk's own re-planning: late cases, engineers who fall sick."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import select

from benchmarks.harness.dispatch_town import BY, City
from desk.dispatch.appointments import APPOINTMENT, CALLED_OFF
from desk.dispatch.windows import Retell
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.localtime import day_of
from fleet.tickets import TicketState
from fleet.zones import Zones
from storage.records.assignments import assignments_between, open_assignments
from storage.records.events import EventRow
from storage.records.tickets import sites_of_tickets

MORNING = 1_800_514_800_000
"""2027-01-21 07:00 UTC, a Thursday: an hour before the engineers begin."""
_NIGHT_MS = 15 * HOUR_MS
"""The cases of a morning came in since the afternoon before."""
_LATE = (MORNING + HOUR_MS, MORNING + 8 * HOUR_MS)
"""From when to when late cases come in."""
_SICK = ((2.0, "E3"), (5.0, "E11"))
"""Hours after the morning's plan at which somebody falls sick for the rest of the day."""
_ENDS = MORNING + 14 * HOUR_MS
_EVERY_MS = 5 * MINUTE_MS
"""The schedule plans a region anew no more often than that."""


@dataclass(slots=True)
class Replayed:
    """What became of a day.

    `travel_s` is of all visits that were made. `told` and `anew` are cases whose customers were told a
    window, and another one. `held_moved` counts visits under way and next that went to others or to another
    time, `waiting` plans that would have told too many anew. `undone` and `late` are cases in the evening.
    """

    travel_s: float = 0.0
    done: int = 0
    told: set[int] = field(default_factory=set)
    anew: set[int] = field(default_factory=set)
    held_moved: int = 0
    plans: int = 0
    waiting: int = 0
    undone: int = 0
    late: int = 0
    cpu_s: list[float] = field(default_factory=list)


def replay(cases: int, engineers: int, late: int, seed: int, *, free: bool) -> Replayed:
    """Plan a day in the morning, let all go as planned but for what comes in between; return what became."""
    with TemporaryDirectory() as folder:
        city = City(Path(folder), cases + late, engineers, seed, free=free)
        try:
            return _replayed(city, cases, late, np.random.default_rng([seed, 1]))
        finally:
            city.desk.close()


def _replayed(city: City, cases: int, late: int, rng: np.random.Generator) -> Replayed:
    found = Replayed()
    opened = []
    for at in sorted(rng.integers(MORNING - _NIGHT_MS, MORNING, cases).tolist()):
        opened.append(city.fail(int(at)))
    city.clock.ms = MORNING
    plan = city.board.propose(BY, day_of(MORNING, Zones().of(None)))
    city.board.apply(plan.id, BY, tell=True)
    found.cpu_s.append(plan.cpu_s)
    coming = sorted(rng.integers(*_LATE, late).tolist())
    sick = [(MORNING + round(hours * HOUR_MS), who) for hours, who in _SICK]
    for now in range(MORNING, _ENDS, _EVERY_MS):
        while coming and coming[0] <= now:
            opened.append(city.fail(int(coming.pop(0))))
        city.clock.ms = now
        while sick and sick[0][0] <= now:
            city.absences.away(sick.pop(0)[1], now, _ENDS, BY)
        _go_on(city, now)
        _plan_anew(city, found, now)
    _count(city, found, opened)
    return found


def _go_on(city: City, now: int) -> None:
    """Let everybody do what they are to do by now; who is sick begins nothing more."""
    with city.desk.look() as session:
        todo = open_assignments(session)
        sick = {each for each in city.homes if city.absences.of(each)} if todo else set()
    for each in sorted(todo, key=lambda one: one.begins):
        planned = each.state is AssignmentState.PLANNED
        if each.begins > now or (planned and each.engineer in sick):
            continue
        if planned:
            city.move(each.ticket_id, TicketState.ACCEPTED)
            city.move(each.ticket_id, TicketState.EN_ROUTE)
        state = city.state(each.ticket_id)
        if each.arrives <= now and state is TicketState.EN_ROUTE:
            city.move(each.ticket_id, TicketState.REPAIRING)
        if each.ends <= now:
            city.move(each.ticket_id, TicketState.REPAIRED)


def _plan_anew(city: City, found: Replayed, now: int) -> None:
    """Let the schedule look at the day, and see whether what is under way or next stays."""
    with city.desk.look() as session:
        before = _held(open_assignments(session), {each for each in city.homes if city.absences.of(each)})
    made = city.replanner.tick()
    if not made:
        return
    plans = [each for each in made if each.planner != "suggestion"]
    found.plans += len(plans)
    found.waiting += sum(not each.applied_by and not each.is_empty for each in plans)
    found.cpu_s += [each.cpu_s for each in plans]
    with city.desk.look() as session:
        after = {(each.ticket_id, each.engineer, each.arrives) for each in open_assignments(session)}
    found.held_moved += len(before - after)


def _held(todo: Sequence[Assignment], sick: set[str]) -> set[tuple[int, str, int]]:
    """Return what is under way and next: who goes where, and when they are there."""
    held: set[tuple[int, str, int]] = set()
    going: set[str] = set()
    for each in todo:
        planned = each.state is AssignmentState.PLANNED
        if not planned or (each.engineer not in going and each.engineer not in sick):
            held.add((each.ticket_id, each.engineer, each.arrives))
        if planned:
            going.add(each.engineer)
    return held


def _count(city: City, found: Replayed, cases: Sequence[int]) -> None:
    with city.desk.look() as session:
        visits = [
            each
            for each in assignments_between(session, MORNING, _ENDS)
            if each.state is AssignmentState.DONE
        ]
        sites = sites_of_tickets(session, {each.ticket_id for each in visits})
        told = session.execute(
            select(EventRow.subject_id, EventRow.what, EventRow.after).where(
                EventRow.what.in_([APPOINTMENT, CALLED_OFF])
            )
        ).all()
    found.travel_s = city.travel_s(visits, sites)
    found.done = len(visits)
    found.told = {int(number) for number, _, _ in told}
    found.anew = {int(number) for number, what, why in told if what == CALLED_OFF or why == Retell.MOVED}
    found.undone = len(set(cases) - {each.ticket_id for each in visits})
    dues = {each.ticket_id: city.due(each.ticket_id) for each in visits}
    found.late = sum(each.arrives > dues[each.ticket_id] for each in visits)
