"""The frame cutter below TLS and WebSocket, under dense streams, and against a server that sends no MQTT."""

import json
import logging
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest
from helpers.brokers import Amqtt
from helpers.certificates import make_certificate
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.publishing import publish, wait_until
from helpers.running import free_port

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.link.backoff import Backoff
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore

BASE = SystemClock().now_ms() - 3_600_000
PATIENCE_S = 60.0
DENSE = 3_000


class Rig:
    """An ingester over a store and a desk in a folder."""

    def __init__(self, folder: Path, url: str, **changes: object) -> None:
        self.store = DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS)
        self.desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self.service = IngestService(
            IngestSettings(parse_broker_url(url), **changes),  # type: ignore[arg-type]
            self.store,
            self.desk,
            STANDARD_SIGNALS,
            SystemClock(),
            backoff=Backoff(first_s=0.05, longest_s=0.2),
        )

    @property
    def trouble(self) -> str:
        return self.service.not_ready() or ""

    def wait_until_ready(self) -> None:
        wait_until(lambda: not self.trouble, PATIENCE_S)

    def wait_for(self, written: int) -> None:
        wait_until(lambda: self.service.ledger.snapshot().written == written, PATIENCE_S)

    def times(self, device: str = "R1") -> list[int]:
        return self.store.history(Kind.ROBOT, device, [], 0, 2**53, 10**6)["ts"].to_list()


@contextmanager
def ingesting(folder: Path, url: str, **changes: object) -> Iterator[Rig]:
    rig = Rig(folder, url, **changes)
    rig.service.start()
    try:
        yield rig
    finally:
        rig.service.stop()
        rig.store.close()
        rig.desk.close()


def reading(number: int, **more: object) -> tuple[str, bytes]:
    body = {"ts": BASE + number, "seq": number, "battery_pct": 50.0, **more}
    return "sweepwatch/v1/s1/robot/R1/telemetry", json.dumps(body).encode()


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Mosquitto, int, Path]]:
    """Run a mosquitto that also listens encrypted; yield it, that port, and its certificate."""
    certificate = make_certificate(tmp_path, "broker")
    folder, passwords, port = tmp_path / "broker", tmp_path / "passwords", free_port()
    folder.mkdir()
    for name, secret in (("ingest", "s3cret"), ("device", "other")):
        new = [] if passwords.exists() else ["-c"]
        command = ["mosquitto_passwd", "-b", *new, str(passwords), name, secret]
        subprocess.run(command, check=True, capture_output=True)
    extra = f"""\
listener {port} 127.0.0.1
certfile {certificate}
keyfile {certificate.with_suffix(".key")}
password_file {passwords}
"""
    with running_mosquitto(folder, extra) as broker:
        yield broker, port, certificate


def test_a_dense_encrypted_stream_with_a_password_arrives_whole(
    tmp_path: Path, secured: tuple[Mosquitto, int, Path]
) -> None:
    """Small and large messages together: what TLS has decrypted and not handed over is not left lying."""
    broker, port, certificate = secured
    with ingesting(tmp_path, f"mqtts://ingest:s3cret@localhost:{port}", tls_ca=certificate) as rig:
        rig.wait_until_ready()
        padding = "x" * 60_000
        sent = [reading(n, **({"pad": padding} if n % 100 == 0 else {})) for n in range(DENSE)]
        publish(broker.port, sent)
        rig.wait_for(DENSE)
        assert rig.times() == [BASE + n for n in range(DENSE)]


