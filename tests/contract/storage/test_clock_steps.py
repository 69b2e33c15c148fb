"""Clocks of stored tickets: each step is told once, a changed calendar counts from the beginning."""

import threading
from zoneinfo import ZoneInfo

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url

from desk.clocks.calendar import ServiceCalendar
from desk.clocks.clocks import Clocks
from desk.clocks.recount import Recount
from desk.clocks.standing import TicketClocks
from desk.clocks.sweep import ClockSweep
from desk.tickets.desk import TicketDesk
from desk.tickets.writing import CaseWriter
from fleet.clock import HOUR_MS, MINUTE_MS, ManualClock
from fleet.events import Event, Subject
from fleet.principals import person
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import TicketState as T
from storage.records.clock_steps import due_steps
from storage.records.database import DeskDatabase
from storage.records.events import events_of
from storage.records.tickets import ticket

__all__ = ["ready_desk", "ready_url"]

LI = person("li")
OFFICE = ServiceCalendar.model_validate({"name": "office", "hours": ["08:00-18:00"]})


class Desk:
    """A desk with one reported fan (L2: an answer in 4 h, on site in 24 h), and its clocks."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk = desk
        self.clock = ManualClock(NOON)
        self.clocks = TicketClocks(Clocks(load_policy()))
        self.tickets = TicketDesk(desk, CaseWriter(desk, self.clocks, self.clock))
        self.sweep = ClockSweep(desk, self.clocks)
        add_devices(desk, {"R1": Kind.ROBOT})
        self.id = self.tickets.report("R1", "fan_motor_wear", LI, "it hums")

    def at(self, hours: float) -> int:
        """Let it be so many hours after noon; return how many steps were told."""
        self.clock.ms = NOON + round(hours * HOUR_MS)
        return self.sweep.tick(self.clock.ms)

    def move(self, *states: T) -> None:
        """Move the ticket on."""
        for state in states:
            self.tickets.change_state(self.id, state, LI, "so it is")

    def told(self) -> list[tuple[str, str]]:
        """Return what its clocks told of."""
        return [(each.what, each.reason) for each in self.events() if each.what.startswith("clock_")]

    def events(self) -> list[Event]:
        with self.desk.transaction() as session:
            return list(events_of(session, Subject.TICKET, str(self.id)))


@pytest.fixture
def house(ready_desk: DeskDatabase) -> Desk:
    """Return a desk on SQLite, and on PostgreSQL."""
    return Desk(ready_desk)


def test_an_answer_that_does_not_come_warns_is_breached_and_escalated_each_once(house: Desk) -> None:
    assert [house.at(hours) for hours in (2.9, 3, 3.1, 4, 4.4, 4.5, 6, 7)] == [0, 1, 0, 1, 0, 1, 1, 0]
    assert house.told() == [
        ("clock_warned", "respond"),
        ("clock_breached", "respond"),
        ("clock_escalated", "respond"),
        ("clock_escalated", "respond"),
    ]


def test_what_came_due_while_nobody_looked_is_told_in_order(house: Desk) -> None:
    assert house.at(5) == 3
    assert [what for what, _ in house.told()] == ["clock_warned", "clock_breached", "clock_escalated"]


def test_an_answer_in_time_is_silent_and_one_too_late_was_breached_all_the_same(house: Desk) -> None:
    house.clock.ms += 2 * HOUR_MS
    house.move(T.ACCEPTED)
    assert house.at(10) == 0
    house.clock.ms = NOON + 25 * HOUR_MS
    house.move(T.EN_ROUTE, T.REPAIRING)  # an hour too late, before anybody swept
    assert house.at(26) == 1
    assert house.told() == [("clock_breached", "on_site")]


def test_a_clock_that_waits_says_nothing_and_goes_on_afterwards(house: Desk) -> None:
    house.move(T.ACCEPTED, T.WAITING_CUSTOMER)
    with house.desk.transaction() as session:
        assert ticket(session, house.id).due is None
    assert house.at(100) == 0
    house.move(T.EN_ROUTE)
    with house.desk.transaction() as session:
        assert ticket(session, house.id).on_site_due == NOON + 124 * HOUR_MS
    assert (house.at(117.9), house.at(118), house.at(124)) == (0, 1, 1)


def test_a_clock_of_the_machine_that_jumps_back_tells_nothing_twice(house: Desk) -> None:
    assert house.at(4) == 2
    assert (house.at(3), house.at(4)) == (0, 0)


def test_of_several_that_sweep_at_once_one_tells(house: Desk) -> None:
    house.clock.ms = NOON + 4 * HOUR_MS
    told: list[int] = []
    sweeps = [ClockSweep(house.desk, house.clocks) for _ in range(5)]
    threads = [
        threading.Thread(target=lambda each=each: told.append(each.tick(house.clock.ms)))  # type: ignore[misc]
        for each in sweeps
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) == 2
    assert len(house.told()) == 2


def test_another_calendar_counts_from_the_beginning_and_is_previewed_first(house: Desk) -> None:
    policy = load_policy().model_copy(update={"calendar": "office"})
    other = Clocks(policy, {"office": OFFICE})
    china = TicketClocks(Clocks(load_policy()), lambda _site: ZoneInfo("Asia/Shanghai"))
    before = house.events()
    moved = list(Recount(house.desk, china).preview(other, NOON + MINUTE_MS))
    assert {each.milestone for each in moved} == {"respond", "on_site"}
    assert all(
        each.after is not None and each.before is not None and each.after > each.before for each in moved
    )
    with house.desk.transaction() as session:
        assert ticket(session, house.id).respond_due == NOON + 4 * HOUR_MS, "a preview changes nothing"
    assert Recount(house.desk, china.by(other)).all(NOON + MINUTE_MS) == 1
    assert Recount(house.desk, china.by(other)).all(NOON + MINUTE_MS) == 0
    with house.desk.transaction() as session:
        case = ticket(session, house.id)
        assert (case.respond_due, case.on_site_due) == tuple(each.after for each in moved)
        assert case.version == 1
        assert due_steps(session, NOON + 4 * HOUR_MS, 10) == []
    assert house.events() == before


def test_a_stricter_policy_makes_overdue_at_once_and_says_so_once(house: Desk) -> None:
    policy = load_policy()
    hard = policy.levels | {
        level: each.model_copy(update={"respond_ms": HOUR_MS}) for level, each in policy.levels.items()
    }
    other = Clocks(policy.model_copy(update={"levels": hard}))
    now = NOON + 2 * HOUR_MS
    assert [each.breaks for each in Recount(house.desk, house.clocks).preview(other, now)] == [True]
    house.clocks = house.clocks.by(other)
    house.sweep = ClockSweep(house.desk, house.clocks)
    assert Recount(house.desk, house.clocks).all(now) == 1
    assert house.at(2) == 3
    assert house.at(2.1) == 0
