"""A follow-up case opens in the transaction that closes the first one, on both databases."""

import threading

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.postgres import ready_desk, ready_url
from sqlalchemy.orm import Session

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.tickets.desk import TicketDesk
from desk.tickets.follow_ups import FollowUpCases
from desk.tickets.writing import CaseWriter
from fleet.clock import HOUR_MS, ManualClock
from fleet.errors import Conflict, IllegalTransition
from fleet.principals import Principal, person
from fleet.signals import Kind
from fleet.sla import Milestone, load_policy
from fleet.tickets import Ticket, TicketLink
from fleet.tickets import TicketState as T
from storage.records.database import DeskDatabase
from storage.records.fault_records import fault_records
from storage.records.ticket_links import links_of
from storage.records.tickets import open_case_of, ticket

__all__ = ["ready_desk", "ready_url"]

LI = person("Li")
TO_REPAIRING = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)


class Desk:
    """A desk with a robot, at which one case was repaired and something deferred."""

    def __init__(self, desk: DeskDatabase) -> None:
        self.desk, self.clock = desk, ManualClock(NOON)
        self.clocks = TicketClocks(Clocks(load_policy()))
        self.cases = CaseWriter(desk, self.clocks, self.clock)
        FollowUpCases(self.cases)
        self.tickets = TicketDesk(desk, self.cases)
        add_devices(desk, {"R1": Kind.ROBOT})
        self.first = self.tickets.report("R1", "brush_jam", LI, "it squeals")
        for state in TO_REPAIRING:
            self.tickets.change_state(self.first, state, LI, "")
        self.clock.ms += HOUR_MS
        self.tickets.change_state(
            self.first,
            T.REPAIRED,
            LI,
            "",
            confirmed=["brush_jam"],
            deferred=["battery_overheat", "brush_wear"],
        )

    @property
    def open(self) -> Ticket | None:
        with self.desk.transaction() as session:
            return open_case_of(session, "R1")


@pytest.fixture
def house(ready_desk: DeskDatabase) -> Desk:
    return Desk(ready_desk)


def test_it_has_its_clocks_its_link_and_a_place_in_both_cases(house: Desk) -> None:
    house.clock.ms += HOUR_MS
    done = house.tickets.change_state(house.first, T.CONFIRMED, LI, "")
    second = house.open
    assert second is not None and second.id != house.first
    assert second.faults == ["battery_overheat", "brush_wear"]
    dues = {each.milestone: each.due for each in house.clocks.of(second, house.clock.ms)}
    assert dues[Milestone.ON_SITE] == house.clock.ms + 24 * HOUR_MS, "the robot works: L2 at the worst"
    assert {each.follow_up for each in done.suspicions} == {None, second.id}
    with house.desk.transaction() as session:
        assert ticket(session, house.first) == done, "what was returned is what is stored"
        pairs = [links_of(session, number) for number in (house.first, second.id)]
    assert [(pair[0].id, pair[0].kind) for pair in pairs] == [
        (second.id, TicketLink.FOLLOWS),
        (house.first, TicketLink.FOLLOWS),
    ]


def test_where_the_follow_up_cannot_be_written_the_first_stays_open(house: Desk) -> None:
    def fails(_s: Session, _b: Ticket, after: Ticket, _p: Principal, _w: str) -> None:
        raise Conflict(f"no {after.id}")

    house.cases.follow(fails)
    with pytest.raises(Conflict, match="no 1"):
        house.tickets.change_state(house.first, T.CONFIRMED, LI, "")
    case = house.open
    assert case is not None and (case.id, case.state) == (house.first, T.REPAIRED)
    with house.desk.transaction() as session:
        assert links_of(session, house.first) == []


def test_of_several_who_confirm_at_once_one_does_and_one_follow_up_comes_of_it(house: Desk) -> None:
    won: list[str] = []
    lost: list[Exception] = []
    start = threading.Barrier(4)

    def confirm(desk: TicketDesk) -> None:
        start.wait()
        try:
            won.append(desk.change_state(house.first, T.CONFIRMED, LI, "").state)
        except Exception as error:
            lost.append(error)

    def another() -> TicketDesk:
        cases = CaseWriter(house.desk, house.clocks, house.clock)
        FollowUpCases(cases)
        return TicketDesk(house.desk, cases)

    threads = [threading.Thread(target=confirm, args=(another(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (won, len(lost)) == (["confirmed"], 3)
    assert all(isinstance(error, Conflict | IllegalTransition) for error in lost), lost
    with house.desk.transaction() as session:
        assert len(links_of(session, house.first)) == 1


def test_a_report_that_comes_as_the_first_is_closed_is_in_the_follow_up(house: Desk) -> None:
    house.tickets.change_state(house.first, T.CONFIRMED, LI, "")
    second = house.open
    assert second is not None
    assert house.tickets.report("R1", "water_leak", LI, "a puddle") == second.id
    with house.desk.transaction() as session:
        assert fault_records(session, ["brush_wear"])["brush_wear"].all.judged == 0
