"""The whole circle: ordered at the desk, sent, carried out by a simulated device, answered, and seen."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from helpers.mosquitto import Mosquitto
from helpers.publishing import wait_until

from fleet.clock import SystemClock
from fleet.commands import CommandState, Order
from fleet.principals import person
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.publisher import FleetPublisher
from storage.records.device_lists import device_of
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.command_sender import sending_commands
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build, build_ingest

FIRMWARE = {"version": "9.9.1", "url": "https://fw.example/9.9.1", "sha256": "a" * 64, "size": 1000}


@dataclass
class AheadClock:
    """The machine's clock, and so many milliseconds more."""

    ahead: int = 0

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.ahead


def test_a_device_does_what_it_is_told_and_says_so(tmp_path: Path, mosquitto: Mosquitto) -> None:
    clock = AheadClock()
    with ExitStack() as stack:
        data = stack.enter_context(closing(open_data_folder(tmp_path / "data")))
        services = stack.enter_context(closing(build(Settings(data=tmp_path / "data"), data, clock)))
        ingest = build_ingest(services, mosquitto.url)
        stack.callback(ingest.stop)
        ingest.start()
        fleet = FleetSimulator(FleetConfig(5, 7, clock.now_ms(), hazard=0), STANDARD_SIGNALS)
        devices = FleetPublisher(fleet, mosquitto.url, interval_s=0.5, clock=clock)
        stack.callback(devices.stop)
        devices.start()
        stack.enter_context(sending_commands(services, mosquitto.url))

        robots = [card.id for card in fleet.roster.cards[Kind.ROBOT]]
        wait_until(lambda: len(ingest.parts.devices.placements()) == 5, 20)
        orders = [
            Order(robots[0], "set_parameter", "too chatty", {"name": "report_every_s", "value": 5}),
            Order(robots[1], "offer_firmware", "new", FIRMWARE),
            Order(robots[2], "reboot", "it hangs"),
        ]
        made = services.commands.order(orders, person("Li"), clock.now_ms())
        ids = [each.command_id or "" for each in made]

        def states() -> list[CommandState]:
            found = services.commands.states(ids)
            return [found[each].state for each in ids]

        wait_until(lambda: states() == [CommandState.DONE, CommandState.RECEIVED, CommandState.RECEIVED], 20)
        clock.ahead = 30_000  # so long it takes to install, and to come back
        wait_until(lambda: states() == [CommandState.DONE] * 3, 20)

        def firmware() -> str | None:
            with services.desk.transaction() as session:
                return device_of(session, robots[1]).firmware

        wait_until(lambda: firmware() == "9.9.1")
