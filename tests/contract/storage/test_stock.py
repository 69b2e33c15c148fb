"""Stock on both databases: the last piece goes to one, nothing is ever short, and the ledger adds up."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.postgres import ready_desk, ready_url
from helpers.stock import BEARING, DEPOT, LI, PACK, SECOND, VAN, StockHouse
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from desk.parts.stock import Moving
from fleet.clock import DAY_MS
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.feedback import PartUsed
from fleet.stock import MovementKind, StockPlace
from fleet.tickets import TicketState as T
from fleet.upkeep import months_later
from storage.records.database import DeskDatabase, open_desk
from storage.records.part_serials import known_serials, serials_at, serials_in_device
from storage.records.stock import StockRow

__all__ = ["ready_desk", "ready_url"]


@pytest.fixture
def house(ready_desk: DeskDatabase) -> StockHouse:
    made = StockHouse(ready_desk)
    made.furnish()
    return made


def test_of_fifty_who_want_the_last_piece_at_once_one_gets_it(ready_url: str) -> None:
    """Two processes' worth of connections, fifty threads: no reservation is made from an old look."""
    desks = [open_desk(ready_url) for _ in range(2)]
    houses = [StockHouse(desk) for desk in desks]
    houses[0].furnish()
    houses[0].receive(DEPOT, BEARING, 1)
    number = houses[0].report()

    def want(turn: int) -> bool:
        try:
            houses[turn % 2].stock.reserve(number, BEARING, 1, [VAN, DEPOT], LI)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        got = list(pool.map(want, range(50)))
    assert sum(got) == 1
    assert houses[0].at(DEPOT, BEARING) == (1, 1)
    houses[0].check_sums()
    for desk in desks:
        desk.close()


