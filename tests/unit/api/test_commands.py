"""Commands over the API and on the device's page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, client_of, csrf_of, open_house, signed_in

from access.devices.commands import Commands
from fleet.clock import MINUTE_MS
from fleet.commands import Reply, ReplyState
from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope

DOCK = {"command": "dock", "reason": "it blocks the door"}
FIRMWARE = {"version": "2.1", "url": "https://me:pw@fw.example/a?key=1", "sha256": "a" * 64, "size": 7}
HERE = "/api/v1/devices/R1/commands"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        for device, site in (("R1", "pudong"), ("R2", "pudong"), ("R3", "jingan")):
            add_device(made, device, site=site)
        add_device(made, "T1", kind="tool", site="pudong")
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house, *Permission)


def commands_of(house: House) -> Commands:
    made: Commands = house.app.state.services.commands
    return made


def test_a_command_is_ordered_shown_listed_and_taken_back(client: TestClient) -> None:
    made = client.post(HERE, json=DOCK)
    assert made.status_code == 201
    item = made.json()
    assert (item["state"], item["why"], item["sent_at"]) == ("queued", DOCK["reason"], None)
    assert item["expires_at"] == "2026-11-22T08:10:00.000Z"
    where = made.headers["location"]
    assert client.get(where).json() == item
    assert client.get(HERE).json()["items"] == [item]
    assert client.get(where.replace("R1", "R2")).status_code == 404
    taken_back = client.post(f"{where}/cancel", json={"reason": "it moved"})
    assert (taken_back.status_code, taken_back.json()["state"]) == (200, "cancelled")
    assert client.post(f"{where}/cancel", json={"reason": "again"}).status_code == 409


def test_commands_are_listed_page_by_page_the_newest_first(client: TestClient, house: House) -> None:
    ids = []
    for _ in range(3):
        ids.append(client.post(HERE, json=DOCK).json()["id"])
        house.clock.advance(1)
    page = client.get(HERE, params={"limit": 2}).json()
    rest = client.get(HERE, params={"limit": 2, "cursor": page["next_cursor"]}).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_a_key_is_good_for_one_command_of_one_device(client: TestClient) -> None:
    key = {"Idempotency-Key": "k1"}
    first, again = (client.post(HERE, json=DOCK, headers=key).json()["id"] for _ in range(2))
    other = client.post("/api/v1/devices/R2/commands", json=DOCK, headers=key).json()
    assert first == again != other["id"]
    assert other["device_id"] == "R2"
    assert client.post(HERE, json=DOCK | {"reason": "else"}, headers=key).status_code == 422


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"command": "explode"}, "allowed: dock"),
        ({"reason": ""}, "reason"),
        ({"params": {"x": 1}}, "takes none"),
        ({"expires_in_s": 9}, "expires_in_s"),
        ({"expires_in_s": 2_592_001}, "expires_in_s"),
        ({"command": "set_parameter", "params": {"name": "volume_pct", "value": 101}}, "0 to 100"),
        ({"more": 1}, "more"),
    ],
)
def test_what_cannot_be_ordered_is_named(client: TestClient, body: dict[str, Any], named: str) -> None:
    answer = client.post(HERE, json=DOCK | body)
    assert answer.status_code == 422
    assert named in answer.text
    assert client.get(HERE).json()["items"] == []


def test_an_engineer_sends_and_does_not_configure_and_a_foreign_site_is_not_found(house: House) -> None:
    engineer = signed_in(house, RoleAt(Role.ENGINEER, Scope.SITE, "pudong"))
    engineer.headers["X-CSRF-Token"] = csrf_of(engineer)
    assert engineer.post(HERE, json=DOCK).status_code == 201
    parameter = {"command": "set_parameter", "params": {"name": "volume_pct", "value": 1}, "reason": "x"}
    assert engineer.post(HERE, json=parameter).status_code == 403
    assert engineer.post("/api/v1/commands", json=parameter | {"device_ids": ["R1"]}).status_code == 403
    assert engineer.post("/api/v1/devices/R3/commands", json=DOCK).status_code == 404
    assert engineer.get("/api/v1/devices/R3/commands").status_code == 404
    bulk = engineer.post("/api/v1/commands", json=DOCK | {"device_ids": ["R3"]}).json()
    assert (bulk["ordered"], bulk["refusals"][0]["reason"]) == (0, 'there is no device "R3"')


def test_an_engineer_cannot_take_back_what_a_manager_configured(house: House, client: TestClient) -> None:
    offered = client.post(HERE, json={"command": "offer_firmware", "params": FIRMWARE, "reason": "x"})
    engineer = client_of(house, Permission.FLEET_READ, Permission.COMMANDS_SEND)
    where = offered.headers["location"]
    assert engineer.post(f"{where}/cancel", json={"reason": "no"}).status_code == 403
    assert engineer.get(where).json()["params"]["url"] == "https://fw.example/a"


def test_many_are_told_at_once_by_name_or_by_filter(client: TestClient) -> None:
    named = client.post("/api/v1/commands", json=DOCK | {"device_ids": ["R1", "T1", "R1", "R9"]})
    assert named.status_code == 201
    assert [one["device_id"] for one in named.json()["commands"]] == ["R1"]
    assert {one["device_id"] for one in named.json()["refusals"]} == {"T1", "R9"}
    found = client.post("/api/v1/commands", json=DOCK | {"filter": {"site": "pudong", "kind": "robot"}})
    assert (found.json()["ordered"], found.json()["refused"]) == (2, 0)
    for body in ({}, {"filter": {}}, {"device_ids": []}, {"device_ids": ["R1"], "filter": {"kind": "robot"}}):
        assert client.post("/api/v1/commands", json=DOCK | body).status_code == 422


def test_the_page_orders_shows_and_takes_back(house: House) -> None:
    browser = signed_in(house, RoleAt(Role.MANAGER))
    csrf = csrf_of(browser)
    form = {"csrf": csrf, "command": "dock", "why": "storm"}
    sent = browser.post("/devices/R1/commands", data=form, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/devices/R1#commands")
    page = browser.get("/devices/R1").text
    assert "return to the dock" in page
    assert 'data-refresh="2"' in page
    assert "等待发送" in browser.get("/devices/R1?lang=zh").text
    house.clock.advance(5 * MINUTE_MS)
    assert 'data-refresh="30"' in browser.get("/devices/R1?lang=en").text
    refused = browser.post("/devices/R1/commands", data={**form, "command": "set_parameter", "value": "x"})
    assert refused.status_code == 422
    assert "params.name" in refused.text
    command = client_of(house, *Permission).get(HERE).json()["items"][0]["id"]
    browser.post(f"/devices/R1/commands/{command}/cancel", data={"csrf": csrf, "why": "over"})
    assert "taken back" in browser.get("/devices/R1").text


def test_an_answer_shows_with_its_words(house: House, client: TestClient) -> None:
    command = client.post(HERE, json=DOCK).json()["id"]
    commands_of(house).take_replies([Reply("R1", command, ReplyState.REFUSED, NOW, "it is <stuck>")])
    assert client.get(f"{HERE}/{command}").json()["reason"] == "it is <stuck>"
    page = signed_in(house, RoleAt(Role.VIEWER)).get("/devices/R1").text
    assert "it is &lt;stuck&gt;" in page
    assert 'name="command"' not in page, "a viewer orders nothing"
