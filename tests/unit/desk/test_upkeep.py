"""Maintenance: opened before it is due, done, skipped, pulled forward, begun anew; inspections."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, add_devices
from helpers.fresh_desk import fresh_desk
from helpers.upkeep import LI, WANG, House

from desk.clocks.recount import Recount
from fleet.clock import DAY_MS
from fleet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from fleet.events import Subject
from fleet.principals import Principal, PrincipalKind
from fleet.service import InspectionLevel as L
from fleet.signals import Kind
from fleet.sla import Milestone
from fleet.tickets import Ticket, TicketKind
from fleet.tickets import TicketState as T
from fleet.upkeep import Used, months_later
from storage.records.events import events_of
from storage.records.inspections import InspectionFilter, find_inspections, scores_of
from storage.records.maintenance_tickets import open_maintenance
from storage.records.paging import Asked
from storage.records.registering import replace_device
from storage.records.ticket_links import links_of
from storage.records.tickets import ticket


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "desk.db"
    desk = fresh_desk(path)
    made = House(desk)
    made.add("R1")
    yield made
    desk.close()


def first_ticket(house: House, plan: str = "quarter") -> Ticket:
    """Go on until the maintenance of R1 has a ticket."""
    house.tick(NOON)
    house.tick(house.due("R1", plan) - 10 * DAY_MS)
    with house.desk.transaction() as session:
        return ticket(session, open_maintenance(session)["R1", plan])


def test_a_robot_of_ten_minutes_has_nothing_due_and_an_empty_installation_neither(house: House) -> None:
    assert house.tick(NOON + 600_000, R1=Used(0.1, NOON + 600_000)) == 0
    assert house.work.inspections.tick() == 0
    assert house.due("R1", "quarter") >= NOON + 14 * DAY_MS


def test_it_opens_before_it_is_due_with_its_date_as_clock_and_a_reminder(house: House) -> None:
    case = first_ticket(house)
    due = house.due("R1", "quarter")
    assert (case.kind, case.level, case.on_site_due, case.due) == (
        TicketKind.MAINTENANCE,
        "L3",
        due,
        case.opened_at + (due - case.opened_at) // 2,
    )
    assert {clock.milestone for clock in house.clocks.of(case, house.clock.ms)} == {
        Milestone.RESPOND,
        Milestone.ON_SITE,
    }
    with house.desk.transaction() as session:
        told = {each.what: each for each in events_of(session, Subject.TICKET, str(case.id))}
    assert told["reminder"].data["advice"]["en"].startswith("You can do the first part yourself")
    assert house.work.procedure.checklist(case)[0][0].id == "maintenance.q.filter"
    Recount(house.desk, house.clocks).all(house.clock.ms)
    assert house.all()[0].on_site_due == due, "an edited policy changes nothing of a date"
    assert house.tick(house.clock.ms + DAY_MS) == 0, "one is open already"


def test_what_is_done_counts_from_then_and_nothing_opens_for_tools_and_wristbands(house: House) -> None:
    case = first_ticket(house)
    after = house.move(case.id, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.CLOSED)
    assert (after.due, after.solved_at) == (None, house.clock.ms)
    assert house.due("R1", "quarter") == months_later(house.clock.ms, 3)
    assert {device for device, _plan in house.known()} <= {"R1"}
    for_year = house.tick(NOON + 365 * DAY_MS)
    assert for_year and {each.device_id for each in house.all()} == {"R1"}


def test_who_cancels_or_skips_says_why_and_the_next_counts_from_then(house: House) -> None:
    case = first_ticket(house)
    with pytest.raises(InvalidInput):
        house.work.maintenance.skip("R1", "quarter", LI, " ")
    house.work.maintenance.skip("R1", "quarter", LI, "new brushes came last week")
    with house.desk.transaction() as session:
        assert ticket(session, case.id).state is T.CANCELLED
    assert house.due("R1", "quarter") == months_later(house.clock.ms, 3)
    assert ("R1", "quarter") not in house.known()
    house.work.maintenance.skip("R1", "year", LI, "without a ticket as well")
    assert house.due("R1", "year") == months_later(house.clock.ms, 12)
    with pytest.raises(InvalidInput, match="allowed: quarter, half, year"):
        house.work.maintenance.skip("R1", "yearly", LI, "why")
    with pytest.raises(InvalidInput, match="allowed: none"):
        house.work.maintenance.skip("T", "year", LI, "why")
    with pytest.raises(NotFound):
        house.work.maintenance.skip("R9", "year", LI, "why")


def test_a_repair_shows_what_is_due_within_a_month_and_a_visit_may_do_it(house: House) -> None:
    house.tick(NOON)
    due = house.due("R1", "quarter")
    house.tick(due - 20 * DAY_MS)
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    with house.desk.transaction() as session:
        case = ticket(session, number)
    assert "quarter" in [hint.plan.id for hint in house.work.maintenance.hints(case)]
    house.work.maintenance.done_with(number, "quarter", LI)
    assert house.due("R1", "quarter") == months_later(house.clock.ms, 3)
    with pytest.raises(Conflict, match="not due soon"):
        house.work.maintenance.done_with(number, "quarter", LI)


def test_a_high_risk_pulls_it_forward_to_a_visit_that_comes_anyway(house: House) -> None:
    house.tick(NOON)
    due = house.due("R1", "quarter")
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    house.tick(due - 20 * DAY_MS)
    assert ("R1", "quarter") not in house.known()
    house.heard(risk=0.8)
    house.tick(due - 20 * DAY_MS)
    with house.desk.transaction() as session:
        assert [each.id for each in links_of(session, house.known()["R1", "quarter"])] == [number]


def test_by_use_it_is_due_earlier(house: House) -> None:
    house.tick(NOON, R1=Used(8000, NOON))
    before = house.due("R1", "quarter")
    house.tick(NOON + 2 * DAY_MS, R1=Used(8048, NOON + 2 * DAY_MS))
    after = house.due("R1", "quarter")
    assert after < before and after < NOON + 22 * DAY_MS, "a robot that never rests has 500 hours in 3 weeks"


def test_another_device_under_the_id_begins_anew(house: House) -> None:
    case = first_ticket(house)
    with house.desk.transaction() as session:
        replace_device(session, "R1", "S2", house.clock.ms + 1)
    house.tick(house.clock.ms + DAY_MS)
    with house.desk.transaction() as session:
        assert ticket(session, case.id).state is T.CANCELLED
    assert house.due("R1", "quarter") > house.clock.ms + 12 * DAY_MS, "and that is not a skip"


def test_a_fleet_that_was_there_for_years_before_anybody_planned_falls_due_little_by_little(
    house: House,
) -> None:
    add_devices(house.desk, {f"OLD{n}": Kind.ROBOT for n in range(60)})
    later = NOON + 3 * 365 * DAY_MS
    assert house.tick(later) == 0
    opened = [house.tick(later + day * DAY_MS) for day in range(10, 91, 10)]
    assert max(opened) < 30 and sum(opened) > 60
    assert house.due("OLD7", "year") < later + 366 * DAY_MS


def test_what_is_not_heard_of_any_more_is_left_alone(house: House) -> None:
    house.clock.ms = NOON + 200 * DAY_MS
    assert house.work.maintenance.tick() == 0


def test_an_inspection_is_done_once_by_its_items_and_never_by_whose_case_it_is(house: House) -> None:
    number = house.repair("R1")
    house.clock.ms += 8 * DAY_MS
    assert house.work.inspections.tick() >= 1
    with house.desk.transaction() as session:
        page = find_inspections(session, InspectionFilter(is_open=True), Asked("due_at", 9, None, ""))
    by_level = {each.level: each for each in page.rows}
    own, leader = by_level[L.SELF], by_level[L.LEADER]
    assert (own.ticket_id, own.engineer, leader.engineer_name) == (number, "7", "Li")
    do = house.work.inspections.do
    with pytest.raises(NotAllowed, match="their own"):
        do(leader.id, [], "", LI)
    with pytest.raises(NotAllowed, match="the engineer of the case, Li"):
        do(own.id, [], "", WANG)
    with pytest.raises(InvalidInput, match=r"allowed: leader\.diagnosis"):
        do(leader.id, ["leader.x"], "", WANG)
    token = Principal(PrincipalKind.TOKEN, LI.id, "robot")
    with pytest.raises(NotAllowed, match="the engineer of the case, Li"):
        do(own.id, [], "", token)  # ids of tokens begin at 1, as those of people do
    done = do(leader.id, ["leader.diagnosis", "leader.checklist"], "parts too many", WANG)
    assert (done.score, done.by_name) == (60, "Wang")
    with pytest.raises(Conflict, match="was done by Wang"):
        do(leader.id, [], "", WANG)
    do(own.id, [], "", LI)
    with house.desk.transaction() as session:
        (scores,) = scores_of(session, 0, house.clock.ms + 1)
        assert (scores.engineer, scores.inspections, scores.mean) == ("7", 1, 60.0), (
            "a self-check does not count"
        )
        assert scores_of(session, 0, house.clock.ms) == []


def test_a_tokens_repair_is_nobodys_work(house: House) -> None:
    number = house.tickets.report("R1", "brush_jam", LI, "it squeals")
    token = Principal(PrincipalKind.TOKEN, LI.id, "robot")
    house.move(number, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED, by=token)
    with house.desk.transaction() as session:
        page = find_inspections(session, InspectionFilter(is_open=True), Asked("due_at", 9, None, ""))
    assert [(each.engineer, each.engineer_name) for each in page.rows] == [("", "robot")]
