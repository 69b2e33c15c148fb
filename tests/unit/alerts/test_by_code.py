"""What devices say of themselves: which alert comes of it, what it says, and what ends it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms
from sqlalchemy import update

from fleet.alerts import said_by_device
from fleet.principals import person
from fleet.tickets import TicketState
from storage.records.devices import Device, ReportedEvent


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    rooms = open_rooms(tmp_path)
    with rooms.desk.transaction() as session:
        session.execute(update(Device).where(Device.id == "R1").values(model="CR-200"))
    yield rooms
    rooms.desk.close()


def tell(rooms: Rooms, after_s: float, code: str, device_id: str = "R1", **detail: Any) -> None:
    ts = NOON + round(after_s * 1000)
    rooms.engine.observe_events([ReportedEvent(device_id, ts, code, detail, ts)])


def said(rooms: Rooms, fault: str) -> tuple[Any, ...]:
    """Return level, ticket, code, state and English meaning of the open alert of R1 and `fault`."""
    (alert,) = [one for one in rooms.engine.open_alerts() if one.fault == fault]
    words = said_by_device(alert.evidence) or {}
    meaning = words.get("meaning", {}).get("en")
    return alert.level, alert.opens_ticket, words.get("code"), words.get("state"), meaning


def test_a_robot_stuck_with_a_code_is_a_l1_alert_of_the_codes_fault(rooms: Rooms) -> None:
    for after in (0, 10, 20, 30):
        rooms.robot("R1", after, state="error", error_code="M31")
    assert said(rooms, "fan_motor_wear") == ("L1", True, "M31", "error", "fan motor")
    assert [(a.fault, a.level) for a in rooms.fired] == [("fan_motor_wear", "L1")]


def test_a_state_of_error_without_a_code_is_an_alert_after_a_while(rooms: Rooms) -> None:
    rooms.robot("R1", 0, state="error")
    rooms.robot("R1", 29, state="error")
    assert rooms.fired == []
    rooms.robot("R1", 30, state="error")
    assert said(rooms, "device_error") == ("L1", True, None, "error", None)
    rooms.robot("R1", 60, state="idle")
    assert rooms.history() == [("device_error", "resolved", "cleared")]


def test_a_short_error_raises_nobody(rooms: Rooms) -> None:
    rooms.robot("R1", 0, state="error")
    rooms.robot("R1", 10, state="cleaning")
    assert rooms.history() == [("device_error", "resolved", "not_sustained")]
    assert rooms.fired == []


def test_a_code_while_it_works_is_no_worse_than_its_fault(rooms: Rooms) -> None:
    rooms.robot("R1", 0, state="cleaning", error_code="D01")
    rooms.robot("R1", 10, state="cleaning", error_code="D01")
    assert said(rooms, "dustbin_full") == ("L3", False, "D01", None, "dustbin full"), (
        "the customer empties it"
    )
    rooms.robot("R1", 20, state="cleaning")
    assert len(rooms.engine.open_alerts()) == 1, "an absent code says nothing"
    rooms.robot("R1", 30, error_code="")
    assert rooms.engine.open_alerts() == []


def test_a_code_that_nobody_knows_is_shown_as_it_is(rooms: Rooms) -> None:
    rooms.robot("R2", 0, error_code="X99")
    rooms.robot("R2", 10, error_code="X99")
    assert said(rooms, "device_error") == ("L3", True, "X99", None, None)


def test_another_code_within_one_batch_is_not_lost(rooms: Rooms) -> None:
    for after, code in enumerate(("M31", "M31", "M21", "M21")):
        rooms.robot("R1", 20 * after, error_code=code)
    assert {alert.fault for alert in rooms.engine.open_alerts()} == {"fan_motor_wear", "brush_jam"}


def test_a_code_gives_an_error_without_a_name_its_fault(rooms: Rooms) -> None:
    """Valetudo: the state first, milliseconds later the code, each in a message of its own."""
    rooms.robot("R1", 0, state="error")
    rooms.robot("R1", 0.01, error_code="M21")
    assert said(rooms, "brush_jam") == ("L1", True, "M21", "error", "brush jammed")
    rooms.tick(40)
    assert [alert.fault for alert in rooms.fired] == ["brush_jam"]
    rooms.robot("R1", 50, state="idle")
    assert rooms.engine.open_alerts() == []


def test_a_models_suspicion_and_the_devices_own_code_are_one_alert(rooms: Rooms) -> None:
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.9)])
    for after in (10, 20, 45):
        rooms.robot("R1", after, state="error", error_code="M21")
    assert said(rooms, "brush_jam") == ("L1", True, "M21", "error", "brush jammed")
    (alert,) = rooms.engine.open_alerts()
    assert alert.evidence["risk"] == 0.9
    for hours in (1, 2, 3):
        rooms.engine.observe_risks([a_risk("R1", NOON + hours * 3_600_000, 0.01)])
    assert len(rooms.engine.open_alerts()) == 1, "the device's own word leads"


def test_the_devices_code_comes_first_and_the_model_joins_it(rooms: Rooms) -> None:
    for after in (0, 20):
        rooms.robot("R1", after, error_code="M21")
    rooms.engine.observe_risks([a_risk("R1", NOON + 60_000, 0.9)])
    assert len(rooms.history()) == 1


def test_an_event_raises_once_however_often_it_comes(rooms: Rooms) -> None:
    tell(rooms, 0, "error", error_code="M31")
    tell(rooms, 0, "error", error_code="M31")
    assert said(rooms, "fan_motor_wear") == ("L2", True, "M31", None, "fan motor")
    (alert,) = rooms.engine.open_alerts()
    rooms.clock.ms = NOON + 60_000
    rooms.engine.resolve(alert.id, person("ana"), "looked at it")
    tell(rooms, 0, "error", error_code="M31")
    assert len(rooms.history()) == 1
    tell(rooms, 120, "error", error_code="M31")
    assert [state for _, state, _ in rooms.history()] == ["resolved", "firing"]


def test_an_event_says_what_the_maker_wrote_where_no_file_knows_the_code(rooms: Rooms) -> None:
    tell(rooms, 0, "robot_error", device_id="R2", error_code="lidar:Stuck", message="Laser stuck")
    assert said(rooms, "device_error") == ("L3", True, "lidar:Stuck", None, "Laser stuck")


def test_a_replaced_part_ends_what_the_device_said_of_it(rooms: Rooms) -> None:
    tell(rooms, 0, "error", error_code="M31")
    tell(rooms, 10, "error", error_code="B12")
    tell(rooms, 60, "part_replaced", part="fan-motor")
    assert rooms.history()[0] == ("fan_motor_wear", "resolved", "part_replaced")
    tell(rooms, 70, "error_cleared")
    assert rooms.engine.open_alerts() == []


def test_a_wristbands_event_calls_for_help(rooms: Rooms) -> None:
    tell(rooms, 0, "sos", device_id="W1")
    rooms.band(10, sos=True)
    assert [(alert.fault, alert.level) for alert in rooms.fired] == [("worker_sos", "L1")]


def test_what_is_said_survives_a_restart(rooms: Rooms) -> None:
    for after in (0, 40):
        rooms.robot("R1", after, state="error", error_code="M31")
    rooms.restart()
    rooms.robot("R1", 50, state="cleaning")
    assert rooms.history() == [("fan_motor_wear", "resolved", "cleared")]


def test_an_order_that_does_not_fit_is_no_fault_of_the_robot(rooms: Rooms) -> None:
    for after in (0, 20):
        rooms.robot("R1", after, state="idle", error_code="orderError")
    assert rooms.history() == []


def test_a_call_for_help_after_the_case_was_closed_is_a_new_one(rooms: Rooms) -> None:
    tell(rooms, 0, "sos", "W1")
    (alert,) = rooms.engine.open_alerts()
    case = rooms.tickets.open_for(alert)
    for state in ("accepted", "closed"):
        rooms.tickets.change_state(case, TicketState(state), person("li.wei"), "first aid")
    rooms.engine.reload()
    assert rooms.engine.open_alerts() == []
    rooms.clock.advance(60_000)
    tell(rooms, 60, "sos", "W1")
    (again,) = rooms.engine.open_alerts()
    assert rooms.tickets.open_for(again) != case


@pytest.mark.parametrize("after_repair", [False, True])
def test_what_a_device_tells_of_after_the_repair_outlives_the_ticket(
    rooms: Rooms, after_repair: bool
) -> None:
    code, device_id, fault = "error", "R1", "device_error"
    tell(rooms, 0, code, device_id, error_code="E78")
    (alert,) = rooms.engine.open_alerts()
    ticket = rooms.tickets.open_for(alert)
    for state in ("accepted", "en_route", "repairing"):
        rooms.tickets.change_state(ticket, TicketState(state), person("li.wei"), "on it")
    rooms.clock.advance(60_000)
    if not after_repair:
        tell(rooms, 59, code, device_id, error_code="E99")
    rooms.tickets.change_state(ticket, TicketState.REPAIRED, person("li.wei"), "done", confirmed=[fault])
    rooms.clock.advance(60_000)
    if after_repair:
        tell(rooms, 90, code, device_id, error_code="E99")
    rooms.tickets.change_state(ticket, TicketState.CONFIRMED, person("li.wei"), "it works")
    rooms.engine.reload()
    left = rooms.engine.open_alerts()
    if not after_repair:
        assert left == []
        return
    (new,) = left
    assert (new.fault, new.reason, new.since) == (fault, "told_after_repair", NOON + 90_000)
    assert new.evidence["previous_alert"] == alert.id
    assert new.opens_ticket
