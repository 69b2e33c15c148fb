"""Customers, engineers, parts and lists by the API: what is said, who sees it, and who may overwrite it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, client_of, open_house

from fleet.grants import Permission
from fleet.sites import Site
from storage.records.sites import describe_site

CUSTOMER = {
    "name": {"en": "Hotel", "zh": "酒店"},
    "tier": "A",
    "plan": "gold",
    "contact": {"name": "Ms Chen", "phone": "+86 21 5555", "email": "chen@example.org"},
    "visits": ["weekends"],
}
ENGINEER: dict[str, Any] = {
    "name": "Li Wei",
    "region": "east",
    "phone": "+86 138",
    "skills": ["electrical", "mechanical"],
    "certificates": [{"name": "Electrician", "skill": "electrical", "expires": "2026-11-21"}],
    "training": [{"on": "2026-03-01", "topic": "Batteries", "hours": 8}],
    "shifts": {"mon": ["08:00-12:00", "13:00-17:00"]},
    "home": {"lat": 31.2, "lon": 121.4},
}
MANAGES = (Permission.FLEET_READ, Permission.SERVICE_READ, Permission.SERVICE_MANAGE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        with made.desk.transaction() as session:
            describe_site(session, Site("pudong", customer="hotel", region="east"))
            describe_site(session, Site("jingan", customer="mall", region="west"))
        add_device(made, "R1", site="pudong")
        manager = client_of(made, *MANAGES)
        assert manager.put("/api/v1/customers/hotel", json=CUSTOMER).status_code == 200
        assert manager.put("/api/v1/customers/mall", json={}).status_code == 200
        assert manager.put("/api/v1/engineers/e1", json=ENGINEER).status_code == 200
        yield made


@pytest.fixture
def manager(house: House) -> TestClient:
    return client_of(house, *MANAGES)


def test_what_was_said_is_read_again(manager: TestClient) -> None:
    found = manager.get("/api/v1/customers/hotel")
    assert found.headers["etag"] == '"1"'
    assert {name: found.json()[name] for name in CUSTOMER} == CUSTOMER
    contract = {"customer": "hotel", "plan": "premium", "begins": "2026-01-01", "price": 1200.0}
    kept = manager.put("/api/v1/contracts/K-1", json=contract | {"includes": ["parts"]})
    assert (kept.status_code, kept.json()["runs"], kept.json()["includes"]) == (200, True, ["parts"])
    listed = manager.get("/api/v1/contracts", params={"customer": "hotel"}).json()["items"]
    assert [each["number"] for each in listed] == ["K-1"]
    part = {"name": {"en": "Battery", "zh": ""}, "price": 120.0, "lead_days": 14, "fits": ["CR-200"]}
    part |= {"supplier": "Volt", "warranty_months": 12, "discontinued": True, "replaced_by": "battery-2"}
    part |= {"serialised": True, "lot": 4}
    assert manager.put("/api/v1/parts/battery-pack", json=part).json() == part | {
        "code": "battery-pack",
        "version": 1,
    }
    said = manager.put("/api/v1/regions/east", json={"leader": "e1", "director": "e1"})
    assert said.json()["director"] == "e1"


def test_nobody_overwrites_what_they_have_not_seen(manager: TestClient) -> None:
    address = "/api/v1/customers/spa"
    assert manager.put(address, json={}, headers={"If-None-Match": "*"}).headers["etag"] == '"1"'
    assert manager.put(address, json={}, headers={"If-Match": '"1"'}).headers["etag"] == '"1"', "nothing new"
    assert manager.put(address, json={"tier": "B"}, headers={"If-Match": '"1"'}).headers["etag"] == '"2"'
    refused = manager.put(address, json={"tier": "C"}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.headers["content-type"]) == (412, "application/problem+json")
    assert manager.put(address, json={}, headers={"If-None-Match": "*"}).status_code == 409
    assert manager.put(address, json={}, headers={"If-Match": "x"}).status_code == 422


def test_numbers_and_addresses_are_not_for_viewers(house: House) -> None:
    viewer = client_of(house, Permission.FLEET_READ)
    assert viewer.get("/api/v1/customers/hotel").json()["contact"] is None
    seen = viewer.get("/api/v1/engineers/e1").json()
    hidden = ("phone", "email", "home", "account", "certificates", "training", "due")
    assert [seen[name] for name in hidden] == [None] * len(hidden)
    assert seen["able"] == ["mechanical"]
    assert viewer.get("/api/v1/falls-due").status_code == 403
    assert viewer.get("/api/v1/lists/customers.csv").status_code == 403


def test_one_sees_the_customers_and_engineers_of_ones_sites(house: House) -> None:
    west = client_of(house, *MANAGES, sites=frozenset({"jingan"}))
    assert [each["id"] for each in west.get("/api/v1/customers").json()["items"]] == ["mall"]
    assert west.get("/api/v1/customers/hotel").status_code == 404
    assert west.get("/api/v1/engineers").json()["items"] == []
    assert west.put("/api/v1/customers/mall", json={}).status_code == 403


def test_an_expired_certificate_falls_due_and_is_no_skill(manager: TestClient) -> None:
    one = manager.get("/api/v1/engineers/e1").json()
    assert one["able"] == ["mechanical"]
    assert [(each["kind"], each["about"], each["hours"]) for each in one["due"]] == [
        ("expired", "Electrician", 0.0),
        ("training", "", 16.0),
    ]
    dues = manager.get("/api/v1/falls-due").json()["items"]
    assert [each["kind"] for each in dues] == ["expired", "training"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"skills": ["welding"]}, "is no skill; allowed: consumable, electrical"),
        ({"shifts": {"monday": ["08:00-17:00"]}}, "is no weekday; allowed: mon, tue"),
        ({"shifts": {"mon": ["8-17"]}}, "is no time of the day"),
        ({"leader": "nobody"}, "leader: there is no engineer"),
        ({"leader": "e1"}, 'leader: "e1" is led by "e1"'),
        ({"account": 99}, "account: there is no person 99"),
        ({"phone": "call me"}, "phone"),
        ({"colour": "red"}, "allowed: name, account, region"),
    ],
)
def test_what_cannot_be_is_named(manager: TestClient, change: dict[str, Any], said: str) -> None:
    refused = manager.put("/api/v1/engineers/e1", json=ENGINEER | change)
    assert refused.status_code == 422
    assert said in refused.json()["detail"]


def test_lists_come_in_and_go_out(manager: TestClient, house: House) -> None:
    csv = b"id,tier,contact_phone\nhotel,B,\ninn,D,\n"
    headers = {"Content-Type": "text/csv"}
    dry = manager.post("/api/v1/lists/customers", content=csv, params={"dry_run": True}, headers=headers)
    assert dry.json()["counts"] == {"new": 0, "changed": 1, "unchanged": 0, "refused": 1}
    assert dry.json()["rows"][0]["refusals"] == [
        {"column": "tier", "reason": '"D" is none; allowed: A, B, C'}
    ], "what is refused comes first"
    assert manager.get("/api/v1/customers/hotel").json()["tier"] == "A"
    taken = manager.post("/api/v1/lists/customers", content=csv, headers=headers).json()
    assert taken["taken"] and taken["rows"][1]["changed"] == ["tier", "contact_phone"]
    out = manager.get("/api/v1/lists/customers.csv")
    assert out.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    assert out.content.startswith(b"\xef\xbb\xbfid,name_en")
    assert "hotel,Hotel,酒店,B,gold" in out.text
    assert manager.post("/api/v1/lists/customers", content=b"x\n1\n").status_code == 422
    assert manager.post("/api/v1/lists/nothing", content=csv).status_code == 422
