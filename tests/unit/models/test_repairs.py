"""What the desk tells the models: only confirmed faults are labels, and every renewal ends a part's life."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from helpers.fresh_desk import fresh_desk
from sqlalchemy.orm import Session

from fleet.cases import moved, open_case, suspect
from fleet.faults import FAULTS
from fleet.signals import Kind
from fleet.tickets import TicketOrigin, TicketState
from storage.records.database import DeskDatabase
from storage.records.devices import Device, DeviceEvent
from storage.records.repairs import (
    Findings,
    confirmed_repairs,
    device_places,
    findings,
    open_tickets,
    renewals,
)
from storage.records.tickets import insert_ticket


def add_ticket(session: Session, device: str, state: str, opened: int, found: str | None = None) -> None:
    """Add a ticket that suspected a jam; one that found something was repaired ten milliseconds later."""
    first = suspect("brush_jam", opened, {})
    case = open_case(device, "s1", TicketOrigin.REPORTED, first, opened)
    way = ["accepted", "en_route", "repairing", "repaired", "confirmed"] if found else [state]
    for step in way if state != "opened" else ():
        said = [found] if step == "repaired" and found else None
        case = moved(case, TicketState(step), opened + 10, said)
    insert_ticket(session, replace(case, respond_due=case.opened_at))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    database = fresh_desk(tmp_path / "desk.sqlite")
    with database.transaction() as session:
        session.add(Device(id="r1", kind="robot", site="s1", model="CR-1", registered_at=0))
        session.add(Device(id="t1", kind="tool", site="s1", model="T-1", registered_at=0))
        add_ticket(session, "r1", "confirmed", 10, "wheel_slip")
        add_ticket(session, "r1", "confirmed", 30, "none")
        add_ticket(session, "r1", "cancelled", 50)
        add_ticket(session, "r1", "opened", 60)
        for ts, detail in (
            (70, {"part": "battery-pack"}),
            (80, {"fault": "brush_wear"}),
            (90, {"part": "x"}),
        ):
            session.add(DeviceEvent(device_id="r1", ts=ts, code="part_replaced", detail=detail, received=ts))
        session.add(
            DeviceEvent(device_id="r1", ts=95, code="error", detail={"fault": "brush_jam"}, received=95)
        )
    yield database
    database.close()


def test_only_a_confirmed_fault_is_a_repair_and_under_its_true_name(desk: DeskDatabase) -> None:
    assert confirmed_repairs(desk).rows() == [("r1", "wheel_slip", 10, 20)]


def test_a_ticket_under_way_is_neither_true_nor_false(desk: DeskDatabase) -> None:
    assert open_tickets(desk).rows() == [("r1", "brush_jam", 60)]


def test_repairs_and_replaced_parts_renew_what_they_mend(desk: DeskDatabase) -> None:
    """A battery mends both of its faults; a part that nothing in the catalogue needs mends none."""
    assert renewals(desk).rows() == [
        ("r1", "wheel_slip", 20),
        ("r1", "battery_overheat", 70),
        ("r1", "battery_wear", 70),
        ("r1", "brush_wear", 80),
    ]


def test_a_replaced_device_is_new_in_every_part(desk: DeskDatabase) -> None:
    with desk.transaction() as session:
        session.add(DeviceEvent(device_id="t1", ts=99, code="device_replaced", detail={}, received=99))
    renewed = renewals(desk).filter(pl.col("device_id") == "t1")
    assert set(renewed["fault"]) == set(FAULTS)
    assert set(renewed["ts"]) == {99}


def test_models_are_told_by_kind(desk: DeskDatabase) -> None:
    assert device_places(desk, Kind.ROBOT)[0] == {"r1": "CR-1"}


def test_findings_count_faults_and_whether_visits_to_a_suspicion_were_right(desk: DeskDatabase) -> None:
    """A slipping wheel makes a suspected jam right; customers mend it, so that it is no fault here."""
    assert findings(desk, Kind.ROBOT, "brush_jam", 0) == Findings(0, None, 1, 1)
    with desk.transaction() as session:
        add_ticket(session, "r1", "confirmed", 100, "drive_motor_wear")
    assert findings(desk, Kind.ROBOT, "brush_jam", 0) == Findings(1, 110, 2, 1)
    assert findings(desk, Kind.ROBOT, "brush_jam", 105) == Findings(1, 110, 1, 0)
    assert findings(desk, Kind.TOOL, "brush_jam", 105) == Findings(0, None, 1, 0)
