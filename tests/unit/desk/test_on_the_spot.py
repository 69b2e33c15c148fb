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
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.engineers import Engineer
from fleet.errors import Conflict
from fleet.tickets import TicketState as T
from storage.records.assignments import open_assignments_of
from storage.records.devices import Device
from storage.records.engineers import keep_engineer


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


def test_where_nobody_goes_nothing_is_offered(town: Town) -> None:
    with pytest.raises(Conflict, match="nobody is to go there"):
        offers(town, town.case(1))
