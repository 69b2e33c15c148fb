"""Somebody nearer is free: an engineer who would drive far is looked at again before they set out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from math import isnan

from desk.dispatch.scene import Scene
from desk.dispatch.settings import DispatchSettings
from desk.dispatch.suggesting import FAR_M, suggestion
from desk.dispatch.travel.port import Travel
from fleet.assignments import Assignment, AssignmentState
from fleet.localtime import day_of
from fleet.proposals import Cause, Change, Trouble
from fleet.suggestions import Against, Candidate
from fleet.visiting import Position

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


def nearer_free(scene: Scene, day: date, travel: Travel, settings: DispatchSettings) -> Iterator[Nearer]:
    """Yield the visits of a day from which their engineer is more than 10 km away, and a nearer one is free.

    Not those that are under way, begin too soon to be moved, are a manager's, or take two people.
    """
    for each, metres in _far(scene, day, travel):
        facts = scene.facts.get(each.ticket_id)
        alone = facts is not None and len(facts.assigned) == 1 and each.ticket_id not in scene.elsewhere
        if not alone or each.held or each.begins < scene.now + settings.freeze_ms:
            continue
        best = _nearer(scene, each, metres, travel, settings)
        if best is not None and best.arrives is not None:
            why = {"chosen": str(Cause.NEARER_FREE), "metres": best.metres, "was_metres": metres}
            yield Nearer(
                Trouble(Cause.NEARER_FREE, f"nearer {each.id}", each.ticket_id, best.engineer),
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


def _far(scene: Scene, day: date, travel: Travel) -> Iterator[tuple[Assignment, int]]:
    """Yield the planned visits of a day to which the way is longer than 10 km, with its metres."""
    centre = scene.centres.get("")
    for engineer in scene.engineers.values():
        at = engineer.home or scene.centres.get(engineer.region, centre)
        todo = [each for each in scene.of(engineer.id) if day_of(each.arrives, scene.zones[""]) == day]
        for each in todo:
            there = scene.places.get(each.ticket_id)
            if there is None or at is None:
                continue
            metres = _metres(scene, at, there, travel)
            at = there
            if each.state is AssignmentState.PLANNED and metres > FAR_M:
                yield each, metres


def _metres(scene: Scene, start: Position, end: Position, travel: Travel) -> int:
    hour = datetime.fromtimestamp(scene.now / 1000, scene.zones[""]).hour
    ways = travel.matrix(sorted({start, end}), hour)
    found = float(ways.metres[ways.index[start], ways.index[end]])
    return 0 if isnan(found) else round(found)


def _nearer(
    scene: Scene, assignment: Assignment, metres: int, travel: Travel, settings: DispatchSettings
) -> Candidate | None:
    """Return the nearest able one who is free, has what it takes, and is there no later."""
    found = suggestion(scene, scene.cases[assignment.ticket_id], travel, settings).candidates
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
