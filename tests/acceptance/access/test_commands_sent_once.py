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
from helpers.brokers import Amqtt
from helpers.desk_rooms import add_devices
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.publishing import wait_until
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import text

from access.devices.commands import Commands
from access.devices.link import V5, Link
from access.devices.outbox import Outbox
from access.devices.publisher import CommandPublisher
from fleet.broker_url import parse_broker_url
from fleet.clock import ManualClock, SystemClock
from fleet.commands import CommandState, Order
from fleet.errors import BrokerUnavailable
from fleet.principals import person
from fleet.signals import Kind
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Devices as DeviceTable
from storage.records.devices import DeviceSummary

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
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=properties)
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
        seen, more = len(devices.seen), random.randrange(1, 300)
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
    assert kills >= 4


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_mosquitto(folder) as broker:
        yield broker


@contextmanager
def sending(desk: DeskDatabase, url: str) -> Iterator[CommandPublisher]:
    clock = SystemClock()
    publisher = CommandPublisher(Outbox(desk, clock), parse_broker_url(url), clock)
    desk.when_told(publisher.wake)
    publisher.start()
    yield publisher
    publisher.stop()


def test_a_command_says_what_a_device_needs_to_answer_it(desk: DeskDatabase, broker: Mosquitto) -> None:
    (command_id,) = ordered(desk, 1)
    with listening(broker.port) as devices, sending(desk, broker.url):
        wait_until(lambda: devices.seen)
        wait_until(lambda: count_states(desk, [command_id])[CommandState.SENT])
    topic, payload, message = devices.payloads[command_id]
    command = Commands(desk, SystemClock()).states([command_id])[command_id]
    assert topic == "sweepwatch/v1/hall/robot/R0000/cmd"
    assert orjson.loads(payload) == {
        "id": command_id,
        "command": "locate",
        "params": {},
        "expires": command.expires_at,
    }
    assert not message.retain
    assert message.properties is not None
    assert message.properties.CorrelationData == command_id.encode()
    assert message.properties.ResponseTopic == f"{topic}/reply"
    assert 0 < message.properties.MessageExpiryInterval <= 300


def test_a_device_that_was_away_is_told_on_its_return_unless_it_expired(
    desk: DeskDatabase, broker: Mosquitto
) -> None:
    clock = SystemClock()
    add_devices(desk, dict.fromkeys(("HERE", "BACK", "GONE"), Kind.ROBOT), last_seen=clock.now_ms())
    away = [DeviceSummary(name, status="offline", status_ts=clock.now_ms()) for name in ("BACK", "GONE")]
    DeviceTable(desk).record_summaries(away)
    commands = Commands(desk, clock)
    orders = [Order(name, "reboot", "why", expires_in_ms=10_000) for name in ("HERE", "BACK", "GONE")]
    here, back, gone = (each.command_id or "" for each in commands.order(orders, LI, clock.now_ms()))
    with listening(broker.port) as devices, sending(desk, broker.url):
        wait_until(lambda: devices.seen)
        late = Commands(desk, ManualClock(clock.now_ms() + 11_000))
        with desk.transaction() as session:  # as if the time of one were out already
            session.execute(
                text("UPDATE command SET expires_at = 1, deadline = 1 WHERE id = :id"), {"id": gone}
            )
        home = [DeviceSummary(name, last_seen=clock.now_ms() + 6_000) for name in ("BACK", "GONE")]
        DeviceTable(desk).record_summaries(home)
        wait_until(lambda: len(devices.seen) == 2)
        wait_until(lambda: count_states(desk, [here, back])[CommandState.SENT] == 2)
        late.end_overdue()
    assert devices.seen == {here: 1, back: 1}
    assert count_states(desk, [gone])[CommandState.TIMED_OUT] == 1


def test_what_may_have_gone_out_is_not_sent_again_when_the_broker_has_lost_its_memory(
    desk: DeskDatabase, broker: Mosquitto
) -> None:
    (command_id,) = ordered(desk, 1)
    clock = SystemClock()
    assert Outbox(desk, clock).claim("a batch this broker never saw", 10)
    with listening(broker.port) as devices, sending(desk, broker.url):
        wait_until(lambda: count_states(desk, [command_id])[CommandState.SENT])
    assert not devices.seen
    assert "the broker has lost its memory" in str(
        Commands(desk, clock).states([command_id])[command_id].reason
    )


def test_commands_wait_while_the_broker_is_away(desk: DeskDatabase, broker: Mosquitto) -> None:
    with listening(broker.port) as devices, sending(desk, broker.url) as publisher:
        ids = ordered(desk, 20)
        wait_until(lambda: count_states(desk, ids)[CommandState.SENT] == 20)
        broker.stop()
        wait_until(publisher.trouble)
        more = Commands(desk, SystemClock()).order(
            [Order("R0001", "reboot", "why")], LI, SystemClock().now_ms()
        )
        broker.start()
        wait_until(lambda: len(devices.seen) == 21)
        wait_until(lambda: publisher.trouble() is None)
    assert set(devices.seen.values()) == {1}
    assert count_states(desk, [more[0].command_id or ""])[CommandState.SENT] == 1


def test_one_who_takes_over_ends_the_connection_of_the_one_before(
    desk: DeskDatabase, broker: Mosquitto
) -> None:
    before = Link(parse_broker_url(broker.url), V5)
    before.open()
    with sending(desk, broker.url):
        ids = ordered(desk, 3)
        wait_until(lambda: count_states(desk, ids)[CommandState.SENT] == 3)
        with pytest.raises(BrokerUnavailable, match="connection lost"):
            before.until(lambda: False, 5)
    before.close()


def test_it_speaks_to_a_broker_that_knows_no_mqtt_5(desk: DeskDatabase, amqtt: Amqtt) -> None:
    ids = ordered(desk, 5)
    with sending(desk, amqtt.url):
        wait_until(lambda: count_states(desk, ids)[CommandState.SENT] == 5, 20)
