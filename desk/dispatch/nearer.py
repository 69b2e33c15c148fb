"""Somebody nearer is free: an engineer who would drive far is looked at again before they set out."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date
from math import isnan

from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.suggesting import FAR_M, Ahead, suggestion
from desk.dispatch.travel.port import Travel
from fleet.assignments import Assignment, AssignmentState
from fleet.localtime import day_of
from fleet.proposals import Cause, Change, Trouble
from fleet.suggestions import Against, Candidate

_NEARER = 0.5
"""Somebody is nearer whose way is at most so much of it."""
_HINDERS = frozenset(
    {Against.NO_PART, Against.LATE, Against.LACKS_SKILL, Against.CONTRACTOR, Against.NOT_AS_WISHED}
)


@dataclass(frozen=True, slots=True)
class Nearer:
    """A visit that somebody nearer could make, and what made us look."""

    trouble: Trouble
    change: Change


def nearer_free(
    scene: Scene, day: date, travel: Travel, settings: DispatchSettings, known: Container[str] = ()
) -> Iterator[Nearer]:
    """Yield the visits of a day from which their engineer is more than 10 km away, and a nearer one is free.

    Not those that are under way, begin too soon to be moved, are a manager's, or take two people; nor those
    whose trouble is `known` by its key.
    """
    ahead = Ahead(scene, travel, settings)
    for each in _movable(scene, day, settings):
        trouble = f"nearer {each.id}"
        metres = 0 if trouble in known else _metres(scene, each, ahead)
        best = _nearer(scene, each, metres, travel, settings, ahead) if metres > FAR_M else None
        if best is not None and best.arrives is not None:
            why = {"chosen": str(Cause.NEARER_FREE), "metres": best.metres, "was_metres": metres}
            yield Nearer(
                Trouble(Cause.NEARER_FREE, trouble, each.ticket_id, best.engineer),
                Change(
                    ticket_id=each.ticket_id,
                    before=((each.id, str(each.state)),),
                    was=each.engineer,
                    engineer=best.engineer,
                    arrives=best.arrives,
                    travel_ms=best.travel_ms,
                    why=why,
                ),
            )


def _movable(scene: Scene, day: date, settings: DispatchSettings) -> Iterator[Assignment]:
    """Yield the visits of a day that could be somebody else's."""
    for each in scene.assignments:
        facts = scene.facts.get(each.ticket_id)
        alone = facts is not None and len(facts.assigned) == 1 and each.ticket_id not in scene.elsewhere
        if not alone or each.held or each.begins < scene.now + settings.freeze_ms:
            continue
        if each.state is AssignmentState.PLANNED and day_of(each.arrives, scene.zones[""]) == day:
            yield each


def _metres(scene: Scene, assignment: Assignment, ahead: Ahead) -> int:
    """Return how far it is to a visit from where its engineer is before it that day; 0 where nobody knows."""
    there, at = scene.places.get(assignment.ticket_id), None
    engineer, zone = scene.engineers.get(assignment.engineer), scene.zones[""]
    if engineer is not None:
        at = engineer.home or scene.centres.get(engineer.region, scene.centres.get(""))
    for each in scene.of(assignment.engineer):
        same_day = day_of(each.arrives, zone) == day_of(assignment.arrives, zone)
        if same_day and each.arrives < assignment.arrives:
            at = scene.places.get(each.ticket_id, at)
    ways = ahead.of(zone)[1]
    if there is None or at is None or there not in ways.index or at not in ways.index:
        return 0
    found = float(ways.metres[ways.index[at], ways.index[there]])
    return 0 if isnan(found) else round(found)


def _nearer(
    scene: Scene,
    assignment: Assignment,
    metres: int,
    travel: Travel,
    settings: DispatchSettings,
    ahead: Ahead,
) -> Candidate | None:
    """Return the nearest able one who is free, has what it takes, and is there no later."""
    found = suggestion(scene, scene.cases[assignment.ticket_id], travel, settings, ahead=ahead).candidates
    good = [
        each
        for each in found
        if each.able
        and each.engineer != assignment.engineer
        and each.arrives is not None
        and each.arrives <= assignment.arrives
        and each.metres <= _NEARER * metres
        and not any(point.what in _HINDERS for point in each.points)
    ]
    return min(good, key=lambda each: (each.metres, each.engineer), default=None)
