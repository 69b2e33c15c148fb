"""Dialects through a real broker: whole captures end in DuckDB, and the ledger adds up."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import paho.mqtt.client as mqtt
import pytest
from helpers.captures import capture, wanted
from helpers.mosquitto import Mosquitto, running_mosquitto
from helpers.publishing import publish, wait_until
from paho.mqtt.enums import CallbackAPIVersion

from fleet.broker_url import parse_broker_url
from fleet.clock import Clock, ManualClock, SystemClock
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.dialects.config import parse_dialects
from ingest.dialects.sparkplug_payload import Payload, read
from ingest.link.backoff import Backoff
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import open_desk
from storage.records.devices import Device
from storage.series.duckdb.store import DuckDbStore

ALL = """
dialects:
  - {type: sparkplug, signals: {drive_rpm: motor/rpm}}
  - {type: vda5050, interface: vda, site: hall}
  - {type: homie, site: lab, signals: {battery_pct: status/battery, battery_temp_c: status/temperature}}
  - type: valetudo
    site: home
    consumables: {filter-main: {signal: filter_clog_pct, life_h: 150, shows: used}}
  - name: press
    type: json
    topic: factory/{site}/{device}/data
    time: {path: t, unit: s}
    signals: {battery_pct: {from: soc, unit: ratio}}
