"""Devices at the desk: registered once, summarised in bulk, what is known stands."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest
from helpers.batches import batch_of
from helpers.fresh_desk import fresh_desk

from fleet.signals import Kind
from ingest.decode.decoded import News
from ingest.watch.summaries import Summaries
from storage.records.database import DeskDatabase
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
    opened = fresh_desk(tmp_path / "desk.sqlite")
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
    devices.record_summaries([DeviceSummary("R1", NOW + 9, NOW + 5, 80.0, NOW + 5, "online", NOW + 9)])
    devices.record_summaries([DeviceSummary("R1", last_seen=NOW + 4, newest_ts=NOW + 1)])
    stored = row(desk, "R1")
    assert (stored.last_seen, stored.newest_ts) == (NOW + 9, NOW + 5)
    assert (stored.battery_pct, stored.status) == (80.0, "online")
    devices.record_summaries(
        [DeviceSummary("R1", status="offline", status_ts=NOW + 9), DeviceSummary("T1", last_seen=NOW)]
    )
    assert row(desk, "R1").status == "offline"
    assert row(desk, "R1").newest_ts == NOW + 5
    assert row(desk, "T1").last_seen == NOW
    assert row(desk, "T1").newest_ts is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_the_battery_shown_is_the_newest_by_its_own_time(
    desk: DeskDatabase, devices: Devices, order: tuple[int, ...], together: bool
) -> None:
    """80 at T, a position at T+10, 70 at T+9, in whatever order and batches they come: 70."""
    told = [
        {"ts": NOW, "battery_pct": 80.0},
        {"ts": NOW + 10, "x_m": 1.0},
        {"ts": NOW + 9, "battery_pct": 70.0},
    ]
    rows = [{"device_id": "R1", "received": NOW + 99, **told[at]} for at in order]
    summaries = Summaries()
    for part in [rows] if together else [[row] for row in rows]:
        summaries.add_batch(batch_of(part))
        if not together:
            devices.record_summaries(summaries.take())
            summaries = Summaries()  # as after a restart
    devices.record_summaries(summaries.take())
    stored = row(desk, "R1")
    assert (stored.battery_pct, stored.battery_ts, stored.newest_ts) == (70.0, NOW + 9, NOW + 10)


def after(devices: Devices, *said: tuple[int, str], apart: bool) -> None:
    """Let R1 say things at seconds after NOW, each in a summary of its own or all in one."""
    summaries = Summaries()
    for second, what in said:
        news, at = News(), NOW + 1000 * second
        if what in ("online", "offline"):
            news.tell("R1", what, at)
        if what not in ("offline",):
            news.seen["R1"] = at
        summaries.add_news(news)
        if apart:
            devices.record_summaries(summaries.take())
    devices.record_summaries(summaries.take())


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ([(0, "reading")], "online"),
        ([(0, "offline")], "offline"),
        ([(0, "online"), (1, "offline"), (5, "reading")], "offline"),
        ([(0, "online"), (1, "offline"), (7, "reading")], "online"),
        ([(0, "online"), (1, "offline"), (7, "reading"), (8, "offline")], "offline"),
        ([(0, "online"), (1, "offline"), (7, "reading"), (8, "offline"), (20, "reading")], "online"),
    ],
)
def test_a_status_stands_until_what_the_device_says_refutes_it(
    desk: DeskDatabase, devices: Devices, said: list[tuple[int, str]], status: str, apart: bool
) -> None:
    after(devices, *said, apart=apart)
    assert row(desk, "R1").status == status


def test_a_charge_older_than_the_newest_charge_is_not_shown(desk: DeskDatabase, devices: Devices) -> None:
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW, battery_pct=80.0, battery_ts=NOW)])
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW - 9, battery_pct=99.0, battery_ts=NOW - 9)])
    assert row(desk, "R1").battery_pct == 80.0
    devices.record_summaries([DeviceSummary("R1", newest_ts=NOW + 9, battery_pct=70.0, battery_ts=NOW + 8)])
    assert row(desk, "R1").battery_pct == 70.0
