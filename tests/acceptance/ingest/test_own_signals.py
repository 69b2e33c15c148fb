"""A signal of an installation's own, from its settings to the API and a chart, in a store older than it."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.mosquitto import running_mosquitto
from helpers.publishing import publish, wait_until

from access.doors import Doors
from access.tokens import Asked
from fleet.clock import ManualClock
from fleet.errors import ConfigError
from fleet.grants import Permission
from fleet.principals import schedule
from fleet.readings import KEY_COLUMNS
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import load_settings
from sweepwatch.wiring import build, build_ingest
from sweepwatch.wiring_api import build_api

NOW = 1_795_334_400_000
SETTINGS = """
[ingest]
dialects = "{dialects}"
[signals.uv_lamp_h]
unit = "h"
range = [0, 20000]
kind = "robot"
label = "UV lamp"
label_zh = "紫外灯"
[signals.tray_pct]
unit = "%"
range = [0, 100]
kind = ["robot", "tool"]
[signals.door_open]
kind = "robot"
state = true
"""
DIALECTS = """
dialects:
  - name: lamp
    type: json
    topic: lamp/{site}/{device}
    signals: {uv_lamp_h: {from: lamp.seconds, unit: s}}
"""


def write_settings(folder: Path) -> Path:
    dialects = folder / "dialects.yaml"
    dialects.write_text(DIALECTS, encoding="utf-8")
    file = folder / "sweepwatch.toml"
    file.write_text(SETTINGS.replace("{dialects}", str(dialects)), encoding="utf-8")
    return file


def test_an_own_signal_is_stored_served_and_drawn(tmp_path: Path) -> None:
    """Also through a dialect's mapping, and checked against its range."""
    clock = ManualClock(NOW)
    flags = {"data": tmp_path / "var"}
    folder = open_data_folder(tmp_path / "var")
    build(load_settings(None, {}, flags), folder, clock).close()  # a store without the columns

    services = build(load_settings(write_settings(tmp_path), {}, flags), folder, clock)
    place = tmp_path / "broker"
    place.mkdir()
    readings = [
        {"ts": NOW - 60_000, "uv_lamp_h": 812.5, "tray_pct": 40, "door_open": True},
        {"ts": NOW - 30_000, "uv_lamp_h": 30_000, "battery_pct": 9},
    ]
    with running_mosquitto(place) as broker:
        ingest = build_ingest(services, broker.url)
        ingest.start()
        try:
            wait_until(lambda: ingest.not_ready() is None)
            own = [("sweepwatch/v1/s1/robot/R1/telemetry", json.dumps(one).encode()) for one in readings]
            publish(broker.port, [*own, ("lamp/s1/R2", b'{"lamp": {"seconds": 7200}}')])
            wait_until(lambda: ingest.ledger.snapshot().written == 3)
            assert ingest.ledger.snapshot().values_dropped == {"out_of_range": 1}
        finally:
            ingest.stop(4.0)
    try:
        app = build_api(services, ingest, dict)
        tokens = Doors(services.desk, services.clock).tokens
        _, secret = tokens.make(Asked("t", tuple(Permission)), schedule("t"))
        held = {"Authorization": f"Bearer {secret}"}
        with TestClient(app, base_url="http://127.0.0.1:8000", headers=held) as client:
            latest = client.get("/api/v1/devices/R1").json()["latest"]
            assert (latest["uv_lamp_h"]["value"], latest["tray_pct"]["value"]) == (812.5, 40)
            assert latest["door_open"]["value"] is True
            assert client.get("/api/v1/devices/R2").json()["latest"]["uv_lamp_h"]["value"] == 2
            asked = {"signals": "uv_lamp_h", "start": NOW - 3_600_000, "end": NOW, "every": "1h"}
            items = client.get("/api/v1/devices/R1/telemetry", params=asked).json()["items"]
            assert [item["uv_lamp_h"]["mean"] for item in items if "uv_lamp_h" in item] == [812.5]
            listed = {item["name"]: item for item in client.get("/api/v1/signals").json()["items"]}
            assert listed["uv_lamp_h"]["unit"] == "h"
            chart = client.get("/devices/R1/charts/uv_lamp_h.svg")
            assert chart.status_code == 200 and "<svg" in chart.text
            page = client.get("/devices/R1")
            assert "uv_lamp_h.svg" in page.text and "UV lamp" in page.text
    finally:
        services.close()
        folder.close()


@pytest.mark.parametrize(
    ("name", "more", "says"),
    [
        ("battery_pct", "range = [0, 1]\nkind = 'robot'", "battery_pct is a standard signal already"),
        ("ts", "range = [0, 1]\nkind = 'robot'", "is not taken"),
        ("Lamp", "range = [0, 1]\nkind = 'robot'", "a-z, 0-9 and _"),
        ("lamp", "range = [1, 0]\nkind = 'robot'", "two finite numbers, the lower first"),
        ("lamp", "range = [0, 1]\nkind = 'boat'", "'robot', 'tool' or 'wristband'"),
        ("lamp", "kind = 'robot'", "range"),
        ("lamp", "range = [0, 1]\nkind = 'robot'\nunti = 'h'", "unti"),
    ],
)
def test_a_wrong_own_signal_is_named(tmp_path: Path, name: str, more: str, says: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f"[signals.{name}]\n{more}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {}, {})
    assert says in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", KEY_COLUMNS)
def test_no_own_signal_is_called_like_a_column_of_every_reading(tmp_path: Path, name: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f"[signals.{name}]\nrange = [0, 1]\nkind = 'robot'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not taken"):
        load_settings(file, {}, {})