"""


class Rig:
    """A store, a desk and an ingester that speaks all dialects."""

    def __init__(self, folder: Path, url: str, clock: Clock, dialects: str = ALL) -> None:
        self.store = DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS)
        self.desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self.service = IngestService(
            IngestSettings(parse_broker_url(url), summary_every_ms=0),
            self.store,
            self.desk,
            STANDARD_SIGNALS,
            clock,
            backoff=Backoff(first_s=0.05, longest_s=0.2),
            dialects=parse_dialects(dialects, STANDARD_SIGNALS),
        )

    def values(self, device: str, signal: str) -> list[object]:
        frame = self.store.history(Kind.ROBOT, device, [signal], 0, 2**53, 10**6).drop_nulls(signal)
        values: list[object] = frame.sort("ts")[signal].to_list()
        return values

    def status(self, device: str) -> str | None:
        with self.desk.transaction() as session:
            row = session.get(Device, device)
            return row.status if row else None

    def close(self) -> None:
        self.service.stop(4.0)
        self.store.close()
        self.desk.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_mosquitto(folder) as broker:
        yield broker


def started(folder: Path, broker: Mosquitto, now: int) -> Rig:
    rig = Rig(folder, broker.url, ManualClock(now))
    rig.service.start()
    wait_until(lambda: rig.service.not_ready() is None)
    return rig


def replay(rig: Rig, broker: Mosquitto, name: str) -> None:
    """Publish a whole capture, and wait until all that is wanted of it is accounted for."""
    messages = capture(name)
    publish(broker.port, [(one.topic, one.payload) for one in messages])
    expected = len(wanted(ALL, messages))
    wait_until(lambda: sum(rig.service.ledger.snapshot().messages.values()) == expected)
    ledger = rig.service.ledger.snapshot()
    assert ledger.received == ledger.written + ledger.duplicate + ledger.quarantined


@pytest.mark.parametrize(
    ("name", "device", "readings", "duplicates"),
    [
        ("sparkplug-b", "plant1--edge1--robot1", 6, 0),
        ("vda5050", "ACME--agv1", 47, 1),
        ("homie4", "sensor1", 12, 0),
        ("valetudo", "robot9", 78, 0),
    ],
)
def test_a_whole_capture_ends_in_the_store_and_its_device_offline(
    tmp_path: Path, broker: Mosquitto, name: str, device: str, readings: int, duplicates: int
) -> None:
    rig = started(tmp_path, broker, capture(name)[-1].received)
    try:
        replay(rig, broker, name)
        ledger = rig.service.ledger.snapshot()
        assert (ledger.received, ledger.duplicate, ledger.quarantined) == (readings, duplicates, 0)
        wait_until(lambda: rig.status(device) == "offline")
        if name == "sparkplug-b":
            assert rig.values(device, "battery_pct") == [87.0, 86.5, 86.0, 85.5, 85.0, 84.5]
            assert rig.values(device, "drive_rpm") == [1200, 1210, 1220, 1230, 1240, 1200]
        elif name == "valetudo":
            assert rig.values(device, "battery_pct")[:3] == [100.0, 99.0, 98.0]
            assert rig.values(device, "fan_rpm") == []
            assert rig.values(device, "error_code") == ["", "motors:Main_brush_jammed", "", ""]
        elif name == "vda5050":
            assert rig.values(device, "battery_pct")[:4] == [12.0, 12.0, 12.0, 0.0]
            assert "error" in rig.values(device, "state")
        else:
            assert rig.values(device, "battery_pct") == [90, 89, 88, 87, 86, 85]
            assert rig.values(device, "battery_temp_c")[0] == pytest.approx(-6.67, abs=0.01)
    finally:
        rig.close()


def test_an_edge_node_is_asked_for_its_births_over_the_broker(tmp_path: Path, broker: Mosquitto) -> None:
    """Data that comes before any birth is quarantined, and the command to be reborn is published."""
    data = capture("sparkplug-b")[2]
    asked: list[mqtt.MQTTMessage] = []
    listening = Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_subscribe = lambda *_: listening.set()
    client.on_message = lambda _, __, message: asked.append(message)
    client.connect("127.0.0.1", broker.port)
    client.subscribe("spBv1.0/+/NCMD/#", 1)
    client.loop_start()
    rig = started(tmp_path, broker, data.received)
    try:
        assert listening.wait(5)
        publish(broker.port, [(data.topic, data.payload)])
        wait_until(lambda: asked)
        assert asked[0].topic == "spBv1.0/plant1/NCMD/edge1"
        command = read(asked[0].payload)
        assert isinstance(command, Payload)
        assert [(one.name, one.value) for one in command.metrics] == [("Node Control/Rebirth", True)]
        assert dict(rig.service.ledger.snapshot().quarantined_by_reason) == {"not_born": 1}
    finally:
        client.disconnect()
        client.loop_stop()
        rig.close()


def test_bad_messages_of_every_dialect_hurt_no_other(tmp_path: Path, broker: Mosquitto) -> None:
    """Rubbish on each dialect's topics is quarantined; a mapped and an own message beside it are stored."""
    now = capture("vda5050")[0].received
    rig = started(tmp_path, broker, now)
    rubbish = b"\xff\x00{"
    bad = (
        "spBv1.0/g/DDATA/n/d",
        "vda/v2/A/b/state",
        "homie/dev/$state",
        "valetudo/r/MapData/map-data",
        "factory/s/d/data",
    )
    own = ("sweepwatch/v1/s1/robot/R1/telemetry", json.dumps({"ts": now, "battery_pct": 5}).encode())
    mapped = ("factory/north/M1/data", json.dumps({"t": now / 1000, "soc": 0.25}).encode())
    try:
        publish(broker.port, [*((topic, rubbish) for topic in bad), own, mapped])
        wait_until(lambda: rig.service.ledger.snapshot().received == len(bad) + 2)
        ledger = rig.service.ledger.snapshot()
        assert (ledger.written, ledger.quarantined) == (2, len(bad))
        assert rig.values("M1", "battery_pct") == [25.0]
        assert rig.values("R1", "battery_pct") == [5.0]
    finally:
        rig.close()


def test_edge_nodes_learn_whether_the_host_application_is_there(tmp_path: Path, broker: Mosquitto) -> None:
    """STATE of Sparkplug 3.0: retained, the same time in will and birth, a later one in the death."""
    heard: list[tuple[bool, int]] = []
    watcher = mqtt.Client(CallbackAPIVersion.VERSION2)
    watcher.on_message = lambda _, __, one: heard.append(tuple(json.loads(one.payload).values()))
    watcher.connect("127.0.0.1", broker.port)
    watcher.subscribe("spBv1.0/STATE/desk", 1)
    watcher.loop_start()
    rig = Rig(tmp_path, broker.url, SystemClock(), "dialects: [{type: sparkplug, host: desk}]")
    try:
        rig.service.start()
        wait_until(lambda: len(heard) == 1)
        online, since = heard[0]
        assert online
        publish(broker.port, [("spBv1.0/STATE/desk", json.dumps({"online": False, "timestamp": 1}).encode())])
        wait_until(lambda: heard[-1] == (True, since) and len(heard) == 3)
    finally:
        rig.close()
        wait_until(lambda: not heard[-1][0])
        watcher.loop_stop()
    assert heard[-1][1] >= since
