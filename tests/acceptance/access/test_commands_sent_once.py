"""A command to 1,000 devices: each is sent once, although its sender is killed in between, time and again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import orjson
import paho.mqtt.client as mqtt
import pytest
from helpers import command_process
from helpers.desk_rooms import add_devices
from helpers.mosquitto import running_mosquitto
from paho.mqtt.enums import CallbackAPIVersion

from access.devices.commands import Commands
from fleet.clock import SystemClock
from fleet.commands import CommandState, Order
from fleet.principals import person
from fleet.signals import Kind
from storage.records.database import DeskDatabase, open_desk

LI = person("Li")


class Devices:
    """Whoever listens to all devices' commands, with a session that loses nothing; counts each id."""

    def __init__(self, port: int) -> None:
        self.seen: Counter[str] = Counter()
        self.payloads: dict[str, tuple[str, bytes, mqtt.MQTTMessage]] = {}
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, client_id="devices")
        self._client.on_connect = lambda client, *_: client.subscribe("sweepwatch/v1/+/+/+/cmd", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10)

    def _take(self, _: mqtt.Client, __: object, message: mqtt.MQTTMessage) -> None:
        command_id = orjson.loads(message.payload)["id"]
        self.seen[command_id] += not message.dup
        self.payloads[command_id] = (message.topic, message.payload, message)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def listening(port: int) -> Iterator[Devices]:
    devices = Devices(port)
    yield devices
    devices.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    desk = open_desk(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield desk
    desk.close()


def ordered(desk: DeskDatabase, count: int) -> list[str]:
    clock = SystemClock()
    names = [f"R{number:04}" for number in range(count)]
    add_devices(desk, dict.fromkeys(names, Kind.ROBOT), last_seen=clock.now_ms())
    orders = [Order(name, "locate", "stock-taking") for name in names]
    made = Commands(desk, clock).order(orders, LI, clock.now_ms())
    return [each.command_id or "" for each in made]


def count_states(desk: DeskDatabase, ids: Sequence[str]) -> Counter[CommandState]:
    return Counter(each.state for each in Commands(desk, SystemClock()).states(ids).values())


class Senders:
    """Starts senders of commands, each a process of its own, one after the other is killed."""

    def __init__(self, url: str, folder: Path) -> None:
        program = [sys.executable, command_process.__file__, url, str(folder)]
        self._parent = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._pid = 0

    def start(self) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write("go\n")
        self._parent.stdin.flush()
        self._pid = int(self._parent.stdout.readline())

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        self._parent.communicate(timeout=10)


def send_over_kills(desk: DeskDatabase, devices: Devices, senders: Senders, ids: list[str], seed: int) -> int:
    """Kill senders at random moments until all is sent; return how many were killed before."""
    random = Random(seed)
    kills, deadline = 0, time.monotonic() + 120
    while time.monotonic() < deadline:
        senders.start()
        seen, more = len(devices.seen), random.randrange(1, 150)
        patience = time.monotonic() + (random.uniform(0, 0.2) if random.random() < 0.3 else 3.0)
        while time.monotonic() < patience and len(devices.seen) < seen + more:
            time.sleep(random.uniform(0, 0.002))
            if len(devices.seen) == len(ids) and count_states(desk, ids)[CommandState.SENT] == len(ids):
                time.sleep(0.2)
                senders.kill()
                return kills
        senders.kill()
        kills += 1
    raise AssertionError(f"not done after {kills} kills: {count_states(desk, ids)}")


def test_each_of_a_thousand_is_sent_once_over_many_kills(tmp_path: Path, desk: DeskDatabase) -> None:
    ids = ordered(desk, 1000)
    folder = tmp_path / "broker"
    folder.mkdir()
    # As mosquitto is by default: twenty in flight, a thousand kept.
    with (
        running_mosquitto(folder, "max_inflight_messages 20\nmax_queued_messages 1000") as broker,
        listening(broker.port) as devices,
        closing(Senders(broker.url, tmp_path)) as senders,
    ):
        kills = send_over_kills(desk, devices, senders, ids, seed=15)
        assert count_states(desk, ids) == {CommandState.SENT: 1000}
        assert devices.seen == dict.fromkeys(ids, 1)
    assert kills >= 8
