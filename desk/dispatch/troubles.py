"""What changed in a day that is planned already, so that it is worth planning anew. Pure, but for the log."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date

from desk.dispatch.needs import PLANNED
from desk.dispatch.scene import GOES, Scene
from fleet.assignments import AppointmentState, Assignment, AssignmentState
from fleet.localtime import day_of
from fleet.proposals import Cause, Trouble
from fleet.tickets import TicketState

CUSTOMER_AWAY = str(TicketState.WAITING_CUSTOMER)
"""Why an assignment was let go: nobody was there, or the customer said so in time."""


def troubles_of(scene: Scene, day: date, let_go: Collection[Assignment] = ()) -> list[Trouble]:
    """Return what changed; `let_go` are the assignments of the day that are not to be done any more."""
    today = [each for each in scene.assignments if day_of(each.arrives, scene.zones[""]) == day]
    of_today = {each.ticket_id for each in today}
    return [
        *_new_cases(scene),
        *_away(scene, today),
        *_customers_away(let_go),
        *_customers_move(scene, today),
        *(each for each in took_longer(scene.assignments, scene.now) if each.ticket_id in of_today),
    ]


def _new_cases(scene: Scene) -> Iterator[Trouble]:
    """Yield the cases that somebody could go to and nobody is to."""
    for number, case in scene.cases.items():
        ready = case.state in GOES and case.kind in PLANNED and number not in scene.unplanned
        if ready and not scene.facts[number].assigned:
            yield Trouble(Cause.NEW_CASE, f"case {number} v{_since(scene, number)}", number)


def _since(scene: Scene, number: int) -> int:
    """Return what tells a case that is new from one whose visit was called off and is open again."""
    told = scene.facts[number].appointment
    return 0 if told is None else told.times


def _away(scene: Scene, today: Sequence[Assignment]) -> Iterator[Trouble]:
    for each in today:
        if each.state is AssignmentState.PLANNED and scene.is_away(each):
            yield Trouble(Cause.ENGINEER_AWAY, f"away {each.id}", each.ticket_id, each.engineer)


def _customers_away(let_go: Collection[Assignment]) -> Iterator[Trouble]:
    for each in let_go:
        if each.reason == CUSTOMER_AWAY and not each.helps:
            yield Trouble(Cause.CUSTOMER_AWAY, f"absent {each.id}", each.ticket_id, each.engineer)


def _customers_move(scene: Scene, today: Sequence[Assignment]) -> Iterator[Trouble]:
    for each in today:
        facts = scene.facts.get(each.ticket_id)
        told = None if facts is None else facts.appointment
        if told is None or each.helps or each.state is not AssignmentState.PLANNED:
            continue
        if told.state is AppointmentState.MOVE:
            key = f"moves {each.ticket_id} {told.answered_at}"
            yield Trouble(Cause.CUSTOMER_MOVES, key, each.ticket_id, each.engineer)


def took_longer(assignments: Sequence[Assignment], now: int) -> Iterator[Trouble]:
    """Yield what is under way longer than was thought, where its engineer has somewhere to be next.

    `assignments` are all that are open, those of an engineer in order of time.
    """
    ahead = {each.engineer: each for each in reversed(assignments) if each.state is AssignmentState.PLANNED}
    for each in assignments:
        if each.state is not AssignmentState.UNDER_WAY or each.ends > now or each.helps:
            continue
        following = ahead.get(each.engineer)
        if following is not None and following.begins <= now + _slack(each):
            yield Trouble(Cause.TOOK_LONGER, f"longer {each.id} {each.ends}", each.ticket_id, each.engineer)


def _slack(assignment: Assignment) -> int:
    """Return how long before the next visit an overrun begins to matter: as long as the work was to take."""
    return max(1, assignment.ends - assignment.arrives)
