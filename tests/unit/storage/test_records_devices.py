"""Devices at the desk: registered once, summarised in bulk, what is known stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.signals import Kind
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import (
    Device,
    DeviceEvent,
    DeviceInfo,
    Devices,
    DeviceSummary,
    Placement,
    ReportedEvent,
)

NOW = 1_763_800_000_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    opened = open_desk(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def devices(desk: DeskDatabase) -> Devices:
    made = Devices(desk)
    made.register({"R1": Placement("s1", Kind.ROBOT), "T1": Placement("s2", Kind.TOOL)}, NOW)
    return made


def row(desk: DeskDatabase, device_id: str) -> Device:
    with desk.transaction() as session:
        return session.get_one(Device, device_id)


def test_a_registered_device_has_its_place_and_an_unknown_model(desk: DeskDatabase, devices: Devices) -> None:
    assert devices.placements() == {"R1": Placement("s1", Kind.ROBOT), "T1": Placement("s2", Kind.TOOL)}
    assert devices.placements(["T1", "R9"]) == {"T1": Placement("s2", Kind.TOOL)}
    stored = row(desk, "R1")
    assert (stored.model, stored.status, stored.registered_at) == ("unknown", "unknown", NOW)


def test_registering_again_changes_nothing(desk: DeskDatabase, devices: Devices) -> None:
    devices.register({"R1": Placement("s9", Kind.TOOL), "R2": Placement("s1", Kind.ROBOT)}, NOW + 1)
    assert devices.placements(["R1", "R2"]) == {
        "R1": Placement("s1", Kind.ROBOT),
        "R2": Placement("s1", Kind.ROBOT),
    }
    assert row(desk, "R1").registered_at == NOW


def test_info_fills_what_is_unknown_and_what_is_known_stands(desk: DeskDatabase, devices: Devices) -> None:
    devices.record_info([DeviceInfo("R1", "CR-200", "1.4.2", "S1", "2026-03-01"), DeviceInfo("R9", "X")])
    devices.record_info([DeviceInfo("R1", "CR-300", "1.5.0", "S2", "2026-04-01"), DeviceInfo("R1")])
    stored = row(desk, "R1")
    assert (stored.model, stored.firmware) == ("CR-200", "1.5.0")
    assert (stored.serial, stored.commissioned) == ("S1", "2026-03-01")
    assert row(desk, "T1").model == "unknown"


def test_an_event_is_stored_once(desk: DeskDatabase, devices: Devices) -> None:
    event = ReportedEvent("R1", NOW, "part_replaced", {"part": "main-brush"}, NOW + 3)
    devices.record_events([event, event])
    devices.record_events([event, ReportedEvent("R1", NOW, "E1", {}, NOW + 3)])
    with desk.transaction() as session:
        stored = [(e.ts, e.code, e.detail) for e in session.query(DeviceEvent).order_by(DeviceEvent.id)]
    assert stored == [(NOW, "part_replaced", {"part": "main-brush"}), (NOW, "E1", {})]


def test_a_summary_changes_what_it_names_and_times_only_rise(desk: DeskDatabase, devices: Devices) -> None:
    devices.record_summaries([DeviceSummary("R1", NOW + 9, NOW + 5, 80.0, NOW + 5, "online")])
    devices.record_summaries([DeviceSummary("R1", last_seen=NOW + 4, newest_ts=NOW + 1)])
    stored = row(desk, "R1")
    assert (stored.last_seen, stored.newest_ts) == (NOW + 9, NOW + 5)
    assert (stored.battery_pct, stored.status) == (80.0, "online")
    devices.record_summaries([DeviceSummary("R1", status="offline"), DeviceSummary("T1", last_seen=NOW)])
    assert row(desk, "R1").status == "offline"
    assert row(desk, "R1").newest_ts == NOW + 5
    assert row(desk, "T1").last_seen == NOW
    assert row(desk, "T1").newest_ts is None


def test_a_charge_older_than_the_newest_reading_is_not_shown(desk: DeskDatabase, devices: Devices) -> None:
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW, battery_pct=80.0, battery_ts=NOW)])
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW - 9, battery_pct=99.0, battery_ts=NOW - 9)])
    assert row(desk, "R1").battery_pct == 80.0
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW + 9, battery_pct=70.0, battery_ts=NOW + 8)])
    assert row(desk, "R1").battery_pct == 70.0
