"""Maintenance and inspections on both databases: two processes do at once what is done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from helpers.desk_rooms import NOON
from helpers.postgres import ready_desk, ready_url
from helpers.upkeep import House

from fleet.clock import DAY_MS, ManualClock
from fleet.tickets import TicketState as T
from fleet.upkeep import Used, months_later
from storage.records.database import DeskDatabase, open_desk
from storage.records.maintenance import done_last

__all__ = ["ready_desk", "ready_url"]


def test_two_processes_that_tick_at_once_open_and_choose_each_once(ready_url: str) -> None:
    clock = ManualClock(NOON)
    desks = [open_desk(ready_url) for _ in range(2)]
    houses = [House(desk, clock) for desk in desks]
    houses[0].add(*(f"R{n}" for n in range(10)))
    for n in range(2):
        houses[0].repair(f"R{n}")
    houses[0].tick(NOON)
    clock.ms = NOON + 60 * DAY_MS
    houses[0].heard()

    def both(job: Callable[[House], int]) -> int:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(job, houses))

    opened = both(lambda each: each.work.maintenance.tick())
    found = [(each.device_id, each.upkeep) for each in houses[0].all() if each.kind == "maintenance"]
    assert opened == len(found) == len(set(found)) == len(houses[0].known()) > 3
    clock.ms = NOON + 4 * DAY_MS  # a week later by the calendar
    assert both(lambda each: each.work.inspections.tick()) == 1
    assert both(lambda each: each.work.inspections.tick()) == 0, "it was drawn"
    for desk in desks:
        desk.close()


def test_what_is_done_stands_in_the_database(ready_desk: DeskDatabase) -> None:
    house = House(ready_desk)
    house.add("R1")
    house.tick(NOON)
    house.tick(house.due("R1", "quarter") - DAY_MS, R1=Used(900, NOON))
    number = house.known()["R1", "quarter"]
    house.move(number, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.CLOSED)
    with ready_desk.transaction() as session:
        assert done_last(session, ["R1"])["R1", "quarter"] == (house.clock.ms, 900, False)
    assert house.due("R1", "quarter") == months_later(house.clock.ms, 3)
