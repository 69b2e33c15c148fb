"""The ingester against real brokers: what is published is stored, and acknowledged only then."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from helpers.brokers import Amqtt
from helpers.certificates import make_certificate
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.publishing import publish, wait_until
from helpers.running import free_port

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.errors import StoreUnavailable
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.link.backoff import Backoff
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.ports import Receipt
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device, Devices
from storage.records.quarantine import Quarantine
from storage.series.duckdb.store import DuckDbStore

QUICK = Backoff(first_s=0.05, longest_s=0.2)
BASE = SystemClock().now_ms() - 3_600_000


class Rig:
    """A store and a desk on disk, and ingesters over them."""

    def __init__(self, folder: Path) -> None:
        self.store = DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS)
        self.desk: DeskDatabase = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self.quarantine = Quarantine(self.desk)

    def service(self, url: str, store: object | None = None, **changes: object) -> IngestService:
        settings = IngestSettings(parse_broker_url(url), **changes)  # type: ignore[arg-type]
        return IngestService(
            settings,
            store or self.store,  # type: ignore[arg-type]
            self.desk,
            STANDARD_SIGNALS,
            SystemClock(),
            backoff=QUICK,
        )

    def times(self, device: str, kind: Kind = Kind.ROBOT) -> list[int]:
        return self.store.history(kind, device, ["battery_pct"], 0, 2**53, 10**6)["ts"].to_list()

    def close(self) -> None:
        self.store.close()
        self.desk.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


@contextmanager
def running(service: IngestService, stop_s: float = 4.0) -> Iterator[IngestService]:
    service.start()
    try:
        yield service
    finally:
        service.stop(stop_s)


def ready(service: IngestService) -> Callable[[], bool]:
    return lambda: service.not_ready() is None


def reading(number: int, device: str = "R1", **more: object) -> tuple[str, bytes]:
    body = {"ts": BASE + number, "seq": number, "battery_pct": 50.0, **more}
    return f"sweepwatch/v1/s1/robot/{device}/telemetry", json.dumps(body).encode()


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_what_is_published_at_any_qos_is_stored(rig: Rig, mosquitto: Mosquitto, qos: int) -> None:
    with running(rig.service(mosquitto.url)) as service:
        wait_until(ready(service))
        publish(mosquitto.port, [reading(n) for n in range(50)], qos)
        wait_until(lambda: service.ledger.snapshot().written == 50)
    assert rig.times("R1") == [BASE + n for n in range(50)]
    assert Devices(rig.desk).placements()["R1"].site == "s1"


def test_amqtt_which_speaks_3_1_1_alone_is_served_too(rig: Rig, amqtt: Amqtt) -> None:
    with running(rig.service(amqtt.url)) as service:
        wait_until(ready(service))
        publish(amqtt.port, [reading(n) for n in range(50)])
        wait_until(lambda: service.ledger.snapshot().written == 50)
    assert rig.times("R1") == [BASE + n for n in range(50)]


def test_a_websocket_connection_is_served_too(rig: Rig, amqtt: Amqtt) -> None:
    url = f"ws://tester@127.0.0.1:{amqtt.websocket_port}"
    with running(rig.service(url, mqtt_version="3.1.1")) as service:
        wait_until(ready(service))
        publish(amqtt.port, [reading(n) for n in range(20)])
        wait_until(lambda: service.ledger.snapshot().written == 20)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_encrypted_connection_is_served_too_and_a_stranger_is_not_trusted(
    rig: Rig, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    folder = tmp_path / "tls"
    folder.mkdir()
    port = free_port()
    extra = f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {certificate.with_suffix('.key')}"
    with running_mosquitto(folder, extra) as broker:
        url = f"mqtts://localhost:{port}"
        with running(rig.service(url)) as service:
            wait_until(lambda: "certificate" in (service.not_ready() or ""))
        with running(rig.service(url, tls_ca=certificate)) as service:
            wait_until(ready(service))
            publish(broker.port, [reading(1)])
            wait_until(lambda: service.ledger.snapshot().written == 1)


class Blocked:
    """A store whose writes wait until they are let go."""

    def __init__(self, store: DuckDbStore) -> None:
        self._store = store
        self.let_go = Event()
        self.entered = Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch) -> Receipt:
        self.entered.set()
        if not self.let_go.wait(20):
            raise StoreUnavailable("blocked for too long")
        raise StoreUnavailable("too late: the ingester has gone")


def test_nothing_is_acknowledged_before_it_is_durable(rig: Rig, mosquitto: Mosquitto) -> None:
    """An ingester whose store never takes anything goes away; the next one gets every message again."""
    blocked = Blocked(rig.store)
    with running(rig.service(mosquitto.url, blocked), stop_s=0.3) as service:
        wait_until(ready(service))
        publish(mosquitto.port, [reading(n) for n in range(100)])
        wait_until(blocked.entered.is_set)
    assert service.ledger.snapshot().received == 0
    blocked.let_go.set()
    with running(rig.service(mosquitto.url)) as service:
        wait_until(lambda: service.ledger.snapshot().received == 100)
    ledger = service.ledger.snapshot()
    assert (ledger.written, ledger.duplicate) == (100, 0)
    assert rig.times("R1") == [BASE + n for n in range(100)]
    with running(rig.service(mosquitto.url)) as service:
        wait_until(ready(service))
        publish(mosquitto.port, [reading(100)])
        wait_until(lambda: service.ledger.snapshot().received > 0)
    assert service.ledger.snapshot().received == 1, "what was durable has been acknowledged"


def test_killed_at_work_it_loses_nothing_and_stores_nothing_twice(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    script = Path(__file__).parents[2] / "helpers" / "ingest_process.py"
    root = Path(__file__).parents[3]
    published = 5000
    process = subprocess.Popen(
        [sys.executable, str(script), mosquitto.url, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        publisher = Thread(target=publish, args=(mosquitto.port, [reading(n) for n in range(published)]))
        publisher.start()
        for _ in range(5):
            assert process.stdout.readline() == b"stored\n"
    finally:
        process.kill()
        process.communicate()
    publisher.join()
    rig = Rig(tmp_path)
    try:
        assert 0 < len(rig.times("R1")) < published, "it was to be killed at work"
        with running(rig.service(mosquitto.url)) as service:
            wait_until(lambda: len(rig.times("R1")) == published, 20)
            balanced(service)
        assert rig.times("R1") == [BASE + n for n in range(published)]
    finally:
        rig.close()


def balanced(service: IngestService) -> None:
    ledger = service.ledger.snapshot()
    assert ledger.received == ledger.written + ledger.duplicate + ledger.quarantined


BAD = [
    (b"", "empty"),
    (b"not json", "bad_json"),
    (b"\xff\xfe", "bad_encoding"),
    (b"x" * 262_145, "too_large"),
    (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
    (b"42", "not_object"),
    (b'{"ts":1763800000,"battery_pct":5}', "bad_ts"),
    (b'{"ts":9999999999999,"battery_pct":5}', "future"),
    (b'{"ts":1430000000000,"battery_pct":5}', "expired"),
    (b'{"colour":"red"}', "no_signal"),
]


def test_bad_messages_are_quarantined_and_the_ingester_goes_on(rig: Rig, mosquitto: Mosquitto) -> None:
    topic = "sweepwatch/v1/s1/robot/BAD/telemetry"
    strangers = [
        ("sweepwatch/v1/s1/toaster/R1/telemetry", b"{}"),
        ("sweepwatch/v1/ö/robot/R1/telemetry", b"{}"),
    ]
    with running(rig.service(mosquitto.url)) as service:
        wait_until(ready(service))
        publish(mosquitto.port, [(topic, payload) for payload, _ in BAD] + strangers + [reading(1)])
        wait_until(lambda: service.ledger.snapshot().received == len(BAD) + 3)
    ledger = service.ledger.snapshot()
    assert (ledger.written, ledger.quarantined) == (1, len(BAD) + 2)
    kept = {item.reason: item for item in rig.quarantine.find("BAD", limit=100).items}
    assert set(kept) == {reason for _, reason in BAD}
    assert kept["too_large"].truncated
    assert kept["bad_encoding"].payload == b"\xff\xfe"
    assert {i.reason for i in rig.quarantine.find(limit=100).items} > {"unknown_kind", "bad_id"}


class Away:
    """A store that is away while told to be."""

    def __init__(self, store: DuckDbStore) -> None:
        self._store = store
        self.away = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch) -> Receipt:
        if self.away:
            raise StoreUnavailable("the store is away")
        return self._store.write(batch)


def test_while_the_store_is_away_memory_is_bounded_and_all_is_stored_when_it_is_back(
    rig: Rig, mosquitto: Mosquitto
) -> None:
    limit = 600_000
    padding = "x" * 20_000
    store = Away(rig.store)
    with running(rig.service(mosquitto.url, store, buffer_bytes=limit)) as service:
        wait_until(ready(service))
        publish(mosquitto.port, [reading(n, padding=padding) for n in range(200)])
        wait_until(lambda: service.bytes_in_flight >= limit)
        wait_until(lambda: service.not_ready() is not None)  # the first commit may not have been tried yet
        assert service.not_ready() == "the store is away"
        assert service.bytes_in_flight < limit + 30_000
        store.away = False
        wait_until(lambda: service.ledger.snapshot().written == 200, 20)
        wait_until(ready(service))
    assert service.bytes_in_flight == 0
    assert rig.times("R1") == [BASE + n for n in range(200)]


def test_stopping_under_load_loses_nothing(rig: Rig, mosquitto: Mosquitto) -> None:
    numbers = range(3000)
    publisher = Thread(target=publish, args=(mosquitto.port, [reading(n) for n in numbers]))
    with running(rig.service(mosquitto.url)) as first:
        wait_until(ready(first))
        publisher.start()
        wait_until(lambda: first.ledger.snapshot().written > 0)
    balanced(first)
    with running(rig.service(mosquitto.url)) as second:
        publisher.join(20)
        wait_until(lambda: len(rig.times("R1")) == len(numbers), 20)
    balanced(second)
    assert rig.times("R1") == [BASE + n for n in numbers]


def test_a_broker_that_is_not_there_is_named_and_found_when_it_comes_back(
    rig: Rig, mosquitto: Mosquitto
) -> None:
    mosquitto.stop()
    with running(rig.service(mosquitto.url)) as service:
        wait_until(lambda: "refused" in (service.not_ready() or "").lower())
        mosquitto.start()
        wait_until(ready(service))
        publish(mosquitto.port, [reading(1)])
        wait_until(lambda: service.ledger.snapshot().written == 1)
        mosquitto.stop()
        wait_until(lambda: service.not_ready() is not None)
        mosquitto.start()
        wait_until(ready(service))
        publish(mosquitto.port, [reading(2)])
        wait_until(lambda: service.ledger.snapshot().written == 2)


def test_what_a_device_left_retained_is_known_at_the_desk(rig: Rig, mosquitto: Mosquitto) -> None:
    base = "sweepwatch/v1/s1/robot/R1"
    left = [(f"{base}/info", b'{"model":"CR-200"}'), (f"{base}/status", b"offline")]
    publish(mosquitto.port, left, retain=True)
    publish(mosquitto.port, [(f"{base}/telemetry", b'{"battery_pct":5}')], retain=True)
    with running(rig.service(mosquitto.url)) as service:
        wait_until(lambda: service.ledger.snapshot().quarantined == 1)
    with rig.desk.transaction() as session:
        device = session.get_one(Device, "R1")
    assert (device.model, device.status, device.last_seen) == ("CR-200", "offline", None)
    assert [item.reason for item in rig.quarantine.find().items] == ["retained_without_ts"]


def test_a_broker_that_refuses_us_is_named_with_its_reason(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    with (
        running_mosquitto(folder, "allow_anonymous false") as broker,
        running(rig.service(broker.url)) as service,
    ):
        wait_until(lambda: "not authorized" in (service.not_ready() or "").lower())
