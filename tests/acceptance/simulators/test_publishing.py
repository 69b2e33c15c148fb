"""The simulated fleet publishes over real MQTT what the wire contract promises."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import paho.mqtt.client as mqtt
import pytest
from helpers.amqtt_broker import running_amqtt
from helpers.running import free_port
from paho.mqtt.enums import CallbackAPIVersion

from fleet.clock import SystemClock
from fleet.errors import BrokerUnavailable, ConfigError
from fleet.schema import telemetry_schema
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import Reason, Topic, parse_topic
from simulators.command import SimulationOptions, simulate
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.misbehaving import catalogue, publish_catalogue
from simulators.publisher import FleetPublisher

DEVICES = 12


class Broker:
    """A mosquitto of our own, which can go away and come back."""

    def __init__(self, folder: Path, binary: str) -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._binary = binary
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._binary, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers, "mosquitto does not listen")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            self._process = None


class Listener:
    """Hears everything below sweepwatch/ and keeps it by topic."""

    def __init__(self, port: int) -> None:
        self.heard: dict[str, list[tuple[bytes, bool]]] = defaultdict(list)
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener")
        self._client.on_connect = lambda client, *_: client.subscribe("sweepwatch/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _c, _u, message: self.heard[message.topic].append(
            (message.payload, message.retain)
        )
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(5)

    def telemetry(self) -> dict[Topic, list[bytes]]:
        topics = {parse_topic(name): [p for p, _ in got] for name, got in list(self.heard.items())}
        return {t: got for t, got in topics.items() if isinstance(t, Topic) and t.channel == "telemetry"}

    def readings(self) -> int:
        bodies = [json.loads(payload) for got in self.telemetry().values() for payload in got]
        return sum(len(body) if isinstance(body, list) else 1 for body in bodies)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    binary = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed, and CI needs it")
        pytest.skip("mosquitto is not installed")
    made = Broker(tmp_path, binary)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    made = Listener(broker.port)
    yield made
    made.close()


def _fleet(devices: int = DEVICES) -> FleetSimulator:
    return FleetSimulator(FleetConfig(devices, 3, SystemClock().now_ms() - 60_000), STANDARD_SIGNALS)


def test_every_payload_is_valid_and_every_acknowledged_reading_arrives(
    broker: Broker, listener: Listener
) -> None:
    publisher = FleetPublisher(_fleet(), broker.url, interval_s=0.5)
    publisher.run_for(2.5)
    wait_until(lambda: listener.readings() >= publisher.acknowledged, "acknowledged readings did not arrive")

    assert publisher.acknowledged == publisher.published >= 3 * DEVICES
    assert listener.readings() == publisher.published
    heard = listener.telemetry()
    assert len(heard) == DEVICES
    for kind in Kind:
        validator = jsonschema.Draft202012Validator(telemetry_schema(STANDARD_SIGNALS, kind))
        payloads = [p for topic, got in heard.items() if topic.kind is kind for p in got]
        assert payloads
        for payload in payloads:
            validator.validate(json.loads(payload))
            assert (
                not set(json.loads(payload))
                - {"ts", "seq"}
                - {s.name for s in STANDARD_SIGNALS.for_kind(kind)}
            )
    for got in heard.values():
        moments = [(json.loads(p)["ts"], json.loads(p)["seq"]) for p in got]
        assert moments == sorted(set(moments))


def test_info_and_status_are_retained_and_the_last_word_is_offline(
    broker: Broker, listener: Listener
) -> None:
    FleetPublisher(_fleet(), broker.url, interval_s=0.5).run_for(1.0)
    wait_until(
        lambda: (
            sum(
                got[-1][0] == b"offline"
                for name, got in list(listener.heard.items())
                if name.endswith("/status")
            )
            == DEVICES
        ),
        "not every device said goodbye",
    )
    statuses = {name: got for name, got in listener.heard.items() if name.endswith("/status")}
    assert all([p for p, _ in got] == [b"online", b"offline"] for got in statuses.values())
    late = Listener(broker.port)
    try:
        wait_until(lambda: len(late.heard) == 2 * DEVICES, "info and status are not retained")
    finally:
        late.close()
    assert all(retained for got in late.heard.values() for _, retained in got)
    infos = [json.loads(got[0][0]) for name, got in late.heard.items() if name.endswith("/info")]
    assert all({"model", "firmware", "serial", "commissioned"} == set(info) for info in infos)


def test_a_rate_is_the_total_of_all_devices_also_through_shared_connections(
    broker: Broker, listener: Listener
) -> None:
    publisher = FleetPublisher(_fleet(40), broker.url, rate=200.0, max_connections=5)
    publisher.run_for(3.0)
    assert publisher.acknowledged == publisher.published
    assert 350 <= publisher.published + publisher.lost <= 650
    wait_until(lambda: listener.readings() == publisher.published, "readings did not arrive")
    assert len(listener.telemetry()) == 40


def test_readings_of_an_outage_arrive_afterwards_as_arrays(broker: Broker) -> None:
    publisher = FleetPublisher(_fleet(4), broker.url, interval_s=0.1)
    publisher.start()
    try:
        wait_until(lambda: publisher.acknowledged >= 8, "nothing was acknowledged")
        broker.stop()
        wait_until(lambda: publisher.waiting >= 12, "devices keep nothing while the broker is away")
        assert publisher.problem
        broker.start()
        listener = Listener(broker.port)
        wait_until(lambda: publisher.waiting == 0 and publisher.connected == 4, "the backlog is not sent")
    finally:
        publisher.stop(5)
    wait_until(
        lambda: any(p.startswith(b"[") for got in listener.telemetry().values() for p in got),
        "no array arrived",
    )
    listener.close()
    assert publisher.acknowledged == publisher.published
    for topic, got in listener.telemetry().items():
        validator = jsonschema.Draft202012Validator(telemetry_schema(STANDARD_SIGNALS, topic.kind))
        for payload in got:
            validator.validate(json.loads(payload))


def test_a_repair_is_announced_as_an_event(broker: Broker, listener: Listener) -> None:
    fleet = _fleet(3)
    robot = fleet.roster.cards[Kind.ROBOT][0]
    publisher = FleetPublisher(fleet, broker.url, interval_s=0.2)
    publisher.start()
    try:
        wait_until(lambda: publisher.connected == 3, "no connection")
        now = SystemClock().now_ms()
        fleet.repair(robot.id, "brush_wear", now)
        topic = f"sweepwatch/v1/{robot.site}/robot/{robot.id}/event"
        wait_until(lambda: bool(listener.heard.get(topic)), "no event arrived")
    finally:
        publisher.stop(5)
    event = json.loads(listener.heard[topic][0][0])
    assert event == {
        "ts": now,
        "code": "part_replaced",
        "detail": {"part": "main-brush", "fault": "brush_wear"},
    }


def test_a_broker_that_is_away_is_named_and_stopping_is_quick() -> None:
    publisher = FleetPublisher(_fleet(3), f"mqtt://127.0.0.1:{free_port()}", interval_s=0.1)
    publisher.start()
    wait_until(lambda: publisher.problem is not None, "no problem is told")
    began = time.monotonic()
    publisher.stop(3)
    assert time.monotonic() - began < 3
    assert "127.0.0.1" in str(publisher.problem)
    assert publisher.error is None


@pytest.mark.parametrize("url", ["http://localhost", "mqtt://", "localhost:1883", "mqtt://h:99999"])
def test_an_unusable_url_is_refused_at_once_with_what_is_allowed(url: str) -> None:
    with pytest.raises(ConfigError, match="mqtt://"):
        FleetPublisher(_fleet(3), url)


def test_the_catalogue_of_bad_messages_names_every_reason_and_is_accepted_by_a_broker(
    broker: Broker, listener: Listener
) -> None:
    now = SystemClock().now_ms()
    messages = catalogue(now)
    reasons = {message.reason for message in messages}
    needs_more_than_a_message = {
        Reason.UNREGISTERED,
        Reason.RETAINED_WITHOUT_TS,
        Reason.STORE_REJECTED,
    }
    of_other_dialects = {
        Reason.BAD_DIALECT,
        Reason.NOT_BORN,
        Reason.UNKNOWN_ALIAS,
        Reason.HISTORICAL,
        Reason.DIALECT_FAILED,
    }
    assert set(Reason) - needs_more_than_a_message - of_other_dialects <= reasons
    assert len({message.name for message in messages}) == len(messages)
    assert publish_catalogue(broker.url, now) == len(messages)
    wait_until(lambda: sum(map(len, listener.heard.values())) == len(messages), "some did not arrive")


def test_a_broker_that_speaks_only_3_1_1_is_served_all_the_same() -> None:
    with running_amqtt() as (port, _):
        publisher = FleetPublisher(_fleet(4), f"mqtt://127.0.0.1:{port}", interval_s=0.2)
        publisher.start()
        try:
            wait_until(lambda: publisher.acknowledged >= 12, "nothing was acknowledged", 20)
            assert publisher.connected == 4
        finally:
            publisher.stop(5)


def test_misbehaving_without_a_broker_is_a_clear_error() -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1"):
        publish_catalogue(f"mqtt://127.0.0.1:{free_port()}", SystemClock().now_ms(), 2.0)


def test_simulate_publishes_for_its_duration_writes_the_truth_and_reports(
    broker: Broker, tmp_path: Path
) -> None:
    said: list[str] = []
    truth = tmp_path / "truth.jsonl"
    options = SimulationOptions(
        devices=5, seed=1, broker_url=broker.url, rate=50, duration_s=1.0, misbehave=True, truth=truth
    )
    report = simulate(options, STANDARD_SIGNALS, SystemClock(), said.append, threading.Event())
    assert report.acknowledged == report.published > 10
    assert report.misbehaved > 20
    assert truth.exists()
    assert any("acknowledged" in line for line in said)


def test_one_that_is_stopped_before_it_is_started_ends_at_once() -> None:
    publisher = FleetPublisher(_fleet(), "mqtt://127.0.0.1:1", interval_s=0.5)
    publisher.stop()
    publisher.start()
    publisher.stop()
    assert publisher.published == 0