def test_many_who_reserve_use_move_and_count_at_once_leave_a_ledger_that_adds_up(ready_url: str) -> None:
    desks = [open_desk(ready_url) for _ in range(2)]
    houses = [StockHouse(desk) for desk in desks]
    houses[0].furnish()
    houses[0].receive(DEPOT, BEARING, 12)
    houses[0].receive(VAN, BEARING, 3)
    number = houses[0].report()

    def do(turn: int) -> str:
        stock = houses[turn % 2].stock
        jobs: list[Callable[[], object]] = [
            lambda: stock.reserve(number, BEARING, 2, [VAN, DEPOT], LI),
            lambda: stock.move(Moving(DEPOT, BEARING, 2, to=VAN), LI),
            lambda: stock.move(Moving(VAN, BEARING, 1, to=DEPOT), LI),
            lambda: stock.scrap(Moving(VAN, BEARING, 1, why="bent"), LI),
            lambda: stock.count(Moving(VAN, BEARING, turn % 7), LI),
            lambda: stock.receive(Moving(VAN, BEARING, 1), LI),
            lambda: stock.release(turn // 7 + 1, LI),
        ]
        try:
            jobs[turn % 7]()
        except (Conflict, NotFound) as refused:
            return type(refused).__name__
        return "done"

    with ThreadPoolExecutor(10) as pool:
        done = Counter(pool.map(do, range(70)))
    assert done["done"] > 20
    houses[0].check_sums()
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("wrong", [{"on_hand": -1}, {"reserved": -1}, {"reserved": 3}, {"on_hand": 0}])
def test_the_database_itself_refuses_less_than_nothing_and_more_held_than_there_is(
    house: StockHouse, wrong: dict[str, int]
) -> None:
    house.receive(DEPOT, BEARING, 2)
    house.stock.reserve(house.report(), BEARING, 1, [DEPOT], LI)
    with pytest.raises(IntegrityError), house.desk.transaction() as session:
        session.execute(update(StockRow).values(wrong))
    assert house.at(DEPOT, BEARING) == (2, 1)


def test_pieces_come_are_moved_written_off_and_counted(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 5)
    assert house.stock.move(Moving(DEPOT, BEARING, 2, to=VAN), LI).on_hand == 3
    house.stock.scrap(Moving(VAN, BEARING, 1, why="bent"), LI)
    found, more = house.stock.count(Moving(VAN, BEARING, 4), LI)
    assert (found.on_hand, more, found.counted_at) == (4, 3, house.clock.ms)
    house.stock.count(Moving(VAN, BEARING, 4), LI)
    lines = [(each.kind, each.quantity, each.source, each.target) for each in house.ledger()]
    assert lines == [
        (MovementKind.RECEIVED, 5, None, DEPOT),
        (MovementKind.MOVED, 2, DEPOT, VAN),
        (MovementKind.SCRAPPED, 1, VAN, None),
        (MovementKind.COUNTED, 3, None, VAN),
    ], "a count that finds what was thought is no movement"
    house.check_sums()


def test_what_cannot_be_is_refused_and_says_what_can(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 2)
    house.stock.reserve(house.report(), BEARING, 1, [DEPOT], LI)
    for refused, why in (
        (
            Moving(DEPOT, BEARING, 2, to=VAN),
            r"1 of brush-bearing are free at depot-east \(2 there, 1 held\), not 2",
        ),
        (Moving(DEPOT, BEARING, 1, to="nowhere"), 'no place "nowhere"'),
        (Moving(DEPOT, "brush-bearin", 1, to=VAN), "not in the catalogue; did you mean brush-bearing"),
        (Moving(DEPOT, BEARING, 0, to=VAN), "quantity: 0; allowed: 1 to"),
        (Moving(DEPOT, BEARING, 1, to=DEPOT), "it is where they are"),
        (Moving(DEPOT, BEARING, 1, ("a", "b"), to=VAN), "serials: 2 of 1 pieces"),
        (Moving(DEPOT, BEARING, 1, ("a",), to=VAN), '"a" of brush-bearing is not at depot-east'),
    ):
        with pytest.raises((Conflict, InvalidInput, NotFound), match=why):
            house.stock.move(refused, LI)
    with pytest.raises(InvalidInput, match="allowed: one of each, battery-pack has them"):
        house.receive(DEPOT, PACK, 2, "S1")
    house.stock.place(StockPlace(SECOND, active=False), LI)
    with pytest.raises(InvalidInput, match="not used any more"):
        house.receive(SECOND, BEARING, 1)
    assert house.at(DEPOT, BEARING) == (2, 1) and house.at(VAN, BEARING) == (0, 0)
    house.check_sums()


def test_whoever_acts_at_some_sites_reaches_the_places_of_their_regions(house: StockHouse) -> None:
    own = frozenset({"hall"})
    house.stock.receive(Moving(DEPOT, BEARING, 1), LI, own)
    for place in (SECOND, "nowhere"):
        with pytest.raises(NotFound):
            house.stock.receive(Moving(place, BEARING, 1), LI, own)
    with pytest.raises(NotFound):
        house.stock.move(Moving(DEPOT, BEARING, 1, to=SECOND), LI, own)
    assert {each.id for each in house.stock.places(own)} == {DEPOT, VAN}


def test_a_serial_number_is_where_its_piece_is_and_under_warranty_in_a_device(house: StockHouse) -> None:
    house.receive(DEPOT, PACK, 2, "S1", "S2")
    house.stock.move(Moving(DEPOT, PACK, 1, ("S1",), to=VAN), LI)
    number = house.report("R1", "battery_wear")
    house.arrive(number)
    house.visit(number, PartUsed(PACK, 1, "S1"))
    with house.desk.transaction() as session:
        (inside,) = serials_in_device(session, "R1")
        assert [each.serial for each in serials_at(session, DEPOT)] == ["S2"]
        assert serials_at(session, VAN) == []
    assert (inside.serial, inside.installed_at, inside.ticket) == ("S1", house.clock.ms, number)
    assert inside.warranty_until == months_later(house.clock.ms, 12)
    house.visit(number, PartUsed(PACK, 1, "S9"))
    with house.desk.transaction() as session:
        known = known_serials(session, PACK, ["S1", "S9"])
    assert known["S9"].device_id == "R1", "another one was written down in its place"
    assert (known["S1"].device_id, known["S1"].place) == (None, VAN)
    house.check_sums()


def test_a_visit_uses_what_is_held_for_its_case_then_the_van(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 2)
    house.receive(VAN, BEARING, 2)
    number = house.report()
    house.stock.reserve(number, BEARING, 2, [DEPOT], LI)
    house.arrive(number)
    house.visit(number, PartUsed(BEARING, 3))
    assert house.at(DEPOT, BEARING) == (0, 0) and house.at(VAN, BEARING) == (1, 0)
    assert [each.state for each in house.reservations()] == ["used"]
    assert house.missing() == []
    house.visit(number, PartUsed(BEARING, 3))
    assert house.at(VAN, BEARING) == (1, 0), "written again it is booked once"
    house.visit(number, PartUsed(BEARING, 1))
    assert house.at(DEPOT, BEARING)[0] + house.at(VAN, BEARING)[0] == 3, "corrected, two are there again"
    house.check_sums()


def test_a_visit_that_uses_some_of_what_is_held_leaves_the_rest_held(house: StockHouse) -> None:
    house.receive(VAN, BEARING, 3)
    number = house.report()
    house.stock.reserve(number, BEARING, 3, [VAN], LI)
    house.arrive(number)
    house.visit(number, PartUsed(BEARING, 1))
    assert house.at(VAN, BEARING) == (2, 2)
    assert sorted((each.state, each.quantity) for each in house.reservations()) == [("held", 2), ("used", 1)]
    house.check_sums()


def test_a_visits_record_is_kept_whatever_the_ledger_says_and_a_count_mends_it(house: StockHouse) -> None:
    house.receive(VAN, BEARING, 1)
    number = house.report()
    house.arrive(number)
    house.visit(number, PartUsed(BEARING, 3), PartUsed("of-no-catalogue", 1))
    assert house.at(VAN, BEARING) == (0, 0)
    assert sorted(house.missing()) == [(VAN, BEARING, 2), (VAN, "of-no-catalogue", 1)]
    house.visit(number, PartUsed(BEARING, 2), PartUsed("of-no-catalogue", 1))
    assert (VAN, BEARING, 1) in house.missing(), "corrected"
    house.stock.count(Moving(VAN, BEARING, 4), LI)
    assert house.missing() == [(VAN, "of-no-catalogue", 1)]
    house.visit(number, PartUsed("of-no-catalogue", 1))
    assert house.at(VAN, BEARING) == (5, 0), "one had left the van, the other the count had settled"
    house.check_sums()


def test_a_piece_that_was_held_for_another_case_is_used_and_that_case_is_told(house: StockHouse) -> None:
    house.receive(VAN, BEARING, 1)
    other, number = house.report("R2"), house.report("R1")
    house.stock.reserve(other, BEARING, 1, [VAN], LI)
    house.arrive(number)
    house.visit(number, PartUsed(BEARING, 1))
    assert house.at(VAN, BEARING) == (0, 0)
    assert [(each.ticket, each.state) for each in house.reservations()] == [(other, "released")]
    house.check_sums()


def test_a_count_below_what_is_held_lets_go_of_what_was_reserved_last(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 3)
    first, last = house.report("R1"), house.report("R2")
    house.stock.reserve(first, BEARING, 1, [DEPOT], LI)
    house.stock.reserve(last, BEARING, 2, [DEPOT], LI)
    house.stock.count(Moving(DEPOT, BEARING, 1), LI)
    assert [(each.ticket, each.state) for each in house.reservations()] == [
        (first, "held"),
        (last, "released"),
    ]
    assert house.at(DEPOT, BEARING) == (1, 1)
    house.check_sums()


def test_what_is_held_too_long_is_let_go_of_once(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 2)
    number = house.report()
    house.stock.reserve(number, BEARING, 1, [DEPOT], LI)
    house.clock.ms += 7 * DAY_MS - 1
    house.stock.reserve(number, BEARING, 1, [DEPOT], LI)
    assert house.stock.expire() == 0
    house.clock.ms += 1
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: house.stock.expire(), range(4)))
    assert sum(ended) == 1
    assert [each.state for each in house.reservations()] == ["expired", "held"]
    with pytest.raises(Conflict, match="reservation 1 is expired"):
        house.stock.release(1, LI)
    house.check_sums()