@pytest.mark.parametrize(
    ("who", "expected"), [("ingest:wrong", "not authorized"), ("ingest:s3cret", "certificate verify failed")]
)
# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_wrong_password_and_a_wrong_authority_are_named_in_one_line(
    tmp_path: Path,
    secured: tuple[Mosquitto, int, Path],
    caplog: pytest.LogCaptureFixture,
    who: str,
    expected: str,
) -> None:
    _, port, certificate = secured
    authority = certificate if "wrong" in who else make_certificate(tmp_path, "stranger")
    with (
        caplog.at_level(logging.WARNING),
        ingesting(tmp_path, f"mqtts://{who}@localhost:{port}", tls_ca=authority) as rig,
    ):
        wait_until(lambda: expected in rig.trouble.lower(), PATIENCE_S)
        trouble = rig.trouble
        assert f"localhost:{port}" in trouble
        assert len(trouble.splitlines()) == 1
        assert "s3cret" not in trouble and "wrong" not in trouble
        wait_until(lambda: any(expected in one.message.lower() for one in caplog.records), PATIENCE_S)
    assert not any(one.exc_info for one in caplog.records), "a traceback helps nobody here"


def test_a_dense_stream_over_websocket_arrives_whole(tmp_path: Path, amqtt: Amqtt) -> None:
    """Packets and WebSocket frames begin and end at different bytes."""
    url = f"ws://tester@127.0.0.1:{amqtt.websocket_port}"
    with ingesting(tmp_path, url, mqtt_version="3.1.1") as rig:
        rig.wait_until_ready()
        count = 800
        padding = "x" * 30_000
        publish(amqtt.port, [reading(n, **({"pad": padding} if n % 50 == 0 else {})) for n in range(count)])
        rig.wait_for(count)
        assert rig.times() == [BASE + n for n in range(count)]


CONNACK_311, PINGRESP = b"\x20\x02\x00\x00", b"\xd0\x00"
LENGTH_OF_FIVE_BYTES = b"\x30\xff\xff\xff\xff\x01"
TOPIC_BEYOND_ITS_PACKET = b"\x30\x03\x00\x09a"
WITHOUT_TOPIC = b"\x30\x04\x00\x00{}"


class Server:
    """Speaks enough MQTT 3.1.1 to be subscribed to; its first client hears `broken`, the next a reading."""

    def __init__(self, broken: bytes) -> None:
        self._broken = broken
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.closed_on_us = Event()
        self._thread = Thread(target=self._serve)
        self._ending = Event()

    def __enter__(self) -> "Server":
        self._listener.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                client, _ = self._listener.accept()
                self.connections += 1
                with client, suppress(ConnectionError):
                    self._talk(client, self.connections == 1)

    def _talk(self, client: socket.socket, first: bool) -> None:
        client.settimeout(0.1)
        said = False
        while not self._ending.is_set():
            try:
                packet = client.recv(65_536)
            except TimeoutError:
                continue
            if not packet:
                if first:
                    self.closed_on_us.set()
                return
            if packet[0] == 0x10:
                client.sendall(CONNACK_311)
            elif packet[0] == 0x82:
                filters = packet.count(b"sweepwatch/v1")
                client.sendall(bytes([0x90, 2 + filters]) + packet[2:4] + b"\x01" * filters)
                if not said:
                    said = True
                    client.sendall(
                        published(*reading(1)) + (self._broken if first else published(*reading(2)))
                    )
            elif packet[0] == 0xC0:
                client.sendall(PINGRESP)


def published(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    assert 128 <= len(body) < 16_384 or len(body) < 128
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    return b"\x30" + length + body


@pytest.mark.parametrize("broken", [LENGTH_OF_FIVE_BYTES, TOPIC_BEYOND_ITS_PACKET, WITHOUT_TOPIC])
def test_bytes_that_are_no_mqtt_end_the_connection_and_the_next_one_works(
    tmp_path: Path, broken: bytes
) -> None:
    with (
        Server(broken) as server,
        ingesting(tmp_path, f"mqtt://127.0.0.1:{server.port}", mqtt_version="3.1.1") as rig,
    ):
        assert server.closed_on_us.wait(PATIENCE_S), "where the next packet begins cannot be known"
        rig.wait_for(2)  # what came whole before the broken packet, and what came after it
        assert server.connections >= 2
        assert rig.times() == [BASE + 1, BASE + 2]
        rig.wait_until_ready()
