"""Sites: who may see and describe which, and whose clock their pages have."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import HTML, House, add_device, client_of, csrf_of, signed_in

from fleet.grants import Permission, Role
from fleet.people import RoleAt, Scope

JFK = {
    "name": {"en": "Terminal 4", "zh": "四号航站楼"},
    "region": "east",
    "customer": "ACME",
    "address": "Queens, NY",
    "lat": 40.64,
    "lon": -73.78,
    "zone": "America/New_York",
    "type": "transport",
}


def test_a_site_that_devices_name_is_there_and_can_be_described(house: House, client: TestClient) -> None:
    add_device(house, "R2", site="jfk")
    assert [item["id"] for item in client.get("/api/v1/sites").json()["items"]] == ["hongqiao", "jfk"]
    assert client.get("/api/v1/sites/jfk").json()["zone"] == ""
    made = client.put("/api/v1/sites/jfk", json=JFK)
    assert (made.status_code, made.json()) == (200, {"id": "jfk", **JFK})
    assert client.get("/api/v1/sites/jfk").json() == {"id": "jfk", **JFK}
    assert client.put("/api/v1/sites/still-to-come", json={}).status_code == 200
    assert client.get("/api/v1/sites/nowhere").status_code == 404


def test_pages_of_a_site_have_the_clock_that_was_said_of_it(house: House, client: TestClient) -> None:
    add_device(house, "R2", site="jfk")
    assert "22 Nov 08:00 UTC" in client.get("/devices/R2?lang=en", headers=HTML).text
    client.put("/api/v1/sites/jfk", json=JFK)
    assert "22 Nov 03:00 EST" in client.get("/devices/R2?lang=en", headers=HTML).text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"zone": "Mars/Olympus"}, "zone: "),
        ({"lat": 91}, "lat: "),
        ({"lon": -181}, "lon: "),
        ({"name": {"en": "x"}}, "name.zh: "),
        ({"colour": "blue"}, "colour: unknown"),
        ({"region": "a\0"}, "region: "),
    ],
)
def test_what_cannot_be_said_of_a_site_is_refused(
    client: TestClient, change: dict[str, Any], says: str
) -> None:
    answer = client.put("/api/v1/sites/jfk", json=JFK | change)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(says)


def test_who_has_a_site_describes_that_one_alone(house: House) -> None:
    manager = client_of(house, Permission.FLEET_READ, Permission.SITES_CHANGE, sites=frozenset({"hongqiao"}))
    assert manager.put("/api/v1/sites/hongqiao", json=JFK | {"region": ""}).status_code == 200
    assert manager.put("/api/v1/sites/jfk", json=JFK).status_code == 404
    assert [item["id"] for item in manager.get("/api/v1/sites").json()["items"]] == ["hongqiao"]


def test_only_who_may_act_everywhere_moves_a_site_to_another_region(house: House, client: TestClient) -> None:
    """Roles hold in regions: whoever moves a site gives and takes them."""
    add_device(house, "R2", site="jfk")
    client.put("/api/v1/sites/jfk", json=JFK)
    client.put("/api/v1/sites/lax", json=JFK | {"region": "west"})
    manager = signed_in(
        house, RoleAt(Role.MANAGER, Scope.SITE, "jfk"), RoleAt(Role.SAFETY, Scope.REGION, "west")
    )
    form = {"csrf": csrf_of(manager), "name_en": "T5", "name_zh": "五号航站楼", "region": "west"}
    answer = manager.post("/sites/jfk", data=form, headers=HTML)
    assert answer.status_code == 403
    assert "roles hold in regions" in answer.text
    answer = manager.put(
        "/api/v1/sites/jfk", json=JFK | {"region": "west"}, headers={"X-CSRF-Token": form["csrf"]}
    )
    assert answer.status_code == 403
    assert client.get("/api/v1/sites/jfk").json()["region"] == "east"
    assert (
        manager.post("/sites/jfk", data=form | {"region": "east"}, follow_redirects=False).status_code == 303
    )
