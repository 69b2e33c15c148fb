"""The broker that `run` brings along: a mosquitto child with persistence, else amqtt in the process."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from helpers.running import free_port
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fleet.errors import BrokerUnavailable, ConfigError, PortTaken
from sweepwatch.run import embedded_broker
from sweepwatch.run.embedded_broker import find_mosquitto, start_broker

ROOT = Path(__file__).parents[3]


@pytest.fixture
def mosquitto_here() -> None:
    if find_mosquitto() is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")


def settings_of(text: str) -> dict[str, str]:
    lines = (line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#"))
    return dict(lines)


def test_the_shipped_configuration_has_the_limits_that_run_uses() -> None:
    limits = settings_of(
        files("sweepwatch.run").joinpath("mosquitto-limits.conf").read_text(encoding="utf-8")
    )
    shipped = settings_of((ROOT / "deploy" / "mosquitto.conf").read_text(encoding="utf-8"))
    assert limits["max_queued_messages"] == "0"
    assert limits["persistence"] == "true"
    assert {name: shipped.get(name) for name in limits} == limits


def client(url: str, name: str, protocol: MQTTProtocolVersion) -> mqtt.Client:
    port = int(url.rpartition(":")[2])
    made = mqtt.Client(CallbackAPIVersion.VERSION2, name, clean_session=False, protocol=protocol)
    made.connect("127.0.0.1", port)
    return made


def run_until(made: mqtt.Client, done: Callable[[], bool]) -> None:
    for _ in range(400):
        made.loop(0.02)
        if done():
            return
    pytest.fail("the broker did not answer")


def subscribe_then_leave(url: str) -> None:
    subscriber = client(url, "keeper", MQTTProtocolVersion.MQTTv311)
    granted: list[int] = []
    subscriber.on_connect = lambda *_: subscriber.subscribe("a/b", 1)
    subscriber.on_subscribe = lambda *_: granted.append(1)
    run_until(subscriber, lambda: bool(granted))
    subscriber.disconnect()
    subscriber.loop(0.05)


def publish(url: str, payload: bytes) -> None:
    publisher = client(url, "sender", MQTTProtocolVersion.MQTTv311)
    sent: list[int] = []
    publisher.on_connect = lambda *_: publisher.publish("a/b", payload, 1)
    publisher.on_publish = lambda *_: sent.append(1)
    run_until(publisher, lambda: bool(sent))
    publisher.disconnect()
    publisher.loop(0.05)


def receive(url: str, after_subscribing: Callable[[], None] | None = None) -> bytes:
    subscriber = client(url, "keeper", MQTTProtocolVersion.MQTTv311)
    got: list[bytes] = []
    if after_subscribing is not None:
        subscriber.on_connect = lambda *_: subscriber.subscribe("a/b", 1)
        subscriber.on_subscribe = lambda *_: after_subscribing()
    subscriber.on_message = lambda _client, _data, message: got.append(message.payload)
    run_until(subscriber, lambda: bool(got))
    subscriber.disconnect()
    subscriber.loop(0.05)
    return got[0]


@pytest.mark.usefixtures("mosquitto_here")
def test_mosquitto_keeps_a_session_and_its_queue_over_a_restart(tmp_path: Path) -> None:
    first = start_broker("mosquitto", 0, tmp_path)
    subscribe_then_leave(first.url)
    publish(first.url, b"kept")
    first.stop()
    second = start_broker("auto", 0, tmp_path)
    try:
        assert receive(second.url) == b"kept"
    finally:
        second.stop()


def test_amqtt_takes_and_delivers_messages_and_says_that_it_keeps_none(tmp_path: Path) -> None:
    broker = start_broker("amqtt", 0, tmp_path)
    try:
        got = receive(broker.url, after_subscribing=lambda: publish(broker.url, b"passed on"))
        assert got == b"passed on"
        assert "keeps no session on disk" in broker.description
        assert broker.not_ready() is None
    finally:
        broker.stop()


def test_without_mosquitto_auto_means_amqtt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_broker, "find_mosquitto", lambda: None)
    broker = start_broker("auto", 0, tmp_path)
    broker.stop()
    assert broker.description.startswith("amqtt")
    with pytest.raises(ConfigError, match="no mosquitto is installed; allowed here: auto, amqtt"):
        start_broker("mosquitto", 0, tmp_path)


@pytest.mark.usefixtures("mosquitto_here")
def test_a_mosquitto_left_behind_by_a_killed_run_is_ended(tmp_path: Path) -> None:
    left = start_broker("mosquitto", 0, tmp_path)
    pid = int((tmp_path / "mosquitto.pid").read_text())
    fresh = start_broker("mosquitto", 0, tmp_path)
    try:
        assert left.not_ready() is not None
        assert int((tmp_path / "mosquitto.pid").read_text()) != pid
    finally:
        fresh.stop()


@pytest.mark.usefixtures("mosquitto_here")
def test_a_mosquitto_that_takes_long_to_write_its_queue_is_not_killed_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_broker, "STOP_TIMEOUT_S", 0.2)
    slow = start_broker("mosquitto", 0, tmp_path)
    assert isinstance(slow, embedded_broker.MosquittoBroker)
    subscribe_then_leave(slow.url)
    publish(slow.url, b"kept")
    pid = int((tmp_path / "mosquitto.pid").read_text())
    os.kill(pid, signal.SIGSTOP)  # as if it were still writing
    slow.stop()
    assert slow.not_ready() is None
    goes_on = threading.Timer(0.5, os.kill, (pid, signal.SIGCONT))
    goes_on.start()
    fresh = start_broker("mosquitto", 0, tmp_path)
    try:
        goes_on.join()
        assert slow.not_ready() == f"mosquitto ended with code 0; see {tmp_path / 'mosquitto.log'}"
        assert receive(fresh.url) == b"kept"
    finally:
        fresh.stop()


@pytest.mark.usefixtures("mosquitto_here")
def test_a_process_that_merely_has_the_old_number_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mosquitto.pid").write_text(f"{os.getpid()}\n")
    start_broker("mosquitto", 0, tmp_path).stop()
    os.kill(os.getpid(), 0)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} for the broker is taken"):
            start_broker("auto", port, tmp_path)


@pytest.mark.usefixtures("mosquitto_here")
def test_a_mosquitto_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "with space and # sign"
    folder.mkdir()
    (folder / "mosquitto.db").write_bytes(b"not a database")
    with pytest.raises(BrokerUnavailable, match="mosquitto did not start: .+"):
        start_broker("mosquitto", 0, folder)


@pytest.mark.usefixtures("mosquitto_here")
def test_a_broker_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    broker = start_broker("mosquitto", 0, tmp_path)
    pid = int((tmp_path / "mosquitto.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert "mosquitto ended with code -9" in str(broker.not_ready())
    broker.stop()


@pytest.mark.parametrize("choice", ["auto", "amqtt"])
def test_the_port_stays_from_start_to_start_so_that_devices_find_it_again(
    tmp_path: Path, choice: str
) -> None:
    first = start_broker(choice, 0, tmp_path)
    first.stop()
    again = start_broker(choice, 0, tmp_path)
    again.stop()
    assert again.url == first.url


def test_a_kept_port_that_another_program_took_is_told_and_another_is_kept(tmp_path: Path) -> None:
    first = start_broker("amqtt", 0, tmp_path)
    first.stop()
    port = int(first.url.rpartition(":")[2])
    said: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        second = start_broker("amqtt", 0, tmp_path, said.append)
        second.stop()
    assert second.url != first.url
    assert said == [
        f"Port {port}, where the broker was before, is taken by another program: "
        f"it is {second.url.rpartition(':')[2]} now."
    ]
    third = start_broker("amqtt", 0, tmp_path)
    third.stop()
    assert third.url == second.url


def test_a_port_that_is_named_is_taken_once_and_not_kept(tmp_path: Path) -> None:
    first = start_broker("amqtt", 0, tmp_path)
    first.stop()
    named = free_port()
    other = start_broker("amqtt", named, tmp_path)
    other.stop()
    assert other.url == f"mqtt://127.0.0.1:{named}"
    again = start_broker("amqtt", 0, tmp_path)
    again.stop()
    assert again.url == first.url
