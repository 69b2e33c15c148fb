"""What is published beside our topics is seen, counted and shown, and costs our own readings nothing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

import pytest
from helpers.brokers import Amqtt
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.publishing import publish, wait_until

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.signals import STANDARD_SIGNALS
from fleet.wire import SUBSCRIPTIONS
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import DeskDatabase, open_desk
from storage.records.topics_beside import TopicsBeside
from storage.series.duckdb.store import DuckDbStore

BASE = SystemClock().now_ms() - 3_600_000
BESIDE = [
    ("sweepwatch/v1/s1/robot/R1/telemtry", b'{"ts": 1, "battery_pct": 5}'),
    ("sweepwatch/v2/s1/robot/R1/telemetry", b"\x08\x01"),
    ("sweepwatch/v1/s1/robot/R1/telemtry", b'{"ts": 2, "battery_pct": 6}'),
]


class House:
    def __init__(self, folder: Path) -> None:
        self.store = DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS)
        self.desk: DeskDatabase = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")

    def service(self, url: str, **changes: object) -> IngestService:
        settings = IngestSettings(parse_broker_url(url), **changes)  # type: ignore[arg-type]
        return IngestService(settings, self.store, self.desk, STANDARD_SIGNALS, SystemClock())

    def beside(self) -> dict[str, tuple[int, bytes]]:
        page = TopicsBeside(self.desk).find()
        return {one.topic: (one.count, one.payload) for one in page.items}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()
    made.desk.close()


def readings(first: int, last: int) -> list[tuple[str, bytes]]:
    return [
        ("sweepwatch/v1/s1/robot/R1/telemetry", b'{"ts": %d, "seq": %d, "battery_pct": 5}' % (BASE + n, n))
        for n in range(first, last)
    ]


def talk(house: House, service: IngestService, port: int, wanted: int = 20) -> None:
    service.start()
    try:
        wait_until(lambda: service.not_ready() is None, 30)
        publish(
            port, [*readings(0, 10), *BESIDE, ("sweepwatch/v1/s1/robot/R1/cmd", b"{}"), *readings(10, 20)]
        )
        wait_until(lambda: service.ledger.snapshot().written >= wanted, 30)
        wait_until(lambda: len(house.beside()) == 2, 30)
    finally:
        service.stop()
    counted = service.ledger.snapshot()
    assert (counted.received, counted.written, counted.duplicate) == (20, 20, 0)
    assert house.beside() == {
        "sweepwatch/v1/s1/robot/R1/telemtry": (2, b'{"ts": 2, "battery_pct": 6}'),
        "sweepwatch/v2/s1/robot/R1/telemetry": (1, b"\x08\x01"),
    }


def test_mosquitto_sends_each_reading_once_and_what_is_beside_is_listed(
    house: House, mosquitto: Mosquitto
) -> None:
    talk(house, house.service(mosquitto.url), mosquitto.port)


def test_so_does_amqtt(house: House, amqtt: Amqtt) -> None:
    talk(house, house.service(amqtt.url), amqtt.port)


def test_a_session_of_a_version_that_did_not_look_beside_gives_nothing_twice(
    house: House, mosquitto: Mosquitto
) -> None:
    before = house.service(mosquitto.url, topics_beside=False)
    before.start()
    wait_until(lambda: before.not_ready() is None, 30)
    before.stop()
    publish(mosquitto.port, [("sweepwatch/v1/s1/robot/R0/telemetry", b'{"ts": %d, "x_m": 1}' % BASE)])
    first = house.service(mosquitto.url)
    first.start()
    wait_until(lambda: first.ledger.snapshot().written == 1, 30)
    first.stop()
    talk(house, house.service(mosquitto.url), mosquitto.port)


def test_a_group_shares_what_is_beside_and_each_message_of_it_is_counted_once(
    house: House, tmp_path: Path
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_mosquitto(folder) as broker, ExitStack() as stack:
        group = [house.service(broker.url, client_id=name, share="crew") for name in ("one", "two")]
        for each in group:
            each.start()
            stack.callback(each.stop)
        wait_until(lambda: all(each.not_ready() is None for each in group), 30)
        publish(broker.port, [*readings(0, 20), *BESIDE])
        wait_until(lambda: sum(each.ledger.snapshot().written for each in group) == 20, 30)
        wait_until(lambda: sum(count for count, _ in house.beside().values()) == 3, 30)
    assert sum(each.ledger.snapshot().received for each in group) == 20
    assert sum(count for count, _ in house.beside().values()) == 3


class Forbidding:
    """A broker (MQTT 3.1.1) that lets nobody read `#`: it refuses such a filter, or ends the connection."""

    def __init__(self, *, hangs_up: bool) -> None:
        self.granted: list[str] = []
        self._hangs_up = hangs_up
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, suppress(OSError):
                while data := client.recv(4096):  # each packet of so short a talk comes by itself
                    if data[0] == 0x10:
                        client.sendall(b"\x20\x02\x00\x00")
                    elif data[0] == 0x82 and not self._answer(client, data):
                        break

    def _answer(self, client: socket.socket, packet: bytes) -> bool:
        body = packet[3:] if packet[1] >= 0x80 else packet[2:]
        filters, at = [], 2
        while at < len(body):
            size = int.from_bytes(body[at : at + 2], "big")
            filters.append(body[at + 2 : at + 2 + size].decode())
            at += size + 3
        wide = any(one.endswith("#") for one in filters)
        if wide and self._hangs_up:
            return False
        self.granted += [] if wide else filters
        code = b"\x80" if wide else b"\x01"
        client.sendall(bytes((0x90, 2 + len(filters))) + body[:2] + code * len(filters))
        return True


@pytest.mark.parametrize("hangs_up", [False, True])
def test_where_the_broker_forbids_it_only_our_own_topics_are_read(house: House, hangs_up: bool) -> None:
    broker = Forbidding(hangs_up=hangs_up)
    service = house.service(broker.url, mqtt_version="3.1.1")
    service.start()
    try:
        wait_until(lambda: service.not_ready() is None, 30)
    finally:
        service.stop()
        broker.close()
    assert tuple(broker.granted) == SUBSCRIPTIONS
