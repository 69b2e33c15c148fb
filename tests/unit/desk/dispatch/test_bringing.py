"""What depots put aside, and what they still can overnight, no van has to carry in a plan."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from helpers.town import LI, Town
from sqlalchemy.orm import Session

from desk.dispatch.ports import NoStock

TODAY, MONDAY = date(2027, 1, 15), date(2027, 1, 18)
SIX = 6 * 60


class Stock(NoStock):
    """Empty vans, and a depot for all."""

    def __init__(self) -> None:
        self.free = {"brush-bearing": 1}
        self.put: dict[int, dict[str, str]] = {}

    def vans(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        return {"van": {}}

    def aside(self, session: Session, tickets: Collection[int]) -> Mapping[int, Mapping[str, str]]:
        return self.put

    def depots(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        return {"": self.free}


@pytest.fixture
def stock() -> Stock:
    return Stock()


@pytest.fixture
def town(tmp_path: Path, stock: Stock) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    yield Town(desk, stock=stock, loaded_by=SIX)
    desk.close()


def planned(town: Town, day: date) -> set[int]:
    return {each.ticket_id for each in town.board.propose(LI, day).changes}


def test_a_piece_of_the_depot_is_for_one_case_of_the_next_day_the_one_due_first(town: Town) -> None:
    one, two = town.case(1), town.case(2)
    assert planned(town, TODAY) == set(), "vans are on the road, and have none"
    assert planned(town, MONDAY) == {one}
    assert two != one


def test_without_loading_overnight_a_van_has_to_have_it(town: Town, tmp_path: Path) -> None:
    desk = fresh_desk(tmp_path / "other.db")
    other = Town(desk, stock=Stock())
    other.case(1)
    assert planned(other, MONDAY) == set()
    desk.close()


def test_what_is_put_aside_at_a_depot_stays_planned_though_no_van_has_it(town: Town, stock: Stock) -> None:
    one, two = town.case(1), town.case(2)
    stock.put = {one: {"brush-bearing": "depot"}, two: {"brush-bearing": "van"}}
    assert planned(town, TODAY) == {one}, "what a van holds only that van has"
