"""From a reading or a risk to a ticket, through its repair, to an alert that is over: rooms wired up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import DEVICES, NOON, a_risk, add_devices, batch_of
from helpers.following import follow_at_once

from alerts.judging.rule_file import load_rules
from desk.clocks.clocks import Clocks, ClockStatus
from desk.clocks.standing import TicketClocks
from fleet.clock import HOUR_MS, ManualClock
from fleet.events import Subject
from fleet.principals import person
from fleet.signals import Kind
from fleet.sla import load_policy
from fleet.tickets import Ticket, TicketState
from storage.records.alerts import CHANGES, AlertRow
from storage.records.database import open_desk
from storage.records.events import events_of
from storage.records.followers import begin_following
from storage.records.paging import Asked
from storage.records.ticket_lists import TicketFilter, find_tickets
from sweepwatch.wiring import wire_desk

_REPAIR = ("accepted", "en_route", "repairing", "repaired", "confirmed")


class Product:
    """Alerts and desk, wired as the composition root does: what fires opens a ticket, what closes is told."""

    def __init__(self, path: Path, clock: ManualClock) -> None:
        self.desk = open_desk(f"sqlite:///{path}")
        self.clock = clock
        wired = wire_desk(self.desk, load_rules(), load_policy(), clock)
        self.tickets, self.alerts, self.followers = wired.tickets, wired.alerts, wired.followers

    def follow(self) -> None:
        follow_at_once(self.desk, self.followers, self.clock)

    def repair(self, ticket_id: int, confirmed: str) -> None:
        for state in _REPAIR:
            found = [confirmed] if state == "repaired" else None
            self.tickets.change_state(ticket_id, TicketState(state), person("Li"), "visit", confirmed=found)

    def all_tickets(self) -> list[Ticket]:
        with self.desk.transaction() as session:
            return list(find_tickets(session, TicketFilter(), Asked("id", 100, None, "")).rows)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "desk.db", ManualClock(NOON))
    add_devices(product.desk, DEVICES)
    product.follow()
    yield product
    product.desk.close()


def hot(product: Product, after_s: int, temperature: float) -> None:
    ts = [NOON + after_s * 1000]
    product.alerts.observe(batch_of(Kind.ROBOT, ["R1"], ts, battery_temp_c=[temperature]))


def test_a_predicted_fault_becomes_a_ticket_whose_repair_ends_the_alert(product: Product) -> None:
    product.alerts.observe_risks([a_risk("R1", NOON, 0.83), a_risk("R2", NOON, 0.2)])
    (ticket,) = product.all_tickets()
    assert (ticket.device_id, ticket.fault, ticket.origin, ticket.parts) == (
        "R1",
        "brush_jam",
        "proactive",
        ["brush-bearing"],
    )
    assert ticket.evidence["drivers"][0]["signal"] == "brush_current_a"
    product.clock.advance(3 * HOUR_MS)
    (respond, on_site) = TicketClocks(Clocks(load_policy())).of(ticket, product.clock.ms)
    assert (respond.status, on_site.status) == (ClockStatus.WARNING, ClockStatus.ON_TIME)
    assert ticket.due == NOON + 4 * HOUR_MS
    product.repair(ticket.id, "brush_jam")
    assert product.alerts.open_alerts() == []
    with product.desk.transaction() as session:
        alert = session.get_one(AlertRow, 1)
        assert (alert.state, alert.reason, alert.resolved_at) == (
            "resolved",
            "ticket_confirmed",
            product.clock.ms,
        )
        of_alert = [(each.what, each.after) for each in events_of(session, Subject.ALERT, "1")]
        assert [after for what, after in of_alert if what in CHANGES] == ["firing", "resolved"]
        assert [what for what, _ in of_alert if what not in CHANGES] == ["tell", "tell"], "begun and over"
        told = events_of(session, Subject.TICKET, str(ticket.id))
        assert [event.after for event in told] == ["opened", *_REPAIR]


def test_a_hot_battery_that_comes_back_stays_one_ticket_until_it_is_closed(product: Product) -> None:
    for after_s, temperature in ((0, 70.0), (30, 70.0), (60, 30.0), (90, 70.0), (120, 70.0)):
        hot(product, after_s, temperature)
    (ticket,) = product.all_tickets()
    assert (ticket.level, ticket.alerts, ticket.evidence["signal"]) == ("L1", (1, 2), "battery_temp_c")
    product.repair(ticket.id, "battery_overheat")
    assert product.alerts.open_alerts() == []
    hot(product, 200, 70.0)
    hot(product, 230, 70.0)
    assert [row.state for row in product.all_tickets()] == ["confirmed", "opened"]


def test_a_full_dustbin_is_an_alert_for_the_customer_and_no_ticket(product: Product) -> None:
    for after_s in (0, 300):
        ts = [NOON + after_s * 1000]
        product.alerts.observe(batch_of(Kind.ROBOT, ["R1"], ts, dustbin_pct=[99.0]))
    assert [alert.state for alert in product.alerts.open_alerts()] == ["firing"]
    assert product.all_tickets() == []


def test_what_stopped_between_alert_and_ticket_is_made_good_at_the_next_start(tmp_path: Path) -> None:
    path, clock = tmp_path / "desk.db", ManualClock(NOON)
    first = Product(path, clock)
    add_devices(first.desk, DEVICES)

    for follower in first.followers:
        begin_following(first.desk, follower.name)
    first.alerts.observe_risks([a_risk("R1", NOON, 0.83)])
    assert first.all_tickets() == []
    first.desk.close()

    second = Product(path, clock)
    second.follow()
    (ticket,) = second.all_tickets()
    second.alerts.observe_risks([a_risk("R1", NOON + 1, 0.83)])
    assert [row.id for row in second.all_tickets()] == [ticket.id]
    assert [alert.id for alert in second.alerts.open_alerts()] == [str(alert) for alert in ticket.alerts]
    second.desk.close()