@pytest.mark.parametrize("after", [T.CANCELLED, T.CONFIRMED])
def test_a_case_that_is_over_holds_nothing(house: StockHouse, after: T) -> None:
    house.receive(DEPOT, BEARING, 2)
    number = house.report()
    house.stock.reserve(number, BEARING, 2, [DEPOT], LI)
    if after is T.CONFIRMED:
        house.arrive(number)
        house.tickets.change_state(number, T.REPAIRED, LI, "", confirmed=["none"])
    house.tickets.change_state(number, after, LI, "so it is")
    assert house.at(DEPOT, BEARING) == (2, 0)
    assert [(each.state, each.why) for each in house.reservations()] == [("released", "case_over")]
    with pytest.raises(Conflict, match="parts are held for open ones"):
        house.stock.reserve(number, BEARING, 1, [DEPOT], LI)


def test_what_is_held_for_a_merged_case_is_for_the_one_that_took_it_over(house: StockHouse) -> None:
    house.receive(DEPOT, BEARING, 2)
    house.receive(DEPOT, PACK, 1, "S1")
    gone, stays = house.report("R1"), house.report("R2")
    house.stock.reserve(gone, BEARING, 1, [DEPOT], LI)
    house.stock.reserve(gone, PACK, 1, [DEPOT], LI)
    house.stock.reserve(stays, BEARING, 1, [DEPOT], LI)
    house.work.joining.merge(gone, stays, LI, "the same")
    held = [(each.part, each.ticket, each.state) for each in house.reservations()]
    assert held == [(BEARING, gone, "released"), (PACK, stays, "held"), (BEARING, stays, "held")]
    assert house.at(DEPOT, BEARING) == (2, 1) and house.at(DEPOT, PACK) == (1, 1)
    house.check_sums()
