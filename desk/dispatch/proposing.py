"""From a scene to the problem of a day, and from its plan to what that would change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from desk.dispatch.bringing import brought
from desk.dispatch.experience import DRIVE, WAYS
from desk.dispatch.jobs import WAYS_OUT, job_of
from desk.dispatch.long_jobs import LongVisit
from desk.dispatch.overlaps import Asked, in_the_way, way_ms
from desk.dispatch.planning.port import Problem
from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.travel.port import Travel
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.dayplan import Chosen, DayPlan, Route, Stop
from fleet.localtime import day_of, ms_of
from fleet.proposals import Change, Left
from fleet.visiting import Held, Hold, Job, Workday

_INTO_MS = HOUR_MS
"""The roads of an hour after the first sets out stand for those of the day: a plan knows one hour alone."""
_STILL_MS = 5 * MINUTE_MS
"""A plan that moves an arrival by less moves nothing."""


def problem_of(scene: Scene, day: date, travel: Travel, settings: DispatchSettings) -> Problem | None:
    """Return what is to be planned on a day; None where nobody works or nothing is to be done."""
    clock = scene.zones[""]
    begins = scene.now if day == day_of(scene.now, clock) else ms_of(day, 0, clock)
    kept = _kept(scene, begins, settings.freeze_ms)
    jobs = []
    works = scene.workdays(day, settings)
    along = brought(scene, day, settings)
    for number, case in scene.cases.items():
        facts = scene.facts[number]
        if number in scene.unplanned or _is_not_ours(facts.assigned, day, scene, works):
            continue
        job = job_of(case, facts, day, begins, kept)
        if job is not None:
            job = _lighter(job, along.get(number, frozenset()))
            jobs.append(_elsewhere(job, facts.assigned) if number in scene.elsewhere else job)
    workdays = [_from_now(each, scene, begins) for each in works.values()]
    if not jobs or not workdays:
        return None
    places = {each.at for each in jobs} | {each.start for each in workdays}
    places |= {each.end for each in workdays if each.end is not None}
    sets_out = max(begins, min(each.hours[0].start for each in workdays)) + _INTO_MS
    hour = datetime.fromtimestamp(sets_out / 1000, clock).hour
    matrix = travel.matrix(sorted(places), hour)
    return Problem(begins, tuple(jobs), tuple(workdays), matrix, margin_ms=settings.margin_ms)


def in_force(scene: Scene, problem: Problem) -> DayPlan | None:
    """Return who is to go where in which order by now, to start from; None where nobody is to go anywhere.

    Ways are not looked up: whoever plans reckons them anew.
    """
    jobs = {job.id for job in problem.jobs}
    routes = []
    for day in problem.workdays:
        mine = [each for each in scene.of(day.engineer) if str(each.ticket_id) in jobs]
        if mine:
            stops = tuple(_stop(each) for each in mine)
            routes.append(Route(day.engineer, mine[0].begins, stops, 0.0, 0.0, (), mine[-1].ends))
    return DayPlan(tuple(routes), (), "in force") if routes else None


def _stop(standing: Assignment) -> Stop:
    begin = standing.arrives
    return Stop(str(standing.ticket_id), 0.0, 0.0, (), begin, begin, standing.ends)


def changes_of(scene: Scene, problem: Problem, plan: DayPlan) -> Iterator[Change]:
    """Yield what a plan changes at cases; a job of two has the stop of who leads.

    A visit that would begin a little sooner or later stays as it is, unless it is then in another's way.
    """
    stops = {int(stop.job): (engineer, stop) for engineer, stop in plan.stops() if stop.lead}
    longer = dict(longer_of(scene, problem))
    held_up = {each.engineer for each in scene.assignments if each.id in longer}
    asked: dict[int, Asked] = {}
    for job in problem.jobs:
        number = int(job.id)
        before = scene.facts[number].assigned
        who, stop = stops.get(number, (None, None))
        may = number not in scene.elsewhere and _may_change(job, before, who, stop, held_up)
        asked[number] = Asked(before, who, stop, may)
    changed = {
        number
        for number, each in asked.items()
        if each.may_change and (each.before or each.stop is not None) and not _is_same(each)
    }
    while more := in_the_way(asked, changed, longer):
        changed |= more
    yield from (
        _change(number, each.before, each.who, each.stop, scene.experience.ways)
        for number, each in asked.items()
        if number in changed
    )


def long_changes(scene: Scene, visits: Iterable[LongVisit]) -> Iterator[Change]:
    """Yield what long work changes: who begins it when; it goes on the next days."""
    for each in visits:
        number = int(each.job.id)
        before = scene.facts[number].assigned
        yield Change(
            ticket_id=number,
            before=tuple((one.id, str(one.state)) for one in before),
            was=before[0].engineer if before else "",
            engineer=each.engineer,
            arrives=each.arrives,
            travel_ms=each.travel_ms,
            late_ms=max(0, each.arrives - each.job.due),
            why={"chosen": str(Chosen.WHOLE_DAYS), "days_ms": each.job.work_ms},
        )


def longer_of(scene: Scene, problem: Problem) -> Iterator[tuple[int, int]]:
    """Yield the assignments under way that take longer than was thought, with when each is likely to end."""
    for job in problem.jobs:
        if job.hold is None or job.hold.why is not Held.UNDER_WAY:
            continue
        for each in scene.facts[int(job.id)].assigned:
            if each.state is AssignmentState.UNDER_WAY and each.ends < each.arrives + job.work_ms:
                yield each.id, each.arrives + job.work_ms


def left_of(scene: Scene, plan: DayPlan) -> Iterator[Left]:
    """Yield the cases in nobody's day: those that cannot be planned, and those that found no place."""
    for number, why in scene.unplanned.items():
        if not scene.facts[number].assigned:
            yield Left(number, str(why), str(WAYS_OUT[why]))
    for each in plan.unassigned:
        if int(each.job) in scene.elsewhere:
            continue
        yield Left(int(each.job), str(each.why), str(each.remedy), each.about, each.engineer, each.missing_ms)


