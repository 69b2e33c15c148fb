"""What a plan leaves as it is must not be in the way of what it changes."""

from desk.dispatch.overlaps import Asked, in_the_way
from fleet.assignments import Assignment, AssignmentState
from fleet.clock import MINUTE_MS
from fleet.dayplan import Stop


def visit(case: int, begins: int, ends: int, state: AssignmentState = AssignmentState.PLANNED) -> Assignment:
    """Return a visit of chen; minutes."""
    return Assignment(case, "chen", begins * MINUTE_MS, begins * MINUTE_MS, ends * MINUTE_MS, state, id=case)


def planned(case: int, begins: int, ends: int) -> Stop:
    begin = begins * MINUTE_MS
    return Stop(str(case), 0.0, 0.0, (), begin, begin, ends * MINUTE_MS)


def test_what_would_overlap_by_a_minute_is_moved_with_what_pushes_it() -> None:
    """A fresh case ends a minute into the next visit, which was left for it is hardly later."""
    asked = {
        1: Asked((), "chen", planned(1, 0, 61), may_change=True),
        2: Asked((visit(2, 60, 90),), "chen", planned(2, 61, 91), may_change=True),
        3: Asked((visit(3, 90, 120),), "chen", planned(3, 91, 121), may_change=True),
        4: Asked((visit(4, 130, 140),), "chen", planned(4, 131, 141), may_change=True),
    }
    assert in_the_way(asked, {1}, {}) == {2}
    assert in_the_way(asked, {1, 2}, {}) == {3}
    assert in_the_way(asked, {1, 2, 3}, {}) == set()


def test_what_takes_longer_is_in_the_way_and_what_is_held_stays() -> None:
    under_way = visit(1, 0, 60, AssignmentState.UNDER_WAY)
    asked = {
        1: Asked((under_way,), "chen", planned(1, 0, 75), may_change=False),
        2: Asked((visit(2, 70, 90),), "chen", planned(2, 75, 95), may_change=True),
        3: Asked((visit(3, 90, 99),), "chen", planned(3, 95, 104), may_change=False),
    }
    assert in_the_way(asked, set(), {}) == set()
    assert in_the_way(asked, set(), {1: 75 * MINUTE_MS}) == {2}
    assert in_the_way(asked, {2}, {1: 75 * MINUTE_MS}) == set()


def test_others_are_in_nobodys_way() -> None:
    mia = Assignment(2, "mia", 0, 0, 60 * MINUTE_MS)
    asked = {
        1: Asked((), "chen", planned(1, 0, 61), may_change=True),
        2: Asked((mia,), "mia", None, may_change=True),
    }
    assert in_the_way(asked, {1}, {}) == set()
