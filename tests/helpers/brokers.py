"""Fixtures: real brokers on free ports of 127.0.0.1."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.amqtt_broker import running_amqtt
from helpers.mosquitto import Mosquitto, running_mosquitto


@dataclass(frozen=True)
class Amqtt:
    """Where an amqtt broker listens. Everyone is anonymous to it, and so it keeps nobody's session."""

    port: int
    websocket_port: int

    @property
    def url(self) -> str:
        return f"mqtt://tester@127.0.0.1:{self.port}"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with running_mosquitto(folder) as broker:
        yield broker


@pytest.fixture
def amqtt() -> Iterator[Amqtt]:
    with running_amqtt() as (port, websocket_port):
        yield Amqtt(port, websocket_port)
