"""Going live: the world goes on in real time, repairs act on it, and it survives a restart."""

from pathlib import Path

import numpy as np
import pytest

from fleet.errors import ConfigError, DataFolderError, NotFound
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import MAX_PAYLOAD_BYTES
from simulators.backlog import Backlog
from simulators.connections import parse_tcp_url
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.roster import mix

START = 1_790_000_400_000
DAY = 86_400_000


def _fleet(devices: int = 30, hazard: float = 1.0, seed: int = 1) -> FleetSimulator:
    return FleetSimulator(FleetConfig(devices, seed, START, hazard), STANDARD_SIGNALS)


def _robot(simulator: FleetSimulator) -> str:
    return simulator.roster.cards[Kind.ROBOT][0].id


@pytest.mark.parametrize("devices", range(1, 60, 7))
def test_the_mix_adds_up_and_has_every_kind_from_three_devices_on(devices: int) -> None:
    counts = mix(devices)
    assert sum(counts.values()) == devices
    assert counts[Kind.ROBOT] >= 1
    assert devices < 3 or all(counts.values())


def test_readings_are_of_now_with_a_rising_seq() -> None:
    simulator = _fleet()
    seen: dict[str, list[tuple[int, int]]] = {}
    for second in range(0, 60, 5):
        simulator.advance_to(START + second * 1000 + 1000)
        for readings in simulator.readings_now().values():
            for _site, device, payload in readings:
                seen.setdefault(device, []).append((int(payload["ts"]), int(payload["seq"])))
    assert len(seen) == 30
    for moments in seen.values():
        assert moments == sorted(set(moments))
        assert moments[-1][1] <= 12


def test_a_reading_leaves_out_what_is_absent() -> None:
    simulator = _fleet(hazard=0)
    simulator.advance_to(START + DAY // 2)
    for readings in simulator.readings_now().values():
        for _site, _device, payload in readings:
            assert None not in payload.values()
            assert not any(value != value for value in payload.values())  # noqa: PLR0124 - NaN
    robots = [payload for _, _, payload in simulator.readings_now()[Kind.ROBOT]]
    docked = [payload for payload in robots if payload["state"] in ("docked", "charging")]
    assert docked
    assert all("drive_rpm" not in payload and "battery_pct" in payload for payload in docked)


def test_a_saved_fleet_goes_on_exactly_as_the_original(tmp_path: Path) -> None:
    original = _fleet(hazard=5.0)
    original.run(144 * 3, 600_000)
    original.save(tmp_path / "fleet.npz")
    loaded = FleetSimulator.load(tmp_path / "fleet.npz", STANDARD_SIGNALS)
    assert loaded.now_ms == original.now_ms
    assert loaded.truth.to_dicts() == original.truth.to_dicts()
    for each in (original, loaded):
        each.advance_to(START + 5 * DAY)
    assert original.readings_now() == loaded.readings_now()
    assert original.truth.to_dicts() == loaded.truth.to_dicts()
    assert original.take_events() == loaded.take_events()
    assert original.take_repairs() == loaded.take_repairs()


def test_seq_goes_on_after_a_restart(tmp_path: Path) -> None:
    simulator = _fleet()
    simulator.advance_to(START + 1000)
    simulator.readings_now()
    simulator.save(tmp_path / "fleet.npz")
    loaded = FleetSimulator.load(tmp_path / "fleet.npz", STANDARD_SIGNALS)
    loaded.advance_to(START + 2000)
    assert {payload["seq"] for _, _, payload in loaded.readings_now()[Kind.ROBOT]} == {2}


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_a_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fleet.npz"
    path.write_bytes(content)
    with pytest.raises(DataFolderError, match=r"fleet\.npz"):
        FleetSimulator.load(path, STANDARD_SIGNALS)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match=r"none\.npz"):
        FleetSimulator.load(tmp_path / "none.npz", STANDARD_SIGNALS)


def test_a_ticket_mends_the_fault_and_the_truth_says_so() -> None:
    simulator = _fleet(hazard=0)
    robot = _robot(simulator)
    simulator.inject(robot, "fan_motor_wear", 0.6)
    simulator.advance_to(START + 60_000)
    assert simulator.truth.is_failing(robot, "fan_motor_wear", START + 60_000)
    assert simulator.repair(robot, "fan_motor_wear", START + 70_000)
    assert not simulator.truth.is_failing(robot, "fan_motor_wear", START + 70_000)
    assert simulator.truth.is_failing(robot, "fan_motor_wear", START + 60_000)
    entry = simulator.truth[0]
    assert (entry.repaired_by, entry.cause, entry.failure) == ("ticket", "injected", None)
    assert 0.55 < entry.severity_at_end < 0.7
    (event,) = simulator.take_events()
    assert (event.device_id, event.ts, event.code) == (robot, START + 70_000, "part_replaced")
    assert event.detail == {"part": "fan-motor", "fault": "fan_motor_wear"}


