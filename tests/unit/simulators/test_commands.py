"""Simulated devices answer commands, do them once, and show it."""

from typing import Any

import orjson
import pytest

from fleet.clock import DAY_MS, MINUTE_MS, SECOND_MS
from fleet.commands import COMMANDS, PARAMETERS
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.commands import CommandedDevice
from simulators.fleet_simulator import FleetConfig, FleetSimulator

NOW = 1_795_334_400_000


@pytest.fixture
def fleet() -> FleetSimulator:
    fleet = FleetSimulator(FleetConfig(20, 7, NOW, hazard=0), STANDARD_SIGNALS)
    fleet.advance_to(NOW + MINUTE_MS)
    return fleet


def one_of(fleet: FleetSimulator, kind: Kind = Kind.ROBOT, index: int = 0) -> CommandedDevice:
    return CommandedDevice(fleet.roster.cards[kind][index], fleet)


def told(device: CommandedDevice, now: int, command: str, command_id: str = "c1", **params: Any) -> list[str]:
    message = {"id": command_id, "command": command, "params": params, "expires": NOW + 10 * MINUTE_MS}
    device.take(orjson.dumps(message), now)
    return answers(device, now)


def answers(device: CommandedDevice, now: int) -> list[str]:
    return [f"{each['id']} {each['state']} {each.get('reason', '')}".strip() for each in device.go_on(now)]


@pytest.mark.parametrize("kind", Kind)
def test_every_command_of_its_kind_is_received_and_then_done(fleet: FleetSimulator, kind: Kind) -> None:
    for name in (name for name, each in COMMANDS.items() if kind in each.kinds):
        device, params = one_of(fleet, kind), {"version": "9.1"}
        if name == "set_parameter":
            params = next(
                {"name": one, "value": each.most} for one, each in PARAMETERS.items() if kind in each.kinds
            )
        said = told(device, NOW, name, **params)
        if name == "dock":
            fleet.advance_to(fleet.now_ms + 6 * MINUTE_MS)
        said += answers(device, NOW + MINUTE_MS)
        assert [each.split()[1] for each in said] in (["received", "done"], ["done"]), name


def test_a_command_that_comes_again_is_answered_again_and_not_done_again(fleet: FleetSimulator) -> None:
    device = one_of(fleet)
    assert told(device, NOW, "reboot") == ["c1 received"]
    assert told(device, NOW + 1, "reboot") == ["c1 received"]
    back = device.away_until
    assert answers(device, back - 1) == []
    assert answers(device, back) == ["c1 done it is back"]
    assert told(device, back + 1, "reboot") == ["c1 done it is back"]
    assert device.away_until == back


def test_a_command_that_came_too_late_or_is_unknown_is_refused(fleet: FleetSimulator) -> None:
    device = one_of(fleet)
    assert told(device, NOW + 11 * MINUTE_MS, "reboot") == ["c1 refused it came after it expired"]
    assert told(device, NOW, "sing", "c2") == ["c2 refused this firmware does not know it"]
    assert told(device, NOW, "set_parameter", "c3", name="volume_pct", value=101) == [
        "c3 refused allowed: 0 to 100"
    ]
    for rubbish in (b"", b"[]", b'{"command":"dock"}', b'{"id":7}', b"\xff"):
        device.take(rubbish, NOW)
    assert answers(device, NOW) == []


def test_a_robot_at_work_returns_to_its_dock(fleet: FleetSimulator) -> None:
    states: list[str | None] = []
    while "cleaning" not in states and fleet.now_ms < NOW + 2 * DAY_MS:
        fleet.advance_to(fleet.now_ms + 10 * MINUTE_MS)
        states = [fleet.standing(card.id)[0] for card in fleet.roster.cards[Kind.ROBOT]]
    device = one_of(fleet, index=states.index("cleaning"))
    assert told(device, NOW, "dock") == ["c1 received"]
    assert fleet.standing(device.card.id)[0] == "returning"
    fleet.advance_to(fleet.now_ms + 4 * MINUTE_MS)
    (answer,) = answers(device, fleet.now_ms)
    assert answer.startswith("c1 done it is ")


def test_firmware_is_installed_after_a_while_and_stays_over_a_restart(
    fleet: FleetSimulator, tmp_path: Any
) -> None:
    device = one_of(fleet)
    assert told(device, NOW, "offer_firmware", version="9.1") == ["c1 received"]
    assert told(device, NOW, "offer_firmware", "c2", version="9.2") == ["c2 refused it is busy"]
    assert answers(device, NOW + 19 * SECOND_MS) == []
    assert answers(device, NOW + 20 * SECOND_MS) == ["c1 done 9.1 is installed"]
    assert device.card.info()["firmware"] == "9.1"
    assert told(device, NOW + MINUTE_MS, "offer_firmware", "c3", version="9.1") == [
        "c3 done it has this version"
    ]
    fleet.save(tmp_path / "fleet.npz")
    loaded = FleetSimulator.load(tmp_path / "fleet.npz", STANDARD_SIGNALS)
    assert loaded.roster.cards[Kind.ROBOT][0].firmware == "9.1"
