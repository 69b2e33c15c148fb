"""What a wristband tells of its wearer is for the safety role of that site, and each look is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, NOW, House, add_device, client_of, open_house, signed_in
from helpers.batches import batch_of

from access.looks import LASTS_MS
from fleet.events import Subject
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.records.events import events_of

PERSONAL = {"heart_rate_bpm": 87, "skin_temp_c": 33.3, "lat": 31.11111, "lon": 121.22222}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        for device, site in (("W1", "pudong"), ("W2", "jingan")):
            add_device(made, device, kind="wristband", site=site)
            row = {"device_id": device, "site": site, "ts": NOW, "battery_pct": 64.0, **PERSONAL}
            made.store.write(batch_of([row], Kind.WRISTBAND))
        yield made


def looks(house: House, device: str) -> list[str]:
    with house.desk.transaction() as session:
        return [e.principal.name for e in events_of(session, Subject.DEVICE, device) if e.what == "looked"]


def seen(client: TestClient, device: str) -> set[str]:
    """Return which personal signals some page or answer about a device gives away."""
    texts = [
        client.get(f"/api/v1/devices/{device}").text,
        client.get(f"/api/v1/devices/{device}/telemetry").text,
        client.get(f"/api/v1/devices/{device}/telemetry?every=1h").text,
    ]
    names = {name for name in PERSONAL for text in texts if f'"{name}"' in text}
    page = client.get(f"/devices/{device}?lang=en", headers=HTML).text
    names |= {name for name in PERSONAL if STANDARD_SIGNALS[name].label.en in page}
    for name in PERSONAL:
        asked = client.get(f"/api/v1/devices/{device}/telemetry?signals={name}")
        if asked.status_code == 200:
            names.add(name)
    if client.get(f"/devices/{device}/charts/heart_rate_bpm.svg").status_code == 200:
        names.add("heart_rate_bpm")
    return names


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ENGINEER, Role.MANAGER, Role.ADMIN])
def test_no_other_role_sees_how_or_where_a_worker_is(house: House, role: Role) -> None:
    client = signed_in(house, RoleAt(role))
    assert seen(client, "W1") == set()
    assert client.get("/api/v1/devices/W1").json()["latest"]["battery_pct"]["value"] == 64.0
    assert looks(house, "W1") == []


def test_safety_sees_its_own_site_and_each_look_is_told_once(house: House) -> None:
    client = signed_in(house, RoleAt(Role.VIEWER), RoleAt(Role.SAFETY, Scope.SITE, "pudong"))
    assert seen(client, "W1") == set(PERSONAL)
    assert seen(client, "W2") == set()
    assert (looks(house, "W1"), looks(house, "W2")) == (["Li Wei"], [])
    house.clock.ms += LASTS_MS
    client.get("/api/v1/devices/W1")
    assert looks(house, "W1") == ["Li Wei", "Li Wei"]


def test_a_programs_look_is_told_as_well(house: House) -> None:
    client_of(house).get("/api/v1/devices/W1/telemetry")
    assert looks(house, "W1") == ["tests"]
