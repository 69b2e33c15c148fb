"""Plan and tier reach the clocks of open cases: at once where it is said, by the hour where days pass."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest
from helpers.desk_rooms import add_devices
from helpers.following import follow_at_once
from helpers.fresh_desk import fresh_desk

from desk.clocks.recount import Recount
from desk.people.book import ServiceBook
from desk.people.follower import TermsFollower
from fleet.clock import DAY_MS, HOUR_MS, ManualClock
from fleet.customers import Contract, Customer, PlanName, Terms, Tier, terms_of
from fleet.engineers import Demands
from fleet.errors import Conflict, InvalidInput
from fleet.principals import person
from fleet.signals import Kind
from fleet.sites import Site
from fleet.sla import Level, SlaPolicy, Special, load_policy
from fleet.tickets import TicketState
from fleet.zones import Zones
from storage.records.database import DeskDatabase
from storage.records.events import events_after
from storage.records.sites import describe_site
from storage.records.tickets import ticket
from sweepwatch.wiring import WiredDesk, wire_desk

NOW = 1_800_000_000_000
TODAY = date(2027, 1, 15)
ADA = person("Ada")
FAULT = "charging_failure"
HOTEL = Customer("hotel", tier=Tier.B)


def policy() -> SlaPolicy:
    """Return the standard one, with a promise to gold customers besides."""
    gold = Special.model_validate({"for": {"plan": "gold"}, "respond": "10m"})
    vip = Special.model_validate({"for": {"tier": "A"}, "on_site": "30m"})
    return load_policy().model_copy(update={"special": (gold, vip)})


@dataclass
class House:
    desk: DeskDatabase
    clock: ManualClock
    wired: WiredDesk
    book: ServiceBook
    ticket_id: int = 0

    def due_after_ms(self) -> int:
        """Return how long after its opening the case must be answered, as lists have it."""
        with self.desk.transaction() as session:
            found = ticket(session, self.ticket_id)
        return found.respond_due - found.opened_at

    def events(self) -> int:
        with self.desk.transaction() as session:
            return len(events_after(session, 0, 10_000))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    path = tmp_path / "desk.db"
    desk, clock = fresh_desk(path), ManualClock(NOW)
    add_devices(desk, {"R1": Kind.ROBOT})
    wired = wire_desk(desk, (), policy(), clock)
    follow_at_once(desk, [each for each in wired.followers if isinstance(each, TermsFollower)], clock)
    made = House(desk, clock, wired, ServiceBook(desk, clock, Demands(), Zones(), wired.terms.forget))
    with desk.transaction() as session:
        describe_site(session, Site("hall", customer="hotel"))
    made.ticket_id = wired.tickets.report("R1", FAULT, ADA, "it does not charge")
    yield made
    desk.close()


STANDARD = load_policy().levels[Level.L1].respond_ms
GOLD = HOUR_MS // 6


def test_a_site_may_name_a_customer_whom_nobody_described(house: House) -> None:
    assert house.due_after_ms() == STANDARD


def test_a_changed_plan_moves_the_customers_open_cases_at_once(house: House) -> None:
    house.book.customer(replace(HOTEL, plan=PlanName.GOLD), ADA)
    assert house.due_after_ms() == GOLD
    house.book.customer(HOTEL, ADA)
    assert house.due_after_ms() == STANDARD


def test_a_new_case_has_the_plan_of_its_site(house: House) -> None:
    house.wired.tickets.change_state(house.ticket_id, TicketState.CANCELLED, ADA, "a test")
    house.book.customer(replace(HOTEL, plan=PlanName.GOLD), ADA)
    house.ticket_id = house.wired.tickets.report("R1", FAULT, ADA, "again")
    assert house.due_after_ms() == GOLD


def test_a_contract_goes_before_the_customers_plan_and_begins_by_itself(house: House) -> None:
    house.book.customer(HOTEL, ADA)
    tomorrow = date(2027, 1, 16)
    house.book.contract(Contract("C1", "hotel", PlanName.GOLD, tomorrow, tomorrow), ADA)
    assert house.due_after_ms() == STANDARD
    recount = Recount(house.desk, house.wired.clocks)
    house.clock.ms += DAY_MS
    assert recount.all(house.clock.ms) == 1
    assert house.due_after_ms() == GOLD
    house.clock.ms += DAY_MS
    assert recount.all(house.clock.ms) == 1
    assert house.due_after_ms() == STANDARD


def test_a_closed_case_keeps_the_plan_of_the_day_it_was_closed(house: House) -> None:
    house.book.customer(HOTEL, ADA)
    house.book.contract(Contract("C1", "hotel", PlanName.GOLD, TODAY, TODAY), ADA)
    house.clock.ms += HOUR_MS
    house.wired.tickets.change_state(house.ticket_id, TicketState.CANCELLED, ADA, "a test")
    house.clock.ms += 3 * DAY_MS
    with house.desk.transaction() as session:
        closed = ticket(session, house.ticket_id)
    (answer,) = [
        each for each in house.wired.clocks.of(closed, house.clock.ms) if each.milestone == "respond"
    ]
    assert answer.allowed_ms == GOLD


def test_what_another_process_said_is_known_by_its_event(house: House) -> None:
    others = ServiceBook(house.desk, house.clock, Demands(), Zones())  # which forgets nothing here
    others.customer(replace(HOTEL, plan=PlanName.GOLD), ADA)
    assert house.due_after_ms() == GOLD


def test_a_description_said_again_changes_nothing(house: House) -> None:
    first = house.book.customer(HOTEL, ADA)
    events = house.events()
    assert house.book.customer(HOTEL, ADA, first.version).version == first.version == 1
    assert house.events() == events
    with pytest.raises(Conflict, match="changed by someone else"):
        house.book.customer(HOTEL, ADA, 7)


def test_a_contract_needs_a_customer_and_an_end_after_its_beginning(house: House) -> None:
    with pytest.raises(InvalidInput, match='customer: there is no customer "nobody"'):
        house.book.contract(Contract("C1", "nobody", PlanName.GOLD, TODAY), ADA)
    house.book.customer(HOTEL, ADA)
    with pytest.raises(InvalidInput, match="is before it begins"):
        house.book.contract(Contract("C1", "hotel", PlanName.GOLD, TODAY, date(2027, 1, 1)), ADA)


def test_the_contract_that_names_the_site_goes_before() -> None:
    whole = Contract("W", "hotel", PlanName.PREMIUM, date(2026, 6, 1))
    own = Contract("S", "hotel", PlanName.GOLD, date(2026, 1, 1), sites=frozenset({"hall"}))
    assert terms_of(HOTEL, [whole, own], "hall", TODAY) == Terms("gold", "B", "S")
    assert terms_of(HOTEL, [whole, own], "tower", TODAY) == Terms("premium", "B", "W")
    assert terms_of(HOTEL, [own], "tower", TODAY) == Terms("basic", "B")
    assert terms_of(replace(HOTEL, active=False), [], "hall", TODAY) == Terms("", "B")
