"""What four kinds of device say of themselves, through the whole way in: each is the right alert."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.captures import capture, read_messages, wanted

from fleet.alerts import Alert, said_by_device
from fleet.clock import ManualClock
from ingest.commit import Commit
from ingest.messages import Message
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import load_settings
from sweepwatch.wiring import Services, build, build_ingest

NOW = 1_795_323_900_000
_GOLDEN = Path(__file__).parents[2] / "golden"
_DIALECTS = {
    "valetudo": "dialects:\n  - {type: valetudo, site: home}\n",
    "vda5050": "dialects:\n  - {type: vda5050, site: hall, interface: vda}\n",
}


class Way:
    """The whole way in, from messages to alerts and tickets, without a broker."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.ingest = build_ingest(services, "mqtt://127.0.0.1:1")

    def take(self, messages: Sequence[Message]) -> None:
        Commit(messages, self.ingest.parts).run()

    def wait(self, seconds: int) -> None:
        clock = self.services.clock
        assert isinstance(clock, ManualClock)
        clock.ms += 1000 * seconds
        self.services.alerts.tick(clock.ms)

    def said(self) -> list[tuple[Any, ...]]:
        """Return fault, level, state, code and English meaning of every open alert."""
        return sorted(_words(alert) for alert in self.services.alerts.open_alerts())


def _words(alert: Alert) -> tuple[Any, ...]:
    said = said_by_device(alert.evidence) or {}
    code = said.get("code")
    return alert.fault, str(alert.level), str(alert.state), code, said.get("meaning", {}).get("en")


@contextmanager
def _way(tmp_path: Path, dialect: str | None = None) -> Iterator[Way]:
    config = tmp_path / "sweepwatch.toml"
    lines = []
    if dialect is not None:
        (tmp_path / "dialects.yaml").write_text(_DIALECTS[dialect], encoding="utf-8")
        lines = ["[ingest]", f'dialects = "{tmp_path / "dialects.yaml"}"']
    config.write_text("\n".join(lines), encoding="utf-8")
    folder = open_data_folder(tmp_path / "data")
    services = build(load_settings(config, {}, {}), folder, ManualClock(NOW))
    way = Way(services)
    try:
        yield way
    finally:
        way.ingest.stop(0.1)
        services.close()
        folder.close()


def _own(channel: str, body: dict[str, Any], received: int = NOW) -> Message:
    topic = f"sweepwatch/v1/hall/robot/R1/{channel}"
    return Message(topic, orjson.dumps(body), 1, False, 1, received)


def test_valetudos_jammed_brush(tmp_path: Path) -> None:
    with _way(tmp_path, "valetudo") as way:
        messages = wanted(_DIALECTS["valetudo"], capture("valetudo"))
        at = next(
            n for n, one in enumerate(messages) if b"Main brush jammed" in one.payload and b"{" in one.payload
        )
        way.take(messages[: at + 1])
        assert way.said() == [("brush_jam", "L1", "firing", "motors:Main_brush_jammed", "main brush jammed")]
        way.take(messages[: at + 1])
        assert len(way.said()) == 1, "a redelivery says nothing new"


def test_a_fatal_error_of_vda5050(tmp_path: Path) -> None:
    with _way(tmp_path, "vda5050") as way:
        messages = read_messages(_GOLDEN / "vda5050-battery-error-and-will" / "input.jsonl")
        way.take(wanted(_DIALECTS["vda5050"], messages))
        way.wait(31)
        assert way.said() == [("device_error", "L1", "firing", "batteryLowError", "battery is empty")]


def test_our_own_state_of_error_with_a_code(tmp_path: Path) -> None:
    with _way(tmp_path) as way:
        way.take([_own("info", {"model": "CR-200"})])
        for after in range(0, 40_000, 10_000):
            body = {"ts": NOW - 60_000 + after, "state": "error", "error_code": "M31"}
            way.take([_own("telemetry", body)])
        assert way.said() == [("fan_motor_wear", "L1", "firing", "M31", "fan motor")]


def test_an_event_of_an_error(tmp_path: Path) -> None:
    with _way(tmp_path) as way:
        way.take([_own("info", {"model": "CR-200"})])
        event = _own("event", {"ts": NOW, "code": "error", "detail": {"error_code": "W05"}})
        way.take([event])
        way.take([event])
        assert way.said() == [("water_leak", "L2", "firing", "W05", "water leaking")]


@pytest.mark.parametrize("code", ["error", "robot_error"])
def test_an_event_that_names_no_code_is_shown_as_it_came(tmp_path: Path, code: str) -> None:
    with _way(tmp_path) as way:
        way.take([_own("event", {"code": code})])
        assert way.said() == [("device_error", "L3", "firing", code, None)]
