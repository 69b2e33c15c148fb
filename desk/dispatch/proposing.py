"""From a scene to the problem of a day, and from its plan to what that would change."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from desk.dispatch.jobs import job_of
from desk.dispatch.planning.port import Problem
from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.travel.port import Travel
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.dayplan import DayPlan, Stop
from fleet.localtime import day_of, ms_of
from fleet.proposals import Change, Left
from fleet.visiting import Workday

_STILL_MS = 5 * MINUTE_MS
"""A plan that moves an arrival by less moves nothing."""


def problem_of(scene: Scene, day: date, travel: Travel, settings: DispatchSettings) -> Problem | None:
    """Return what is to be planned on a day; None where nobody works or nothing is to be done."""
    clock = scene.zones[""]
    begins = scene.now if day == day_of(scene.now, clock) else ms_of(day, 0, clock)
    kept = _kept(scene, begins, settings.freeze_ms)
    jobs = []
    for number, case in scene.cases.items():
        facts = scene.facts[number]
        if number in scene.unplanned or _is_on_another_day(facts.assigned, day, scene):
            continue
        job = job_of(case, facts, day, begins, kept)
        if job is not None:
            jobs.append(job)
    workdays = [_from_now(each, scene, begins) for each in scene.workdays(day, settings).values()]
    if not jobs or not workdays:
        return None
    places = {each.at for each in jobs} | {each.start for each in workdays}
    places |= {each.end for each in workdays if each.end is not None}
    hour = datetime.fromtimestamp(begins / 1000, clock).hour
    return Problem(begins, tuple(jobs), tuple(workdays), travel.matrix(sorted(places), hour))


def changes_of(scene: Scene, problem: Problem, plan: DayPlan) -> Iterator[Change]:
    """Yield what a plan changes at cases; a job of two has the stop of who leads."""
    stops = {int(stop.job): (engineer, stop) for engineer, stop in plan.stops() if stop.lead}
    for job in problem.jobs:
        number = int(job.id)
        before = scene.facts[number].assigned
        who, stop = stops.get(number, (None, None))
        if job.hold is None and (before or stop is not None) and not _is_same(before, who, stop):
            yield _change(number, before, who, stop)


def left_of(scene: Scene, plan: DayPlan) -> Iterator[Left]:
    """Yield the cases in nobody's day: those that cannot be planned, and those that found no place."""
    for number, why in scene.unplanned.items():
        if not scene.facts[number].assigned:
            yield Left(number, str(why))
    for each in plan.unassigned:
        yield Left(int(each.job), str(each.why), str(each.remedy), each.about, each.engineer, each.missing_ms)


def _change(number: int, before: Sequence[Assignment], who: str | None, stop: Stop | None) -> Change:
    known = tuple((each.id, str(each.state)) for each in before)
    was = before[0].engineer if before else ""
    if stop is None:
        return Change(number, known, was)
    return Change(
        ticket_id=number,
        before=known,
        was=was,
        engineer=who,
        arrives=stop.begin,
        travel_ms=stop.begin - stop.arrival + round(stop.travel_s * 1000),
        helpers=stop.beside,
        late_ms=stop.late_ms,
        why=why_of(stop),
    )


def why_of(stop: Stop) -> dict[str, object]:
    """Return why this engineer, JSON-ready."""
    if stop.why is None:
        return {"chosen": "planned"}
    why = stop.why
    found: dict[str, object] = {"chosen": str(why.chosen), "able": why.able, "extra_ms": why.extra_s * 1000}
    if why.next_best is not None:
        found["next_best"] = {"engineer": why.next_best.engineer, "more_ms": why.next_best.more_s * 1000}
    if why.better is not None:
        found["better"] = {
            "engineer": why.better.engineer,
            "lack": str(why.better.lack),
            "about": list(why.better.about),
            "saves_ms": why.better.saves_s * 1000,
        }
    return found


def _kept(scene: Scene, now: int, freeze_ms: int) -> frozenset[int]:
    """Return the ids of assignments that no plan moves: each engineer's next, and what begins soon."""
    found: set[int] = set()
    for engineer in scene.engineers:
        ahead = [each for each in scene.of(engineer) if each.state is AssignmentState.PLANNED]
        found |= {each.id for each in ahead[:1] if each.begins < now + DAY_MS // 2}
        found |= {each.id for each in ahead if each.begins < now + freeze_ms}
    return frozenset(found)


def _is_on_another_day(assigned: Sequence[Assignment], day: date, scene: Scene) -> bool:
    """Tell whether somebody is to go there on another day, as it was decided."""
    known = [each for each in assigned if each.engineer in scene.engineers]
    return any(
        day_of(each.arrives, scene.zones[scene.engineers[each.engineer].region]) != day for each in known
    )


def _from_now(day: Workday, scene: Scene, now: int) -> Workday:
    """Return a day as far as it is still to come: who is on the way already set out then."""
    under_way = [each for each in scene.of(day.engineer) if each.state is AssignmentState.UNDER_WAY]
    return replace(day, free_at=min(now, under_way[0].begins)) if under_way else day


def _is_same(before: Sequence[Assignment], who: str | None, stop: Stop | None) -> bool:
    if not before or stop is None:
        return False
    crew = (who, *sorted(stop.beside))
    was = (before[0].engineer, *sorted(each.engineer for each in before[1:]))
    return crew == was and abs(before[0].arrives - stop.begin) < _STILL_MS
