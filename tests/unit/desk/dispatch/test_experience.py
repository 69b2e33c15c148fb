"""Plans learn from visits how long ways and visits really take."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.fresh_desk import fresh_desk
from helpers.town import CENTRE, LI, SITES, Town

from desk.dispatch.assigning import Sent
from desk.dispatch.experience import DRIVE, FRESH_MS, WAYS, Experience, Learning
from desk.dispatch.travel.circle import Circle
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.service import load_service
from fleet.tickets import TicketState as T


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk)
    desk.close()


def visit(town: Town, ways: float) -> None:
    """Let a way that was planned as 10 minutes take 15; a brush takes 12 minutes more than its 25."""
    number, now = town.case(1), town.clock.ms
    why = {DRIVE: 10 * MINUTE_MS, WAYS: ways}
    town.board.assigning.assign(number, Sent("chen", now + 10 * MINUTE_MS, 10 * MINUTE_MS, why=why), LI)
    town.goes(number, T.ACCEPTED, T.EN_ROUTE)
    town.clock.ms += 15 * MINUTE_MS
    town.goes(number, T.REPAIRING)
    town.clock.ms += 37 * MINUTE_MS
    town.goes(number, T.REPAIRED, T.CONFIRMED)
    town.clock.ms += HOUR_MS


def learned(town: Town, learning: Learning) -> Experience:
    with town.desk.transaction() as session:
        return learning(session, town.clock.ms)


def test_twenty_visits_tell_how_long_ways_and_looks_take_fewer_nothing(town: Town) -> None:
    learning = Learning(load_service())
    for _ in range(19):
        visit(town, 1.0)
    assert learned(town, Learning(load_service())) == learned(town, learning) == Experience()
    visit(town, 1.0)
    assert learned(town, learning) == Experience(), "what was learned holds for a while"
    town.clock.ms += FRESH_MS
    assert learned(town, learning) == Experience(1.5, 12 * MINUTE_MS)


def test_what_was_planned_by_experience_is_measured_against_the_map(town: Town) -> None:
    for _ in range(20):
        visit(town, 1.4)
    assert learned(town, Learning(load_service())).ways == 2.0, (
        "1.5 times what was 1.4 times the map: at most 2"
    )


def test_ways_are_as_long_as_experience_says() -> None:
    near = SITES["near"]
    assert near is not None
    plain = Circle().matrix([CENTRE, near], 9)
    longer = Experience(1.5).of(Circle()).matrix([CENTRE, near], 9)
    assert np.allclose(longer.seconds, 1.5 * plain.seconds)
    assert np.array_equal(longer.metres, plain.metres)