def test_a_repair_of_what_is_not_broken_is_told_apart() -> None:
    simulator = _fleet(hazard=0)
    assert not simulator.repair(_robot(simulator), "brush_jam", START)
    assert not simulator.repair(simulator.roster.cards[Kind.WRISTBAND][0].id, "worker_sos", START)
    with pytest.raises(NotFound, match="robot-999"):
        simulator.repair("robot-999", "brush_jam", START)


def test_a_failure_stops_the_robot_shows_its_code_and_is_mended_within_days() -> None:
    simulator = _fleet(hazard=0)
    robot = _robot(simulator)
    simulator.inject(robot, "drive_motor_wear", 1.0)
    simulator.advance_to(START + 30_000)
    states = {device: p for _, device, p in simulator.readings_now()[Kind.ROBOT]}
    if robot in states:
        assert (states[robot]["state"], states[robot]["error_code"]) == ("error", "M11")
    (event,) = simulator.take_events()
    assert (event.code, event.detail) == ("error", {"error_code": "M11"})
    simulator.advance_to(START + 9 * DAY)
    entry = simulator.truth[0]
    assert entry.failure is not None
    assert entry.repaired_at is not None
    assert entry.repaired_by == "engineer"
    assert entry.repaired_at - entry.failure < 8 * DAY


def test_a_mended_robot_says_for_an_hour_that_no_error_is_left() -> None:
    simulator = _fleet(hazard=0)
    robot = _robot(simulator)
    simulator.inject(robot, "fan_motor_wear", 1.0)
    simulator.advance_to(START + 30_000)
    assert simulator.repair(robot, "fan_motor_wear", simulator.now_ms)
    others, heard = set(), {}
    for minute in (10, 30, 50, 70, 90):
        simulator.advance_to(START + minute * 60_000)
        for _, device, payload in simulator.readings_now()[Kind.ROBOT]:
            if device == robot:
                heard[minute] = payload.get("error_code")
            else:
                others.add(payload.get("error_code"))
    assert others == {None}
    assert set(heard) >= {50, 70}, "the seed loses none of these readings"
    assert {code for minute, code in heard.items() if minute < 60} == {""}
    assert {code for minute, code in heard.items() if minute > 60} == {None}


def test_a_fleet_that_an_older_version_saved_goes_on(tmp_path: Path) -> None:
    simulator, path = _fleet(), tmp_path / "fleet.npz"
    simulator.advance_to(START + DAY)
    simulator.save(path)
    with np.load(path) as file:
        older = {name: file[name] for name in file.files if name != "fault.over_until"}
    np.savez(path, **older)
    loaded = FleetSimulator.load(path, STANDARD_SIGNALS)
    for each in (simulator, loaded):
        each.advance_to(START + DAY + 60_000)
    assert loaded.readings_now() == simulator.readings_now()


def test_an_injection_that_makes_no_sense_is_refused() -> None:
    simulator = _fleet(3)
    with pytest.raises(ConfigError, match="brush_jam"):
        simulator.inject(_robot(simulator), "tea_spilled")
    with pytest.raises(NotFound):
        simulator.inject("tool-001", "brush_jam")


def test_a_long_absence_is_caught_up_with_quickly_and_ends_at_now() -> None:
    simulator = _fleet(6)
    simulator.advance_to(START + 400 * DAY)
    assert simulator.now_ms == START + 400 * DAY
    assert simulator.readings_now()[Kind.ROBOT]
    assert all(entry.onset >= START + 385 * DAY for entry in simulator.truth)


@pytest.mark.parametrize(
    ("devices", "seed", "hazard"), [(0, 1, 1.0), (10**9, 1, 1.0), (5, -1, 1.0), (5, 1, -2.0)]
)
def test_a_fleet_that_makes_no_sense_is_refused(devices: int, seed: int, hazard: float) -> None:
    with pytest.raises(ConfigError, match="allowed"):
        FleetConfig(devices, seed, START, hazard)


def test_steps_of_seconds_and_of_minutes_lead_to_the_same_duty() -> None:
    fine, coarse = _fleet(20, hazard=0), _fleet(20, hazard=0)
    shares = []
    for simulator, step_ms in ((fine, 20_000), (coarse, 600_000)):
        columns = simulator.run(DAY // 2 // step_ms, step_ms)[Kind.ROBOT]
        shares.append(float(np.mean(columns.texts["state"][0] == 2)))
    assert abs(shares[0] - shares[1]) < 0.08


def test_a_backlog_is_bounded_and_sent_as_arrays_that_fit() -> None:
    backlog = Backlog(kept=5_000)
    for seq in range(6_000):
        backlog.add({"ts": START + seq, "seq": seq, "battery_pct": 50.0, "x_m": 1.0})
    assert len(backlog) == 5_000
    sent = 0
    while len(backlog):
        payload, readings = backlog.take()
        assert len(payload) <= MAX_PAYLOAD_BYTES
        assert payload.startswith(b"[") == (readings > 1)
        sent += readings
    assert sent == 5_000


def test_simulated_devices_refuse_a_websocket() -> None:
    assert parse_tcp_url("mqtts://host").tls
    with pytest.raises(ConfigError, match="take mqtt:// or mqtts://, not ws://"):
        parse_tcp_url("ws://host")
