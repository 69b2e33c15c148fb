"""A day is planned anew on both databases: by itself, by one of two that look at once."""

import pytest
from helpers.postgres import postgres, ready_desk, ready_url
from helpers.town import LI, NINE, Town

from desk.dispatch.assigning import Sent
from desk.dispatch.settings import Replan
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.proposals import Cause
from fleet.tickets import TicketState as T
from storage.records.assignments import assignments_of
from storage.records.database import DeskDatabase

__all__ = ["postgres", "ready_desk", "ready_url"]


@pytest.fixture
def town(ready_desk: DeskDatabase) -> Town:
    return Town(ready_desk, replan=Replan.APPLY)


def test_who_is_away_is_replaced_and_the_database_agrees(town: Town) -> None:
    one, two = town.case(1), town.case(2)
    assign = town.board.assigning.assign
    assign(one, Sent("chen", NINE + 2 * HOUR_MS, 20 * MINUTE_MS), LI)
    assign(two, Sent("chen", NINE + 4 * HOUR_MS, 20 * MINUTE_MS), LI)
    town.absences.away("chen", NINE, NINE + 9 * HOUR_MS, LI)
    (made,) = town.replanner.tick()
    assert {each.cause for each in made.causes} == {Cause.ENGINEER_AWAY}
    assert made.refused == {} and "chen" not in town.who().values()
    assert set(town.who()) == {one, two}


def test_a_visit_that_takes_longer_moves_the_next_in_one_transaction(town: Town) -> None:
    going, following = town.case(1), town.case(2, "north")
    assign = town.board.assigning.assign
    assign(going, Sent("chen", NINE + 10 * MINUTE_MS, 10 * MINUTE_MS), LI)
    assign(following, Sent("chen", NINE + 70 * MINUTE_MS, 20 * MINUTE_MS), LI)
    town.goes(going, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    town.clock.ms += 150 * MINUTE_MS
    (made,) = town.replanner.tick()
    assert made.refused == {}
    with town.desk.transaction() as session:
        (here,) = assignments_of(session, going)
        *_, then = assignments_of(session, following)
    assert here.ends == town.clock.ms + 15 * MINUTE_MS
    assert then.engineer == "chen" and then.begins >= here.ends
