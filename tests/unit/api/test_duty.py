"""On-call duty over HTTP: who is on call, gaps, overrides, and a plan that is checked and applied."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, add_device, client_of

from fleet.clock import DAY_MS, HOUR_MS, to_rfc3339
from fleet.grants import Permission
from storage.records.people import add_person

PLAN = """\
schedules:
  - name: night
    zone: Asia/Shanghai
    sites: [hongqiao]
    layers:
      - {name: main, people: [ada@x.org, bo@x.org], start: 2026-11-16, every: week,
         handover: mon 08:00, hours: "18:00-08:00"}
"""
URL = "/api/v1/duty"


@pytest.fixture
def planned(house: House, client: TestClient) -> TestClient:
    """Return a client of a house with a plan. It is 16:00 on Sunday in Shanghai, Ada's week."""
    with house.desk.transaction() as session:
        for email, name in (("ada@x.org", "Ada"), ("bo@x.org", "Bo")):
            add_person(session, email, name, NOW, [])
    answer = client.post(f"{URL}/plan", json={"text": PLAN, "after": 0, "reason": "first plan"})
    assert answer.status_code == 201, answer.text
    return client


def items(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{URL}{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_before_the_first_plan_nothing_is_scheduled(client: TestClient) -> None:
    assert client.get(f"{URL}/plan").json() == {
        "number": 0,
        "text": "",
        "made_at": None,
        "made_by": None,
        "why": None,
    }
    assert items(client, "/now") == items(client, "/calendar") == items(client, "/plan/versions") == []


def test_now_names_who_is_on_call_or_when_the_next_shift_begins(planned: TestClient) -> None:
    (gap,) = items(planned, "/now")
    evening = to_rfc3339(NOW + 2 * HOUR_MS)
    assert gap == {
        "schedule": "night",
        "zone": "Asia/Shanghai",
        "person": None,
        "why": "no_layer",
        "by": "",
        "missing": None,
        "until": evening,
        "back": evening,
    }
    (held,) = items(planned, "/now", at=evening)
    assert (held["person"]["name"], held["why"], held["by"]) == ("Ada", "rotation", "main")


def test_a_calendar_has_the_gaps_too(planned: TestClient) -> None:
    (night,) = items(planned, "/calendar", **{"from": NOW, "to": NOW + DAY_MS})
    assert [(span["person"] or {}).get("name") for span in night["spans"]] == [None, "Ada", None]
    assert night["spans"][0]["begins"] == to_rfc3339(NOW)
    assert night["spans"][-1]["ends"] == to_rfc3339(NOW + DAY_MS)
    (weeks,) = items(planned, "/calendar")
    assert weeks["spans"][-1]["ends"] == to_rfc3339(NOW + 14 * DAY_MS)
    for ends in (NOW, NOW + 94 * DAY_MS):
        assert planned.get(f"{URL}/calendar", params={"from": NOW, "to": ends}).status_code == 422


def test_an_override_is_made_once_and_ended(planned: TestClient, house: House) -> None:
    body = {"schedule": "night", "person": "bo@x.org", "begins": NOW, "ends": NOW + DAY_MS, "reason": "swap"}
    made, again = (
        planned.post(f"{URL}/overrides", json=body, headers={"Idempotency-Key": "k1"}) for _ in range(2)
    )
    assert (made.status_code, made.json()) == (201, again.json())
    assert made.json()["person"]["name"] == "Bo"
    assert [each["id"] for each in items(planned, "/overrides")] == [made.json()["id"]]
    assert items(planned, "/now")[0]["person"]["name"] == "Bo"
    ended = planned.post(f"{URL}/overrides/{made.json()['id']}/end", json={"reason": "back"})
    assert (ended.status_code, ended.json()["ended_at"]) == (200, to_rfc3339(NOW))
    assert items(planned, "/now")[0]["person"] is None
    assert planned.post(f"{URL}/overrides/{made.json()['id']}/end", json={"reason": "x"}).status_code == 409


def test_a_plan_with_mistakes_is_refused_and_a_check_lists_them(planned: TestClient) -> None:
    wrong = PLAN.replace("every: week", "every: fortnight").replace("sites: [hongqiao]", "site: [x]")
    checked = planned.post(f"{URL}/plan/check", json={"text": wrong}).json()
    assert checked["usable"] is False
    assert [each.split(":")[1] for each in checked["mistakes"]] == ["2"]
    assert (
        'unknown key "site"; allowed: name, zone, layers, holidays, sites, regions; did you mean sites?'
        in (checked["mistakes"][0])
    )
    refused = planned.post(f"{URL}/plan", json={"text": wrong, "after": 1, "reason": "x"})
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith("plan:2: schedules.night: unknown key")
    assert planned.post(f"{URL}/plan/check", json={"text": PLAN}).json() == {"usable": True, "mistakes": []}


def test_whoever_read_another_version_is_told(planned: TestClient) -> None:
    stale = planned.post(f"{URL}/plan", json={"text": PLAN, "after": 0, "reason": "x"})
    assert stale.status_code == 409
    second = planned.post(f"{URL}/plan", json={"text": "{}", "after": 1, "reason": "none needed"})
    assert (second.status_code, second.json()["number"]) == (201, 2)
    assert [each["number"] for each in items(planned, "/plan/versions")] == [2, 1]
    assert planned.get(f"{URL}/plan/versions/1").json()["text"] == PLAN
    assert planned.get(f"{URL}/plan/versions/3").status_code == 404


def test_a_manager_of_the_site_overrides_and_the_plan_is_not_theirs(
    planned: TestClient, house: House
) -> None:
    add_device(house, "R2", site="jingan")
    may = (Permission.FLEET_READ, Permission.DUTY_CHANGE)
    body = {"schedule": "night", "person": None, "begins": NOW, "ends": NOW + DAY_MS, "reason": "closed"}
    for site, status in (("hongqiao", 201), ("jingan", 404)):
        manager = client_of(house, may[1], sites=frozenset({site}))
        assert manager.post(f"{URL}/overrides", json=body).status_code == status
        assert manager.get(f"{URL}/plan").status_code == 403
        seen = client_of(house, may[0], sites=frozenset({site}))
        assert len(items(seen, "/now")) == (status == 201)
