"""While an engineer is at a site: what else can be done there, what is in its way, and that it is done."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from helpers.town import LI, NINE, Town
from sqlalchemy import update
from sqlalchemy.orm import Session

from desk.dispatch.assigning import Sent
from desk.dispatch.on_the_spot import Hindered, Offer, There
from desk.dispatch.ports import NoStock
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.engineers import Engineer
from fleet.errors import Conflict
from fleet.tickets import TicketKind
from fleet.tickets import TicketState as T
from fleet.upkeep import DueBy
from storage.records.assignments import open_assignments_of
from storage.records.devices import Device
from storage.records.engineers import keep_engineer
from storage.records.maintenance import StoredDue, write_maintenance_dues


class OneVan(NoStock):
    """A stock of which the vans alone are known."""

    def __init__(self) -> None:
        self.carried: dict[str, int] = {"brush-bearing": 3}

    def vans(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        return {"van": self.carried}

    def arrivals(self, session: Session, parts: Collection[str], now: int) -> Mapping[str, int | None]:
        return dict.fromkeys(parts, 0)


@pytest.fixture
def van() -> OneVan:
    return OneVan()


@pytest.fixture
def town(tmp_path: Path, van: OneVan) -> Iterator[Town]:
    desk = fresh_desk(tmp_path / "desk.db")
    made = Town(desk, stock=van)
    with desk.transaction() as session:
        keep_engineer(
            session,
            Engineer("chen", "Chen", skills=frozenset({"mechanical"}), van="van", home=(31.23, 121.47)),
        )
    yield made
    desk.close()


def at_work(town: Town) -> int:
    """Return a case that chen is at."""
    number = town.case(1)
    town.board.assigning.assign(number, Sent("chen", NINE, 0), LI)
    town.goes(number, T.ACCEPTED, T.EN_ROUTE, T.REPAIRING)
    return number


def offers(town: Town, number: int) -> list[Offer]:
    with town.desk.transaction() as session:
        return town.on_the_spot.offers(session, number)


def at_risk(town: Town, device: int, fault: str, risk: float, site: str = "near") -> None:
    with town.desk.transaction() as session:
        known = update(Device).where(Device.id == f"R{device}")
        session.execute(known.values(site=site, fault=fault, risk=risk))


def test_other_cases_and_devices_at_risk_at_the_site_are_offered(town: Town) -> None:
    number = at_work(town)
    other = town.case(2)
    town.case(3, "north")
    at_risk(town, 4, "brush_jam", 0.45)
    at_risk(town, 5, "brush_jam", 0.1)
    found = offers(town, number)
    assert [(each.ticket_id, each.device_id, each.what, each.hindered) for each in found] == [
        (0, "R4", There.AT_RISK, None),
        (other, "R2", There.REPORTED, None),
    ]


def test_what_is_taken_over_comes_right_after_and_the_next_one_behind_it(town: Town) -> None:
    number, other = at_work(town), town.case(2)
    at_risk(town, 4, "brush_jam", 0.45)
    made = town.on_the_spot.take(number, LI, other=other)
    with town.desk.transaction() as session:
        lead = open_assignments_of(session, [number])[number][0]
    assert (made.engineer, made.begins, made.arrives) == ("chen", lead.ends, lead.ends)
    assert made.reason == "on_the_spot"
    more = town.on_the_spot.take(number, LI, device_id="R4")
    assert more.begins == made.ends
    assert town.tickets.read(more.ticket_id).device_id == "R4"
    assert offers(town, number) == []
    with pytest.raises(Conflict, match="not offered there any more"):
        town.on_the_spot.take(number, LI, other=other)


def test_what_is_in_the_way_is_named(town: Town, van: OneVan) -> None:
    number, other = at_work(town), town.case(2)
    electrical = town.case(3, fault="battery_wear")
    van.carried = {}
    found = {each.ticket_id: each for each in offers(town, number)}
    assert (found[other].hindered, found[other].about) == (Hindered.PART, ("brush-bearing",))
    assert (found[electrical].hindered, found[electrical].about) == (Hindered.SKILL, ("electrical",))
    with pytest.raises(Conflict, match="part brush-bearing"):
        town.on_the_spot.take(number, LI, other=other)


def test_there_has_to_be_time_before_the_next_visit(town: Town) -> None:
    number, other, elsewhere = at_work(town), town.case(2), town.case(3, "north")
    town.board.assigning.assign(elsewhere, Sent("chen", NINE + HOUR_MS, 30 * MINUTE_MS), LI)
    (found,) = offers(town, number)
    assert (found.ticket_id, found.hindered) == (other, Hindered.TIME)


def due(town: Town, device: int, in_days: int, plan: str) -> None:
    """Let a plan of a device at the site near by be due some days from now."""
    at_risk(town, device, "brush_jam", 0.0)
    row = StoredDue(f"R{device}", plan, NINE + in_days * DAY_MS, DueBy.CALENDAR, NINE)
    with town.desk.transaction() as session:
        write_maintenance_dues(session, [row])


def test_maintenance_that_falls_due_soon_is_offered_and_gets_its_ticket_when_it_is_taken(town: Town) -> None:
    number, plan = at_work(town), town.maintenance.asked.plans[0]
    due(town, 2, 20, plan.id)
    due(town, 3, 40, plan.id)
    (found,) = offers(town, number)
    assert (found.ticket_id, found.device_id, found.what, found.plan) == (0, "R2", There.DUE_SOON, plan.id)
    assert (found.due_at, found.work_ms) == (NINE + 20 * DAY_MS, plan.minutes * MINUTE_MS)
    assert found.hindered is None
    with pytest.raises(Conflict, match="not offered there any more"):
        town.on_the_spot.take(number, LI, device_id="R2")
    made = town.on_the_spot.take(number, LI, device_id="R2", plan=plan.id)
    case = town.tickets.read(made.ticket_id)
    assert case.upkeep is not None
    assert (case.kind, case.upkeep.plan, case.device_id) == (TicketKind.MAINTENANCE, plan.id, "R2")
    assert (made.engineer, made.reason) == ("chen", "on_the_spot")
    assert offers(town, number) == []
    with pytest.raises(Conflict, match="has a ticket"):
        town.maintenance.open_early("R2", plan.id, LI, "on_the_spot")


def test_maintenance_for_two_is_not_offered_to_one(town: Town) -> None:
    plan = next(each for each in town.maintenance.asked.plans)
    pair = town.maintenance.asked.model_copy(update={"plans": (plan.model_copy(update={"people": 2}),)})
    town.maintenance.asked = pair
    number = at_work(town)
    due(town, 2, 1, plan.id)
    (found,) = offers(town, number)
    assert found.hindered is Hindered.PEOPLE


def test_where_nobody_goes_nothing_is_offered(town: Town) -> None:
    with pytest.raises(Conflict, match="nobody is to go there"):
        offers(town, town.case(1))
