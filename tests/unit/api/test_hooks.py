"""The hook of Alertmanager: its own JSON opens and ends alerts, by tokens, within what they may."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, client_of, open_house, signed_in

from fleet.alerts import EXTERNAL_RULE, Alert
from fleet.grants import Permission

HOOK = "/api/v1/hooks/alertmanager"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        add_device(made, "R1", site="pudong")
        add_device(made, "R2", site="jingan")
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house, Permission.ALERTS_REPORT)


def post(status: str = "firing", *, fingerprint: str = "b5f6c0b1e2d3a4f5", **labels: str) -> dict[str, Any]:
    """Return what Alertmanager posts, whole."""
    names = {"alertname": "DiskFull", "severity": "critical", "instance": "db1:9100", **labels}
    alert = {
        "status": status,
        "labels": names,
        "annotations": {"summary": "Disk of db1 is full", "runbook_url": "https://example.org/disk"},
        "startsAt": "2026-11-22T07:00:00.123456789Z",
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else "2026-11-22T07:30:00Z",
        "generatorURL": "https://prometheus.example.org/graph?g0.expr=up",
        "fingerprint": fingerprint,
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="DiskFull"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "sweepwatch",
        "groupLabels": {"alertname": "DiskFull"},
        "commonLabels": names,
        "commonAnnotations": {},
        "externalURL": "https://alertmanager.example.org",
        "alerts": [alert],
    }


def external(house: House) -> list[Alert]:
    return [one for one in house.alerts.open_alerts() if one.rule == EXTERNAL_RULE]


def test_a_post_opens_an_alert_and_its_resolved_ends_it(house: House, client: TestClient) -> None:
    for _ in range(2):
        answer = client.post(HOOK, json=post())
        assert (answer.status_code, answer.json()) == (200, {"taken": 1, "refused": [], "no_room": 0})
    (alert,) = external(house)
    assert (alert.device_id, alert.level, alert.since) == ("*", "L1", 1_795_330_800_123)
    assert alert.evidence["text"]["zh"] == "DiskFull: Disk of db1 is full"
    (item,) = alert.evidence["items"].values()
    assert item["link"] == "https://prometheus.example.org/graph?g0.expr=up"
    assert item["labels"]["instance"] == "db1:9100"
    assert client.post(HOOK, json=post("resolved")).status_code == 200
    assert external(house) == []


def test_one_alert_that_cannot_be_read_costs_the_others_nothing(house: House, client: TestClient) -> None:
    group = post(note="x" * 9_000, größe="utf-8 names are allowed since Prometheus 3")
    group["alerts"] += [{"status": "firing"}, 7]
    answer = client.post(HOOK, json=group)
    assert (answer.status_code, answer.json()["taken"]) == (200, 1)
    assert [each.split(":")[0] for each in answer.json()["refused"]] == ["alerts.1.startsAt", "alerts.2"]
    assert len(external(house)) == 1
    assert client.post(HOOK, json=group | {"alerts": [7]}).status_code == 422


def test_a_storm_of_another_system_is_taken_whole(house: House, client: TestClient) -> None:
    group = post()
    group["alerts"] = [group["alerts"][0] | {"fingerprint": f"f{number}"} for number in range(5_000)]
    answer = client.post(HOOK, json=group)
    assert answer.json() == {"taken": 5_000, "refused": [], "no_room": 0}
    assert external(house)[0].evidence["count"] == 5_000


def test_a_label_names_the_device_and_one_that_is_none_is_a_disk(house: House, client: TestClient) -> None:
    client.post(HOOK, json=post(device_id="R1", severity="info"))
    client.post(HOOK, json=post(device="sda1", fingerprint="f2"))
    assert [(one.device_id, one.level) for one in external(house)] == [("R1", "L3"), ("*", "L1")]


def test_a_token_of_one_site_reports_of_its_devices_alone(house: House) -> None:
    here, elsewhere = (
        client_of(house, Permission.ALERTS_REPORT, sites=frozenset({site})) for site in ("pudong", "jingan")
    )
    assert elsewhere.post(HOOK, json=post(device_id="R1")).status_code == 403
    assert here.post(HOOK, json=post()).status_code == 403
    assert external(house) == []
    assert here.post(HOOK, json=post(device_id="R1")).status_code == 200
    assert len(external(house)) == 1


def test_another_scope_is_not_enough(house: House) -> None:
    assert client_of(house, Permission.ALERTS_CHANGE).post(HOOK, json=post()).status_code == 403


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": "3"}, "version"),
        ({"alerts": None}, "alerts"),
        ({"alerts": [{"status": "on"}]}, "alerts"),
        ({"alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "yesterday"}]}, "startsAt"),
        (
            {"alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "2026-11-22T07:00:00"}]},
            "startsAt",
        ),
        ({"alerts": [{"status": "firing", "startsAt": "2026-11-22T07:00:00Z"}]}, "fingerprint"),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_names_it(
    house: House, client: TestClient, change: dict[str, Any], named: str
) -> None:
    answer = client.post(HOOK, json=post() | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.text
    assert external(house) == []


def test_no_json_is_a_problem(client: TestClient) -> None:
    answer = client.post(HOOK, content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_texts_of_any_kind_are_taken_and_shown(house: House, client: TestClient) -> None:
    odd = post(team="<script>\x00" * 300)
    odd["alerts"][0]["annotations"] = {"summary": "磁盘已满\x00 <b>" * 400}
    assert client.post(HOOK, json=odd).status_code == 200
    page = client_of(house, Permission.FLEET_READ).get("/api/v1/alerts").json()
    assert page["items"][0]["fault"] == "external"
    assert "磁盘已满" in external(house)[0].evidence["text"]["zh"]


def test_the_console_shows_what_the_other_system_said(house: House, client: TestClient) -> None:
    client.post(HOOK, json=post())
    client.post(HOOK, json=post(fingerprint="f2", device_id="R1", alertname="DoorOpen"))
    page = client_of(house, Permission.FLEET_READ).get("/alerts", headers={"accept": "text/html"}).text
    for shown in (
        "Reported by another system",
        "DiskFull: Disk of db1 is full",
        "DoorOpen",
        "reported for the whole installation",
    ):
        assert shown in page
    assert 'href="/models"' not in page.partition("<table")[2]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_alerts_page_lists_all_that_other_systems_reported_and_its_history_which(
    house: House, client: TestClient, language: str
) -> None:
    client.post(HOOK, json=post())
    client.post(HOOK, json=post(fingerprint="f2", alertname="DoorOpen"))
    client.post(HOOK, json=post(fingerprint="f3", alertname="Fire"))
    client.post(HOOK, json=post("resolved", fingerprint="f3", alertname="Fire"))
    number = next(each.id for each in external(house) if each.device_id == "*")
    page = signed_in(house).get(f"/alerts/{number}?lang={language}", headers={"accept": "text/html"}).text
    heading = {"en": "<h2>History", "zh": "<h2>历史记录"}[language]
    items, _, history = page.partition(heading)
    for each in ("DiskFull: Disk of db1 is full", "DoorOpen", "<code>alertname=DoorOpen</code>"):
        assert each in items, each
    which = {"en": "another system reported: DoorOpen", "zh": "其他系统又上报：DoorOpen"}[language]
    assert which in history