def _change(
    number: int, before: Sequence[Assignment], who: str | None, stop: Stop | None, ways: float
) -> Change:
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
        travel_ms=way_ms(stop),
        helpers=stop.beside,
        late_ms=stop.late_ms,
        why=why_of(stop) | {DRIVE: round(stop.travel_s * 1000), WAYS: ways},
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
        ahead = [
            each
            for each in scene.of(engineer)
            if each.state is AssignmentState.PLANNED and not scene.is_away(each)
        ]
        found |= {each.id for each in ahead[:1] if each.begins < now + DAY_MS // 2}
        found |= {each.id for each in ahead if each.begins < now + freeze_ms}
    return frozenset(found)


def _may_change(
    job: Job, before: Sequence[Assignment], who: str | None, stop: Stop | None, held_up: Collection[str]
) -> bool:
    """Tell whether a plan may change a job: who is next stays, but comes later where they are held up."""
    if job.hold is None:
        return True
    same = stop is not None and bool(before) and who == before[0].engineer
    return job.hold.why is Held.NEXT and same and who in held_up


def _is_not_ours(
    assigned: Sequence[Assignment], day: date, scene: Scene, works: Mapping[str, Workday]
) -> bool:
    """Tell whether a case is no job of this day: somebody of others goes, on another day, or is there yet."""
    if not assigned:
        return False
    lead = assigned[0]
    if lead.engineer not in scene.engineers:
        return True
    if lead.state is AssignmentState.UNDER_WAY and lead.engineer not in works:
        return True
    zone = scene.zones[scene.engineers[lead.engineer].region]
    if day_of(lead.ends, zone) != day_of(lead.arrives, zone) and not scene.is_away(lead):
        return True  # it takes days, and these are taken out of the engineer's
    return day_of(lead.arrives, zone) != day


def _lighter(job: Job, along: Collection[str]) -> Job:
    """Return a job without the parts that come from a depot: no van has to have them."""
    return replace(job, parts={code: many for code, many in job.parts.items() if code not in along})


def _elsewhere(job: Job, assigned: Sequence[Assignment]) -> Job:
    """Return a job at a site of others as what it is to this plan: time that is taken."""
    names = tuple(each.engineer for each in assigned)
    return replace(job, hold=job.hold or Hold(Held.OVERRIDE, names, assigned[0].arrives))


def _from_now(day: Workday, scene: Scene, now: int) -> Workday:
    """Return a day as far as it is still to come: who is on the way already set out then."""
    under_way = [each for each in scene.of(day.engineer) if each.state is AssignmentState.UNDER_WAY]
    return replace(day, free_at=min(now, under_way[0].begins)) if under_way else day


def _is_same(asked: Asked) -> bool:
    before, stop = asked.before, asked.stop
    if not before or stop is None:
        return False
    crew = (asked.who, *sorted(stop.beside))
    was = (before[0].engineer, *sorted(each.engineer for each in before[1:]))
    return crew == was and abs(before[0].arrives - stop.begin) < _STILL_MS
