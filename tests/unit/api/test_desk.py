"""Tickets and alerts through the API: lists, changes with a reason, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from helpers.api import add_device, client_of, open_house, raise_alert


@contextmanager
def one_ticket(folder: Path) -> Iterator[TestClient]:
    """Yield a client of a house with two devices, one alert and its ticket."""
    with open_house(folder) as house:
        add_device(house, "R1", site="pudong")
        add_device(house, "R2")
        raise_alert(house, "R1", "brush_jam", 0.9)
        yield client_of(house)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with one_ticket(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Yield a client for tests that change nothing: one house for all of them."""
    with one_ticket(tmp_path_factory.mktemp("house")) as made:
        yield made


def test_a_ticket_in_the_list_has_what_scripts_rely_on(reader: TestClient) -> None:
    (item,) = reader.get("/api/v1/tickets").json()["items"]
    assert (item["device_id"], item["fault"], item["level"]) == ("R1", "brush_jam", "L2")
    assert (item["origin"], item["state"]) == ("proactive", "opened")
    assert item["opened_at"] == "2026-11-22T08:00:00.000Z"
    assert item["due"] == "2026-11-22T12:00:00.000Z"
    assert item["evidence"]["drivers"][0]["signal"] == "brush_current_a"


def test_a_ticket_shows_its_clocks_events_and_next_states(reader: TestClient) -> None:
    answer = reader.get("/api/v1/tickets/1")
    shown = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert [clock["milestone"] for clock in shown["clocks"]] == ["respond", "on_site"]
    assert [event["after"] for event in shown["events"]] == ["opened"]
    assert shown["allowed"] == ["accepted", "cancelled"]
    assert shown["part"] == "brush-bearing"


def test_a_change_of_state_is_kept_with_who_and_why(client: TestClient) -> None:
    change = {"state": "accepted", "reason": "free this afternoon", "who": "li.wei"}
    changed = client.patch("/api/v1/tickets/1", json=change, headers={"If-Match": '"1"'})
    assert changed.status_code == 200
    assert changed.headers["etag"] == '"2"'
    last = client.get("/api/v1/tickets/1").json()["events"][-1]
    assert (last["before"], last["after"]) == ("opened", "accepted")
    assert (last["who"], last["why"]) == ("li.wei", "free this afternoon")


@pytest.mark.parametrize(
    ("change", "headers", "status", "says"),
    [
        ({"state": "cancelled"}, {}, 422, "a reason is required and must not be blank"),
        ({"state": "cancelled", "reason": "  "}, {}, 422, "a reason is required and must not be blank"),
        ({"state": "accepted", "reason": "a\0"}, {}, 422, "a reason must not contain a NUL"),
        (
            {"state": "accepted", "reason": "a", "who": "b" * 65},
            {},
            422,
            "who: at most 64 characters",
        ),
        ({"state": "accepted", "reason": "a", "who": ""}, {}, 422, "who: must not be blank"),
        ({"state": "mended", "reason": "x"}, {}, 422, "state: Input should be 'opened', 'accepted'"),
        (
            {"state": "accepted", "reason": "x", "mood": "good"},
            {},
            422,
            "mood: unknown; allowed: state, reason",
        ),
        ({"state": "repaired", "reason": "x"}, {}, 409, "a ticket that is opened cannot become repaired"),
        ({"state": "accepted", "reason": "x"}, {"If-Match": '"7"'}, 412, "ticket 1 is at version 1, not 7"),
        ({"state": "accepted", "reason": "x"}, {"If-Match": "seven"}, 422, 'If-Match: "seven" is no ETag'),
    ],
)
def test_a_refused_change_says_why_and_leaves_the_ticket(
    reader: TestClient, change: dict[str, str], headers: dict[str, str], status: int, says: str
) -> None:
    answer = reader.patch("/api/v1/tickets/1", json=change, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith(says)
    assert reader.get("/api/v1/tickets/1").json()["version"] == 1


def test_a_repaired_ticket_says_what_was_wrong_and_its_closing_ends_the_alert(client: TestClient) -> None:
    for state in ("accepted", "en_route", "repairing"):
        client.patch("/api/v1/tickets/1", json={"state": state, "reason": "next"})
    without = client.patch("/api/v1/tickets/1", json={"state": "repaired", "reason": "done"})
    assert without.status_code == 422
    assert "confirmed_fault" in without.json()["detail"]
    done = {"state": "repaired", "reason": "done", "confirmed_fault": "brush_wear"}
    assert client.patch("/api/v1/tickets/1", json=done).json()["confirmed_fault"] == "brush_wear"
    client.patch("/api/v1/tickets/1", json={"state": "confirmed", "reason": "customer agrees"})
    assert client.get("/api/v1/alerts/1").json()["state"] == "resolved"
    assert client.get("/api/v1/tickets/1").json()["due"] is None


def test_a_reported_fault_opens_one_ticket_however_often_it_is_sent(client: TestClient) -> None:
    report = {"device_id": "R2", "fault": "water_leak", "reason": "water in the lobby"}
    first = client.post("/api/v1/tickets", json=report)
    again = client.post("/api/v1/tickets", json=report)
    assert first.status_code == 201
    assert first.headers["location"] == f"/api/v1/tickets/{first.json()['id']}"
    assert first.json()["origin"] == "reported"
    assert again.json()["id"] == first.json()["id"]
    assert len(client.get("/api/v1/tickets?origin=reported").json()["items"]) == 1


@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({"device_id": "nobody", "fault": "water_leak", "reason": "x"}, 404),
        ({"device_id": "R2", "fault": "worker_fall", "reason": "x"}, 422),
        ({"device_id": "R2", "fault": "rust", "reason": "x"}, 422),
        ({"device_id": "R2", "reason": "x"}, 422),
    ],
)
def test_a_report_that_cannot_be_is_refused(reader: TestClient, report: dict[str, str], status: int) -> None:
    assert reader.post("/api/v1/tickets", json=report).status_code == status


def test_tickets_are_filtered_and_paged(client: TestClient) -> None:
    client.post("/api/v1/tickets", json={"device_id": "R2", "fault": "water_leak", "reason": "seen"})
    for state in ("accepted", "cancelled"):
        client.patch("/api/v1/tickets/2", json={"state": state, "reason": "a mistake"})
    for fault in ("wheel_slip", "brush_wear"):
        client.post("/api/v1/tickets", json={"device_id": "R2", "fault": fault, "reason": "seen"})
    ids, cursor = [], ""
    while cursor is not None:
        query = f"?limit=1&device=R2&cursor={cursor}" if cursor else "?limit=1&device=R2"
        page = client.get(f"/api/v1/tickets{query}").json()
        ids += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert ids == [3, 2]
    assert [t["id"] for t in client.get("/api/v1/tickets?site=pudong").json()["items"]] == [1]
    assert [t["fault"] for t in client.get("/api/v1/tickets?level=L2&device=R2").json()["items"]] == [
        "water_leak"
    ]
    both = client.get("/api/v1/tickets?state=opened&state=accepted").json()["items"]
    assert len(both) == 2
    assert client.get("/api/v1/tickets?state=accepted").json()["items"] == []
    for fault in ("wheel_slip", "brush_wear"):
        assert [t["id"] for t in client.get(f"/api/v1/tickets?fault={fault}").json()["items"]] == [3]


def test_a_case_names_all_that_it_suspects(client: TestClient) -> None:
    client.post("/api/v1/tickets", json={"device_id": "R1", "fault": "filter_clog", "reason": "dusty"})
    (item,) = client.get("/api/v1/tickets").json()["items"]
    assert (item["kind"], item["fault"], item["faults"]) == (
        "repair",
        "brush_jam",
        ["brush_jam", "filter_clog"],
    )
    suspicions = [(each["fault"], each["alert_id"], each["state"]) for each in item["suspicions"]]
    assert suspicions == [("brush_jam", 1, "suspected"), ("filter_clog", None, "suspected")]
    shown = client.get("/api/v1/tickets/1").json()
    assert shown["parts"] == ["brush-bearing", "hepa-filter"]
    assert [(e["what"], e["by"]["kind"], e["who"]) for e in shown["events"]] == [
        ("opened", "model", "risk"),
        ("joined", "token", "tests"),
    ]


def test_a_repair_names_several_faults_and_says_it_once(client: TestClient) -> None:
    for state in ("accepted", "en_route", "repairing"):
        client.patch("/api/v1/tickets/1", json={"state": state, "reason": "next"})
    twice = {"state": "repaired", "reason": "done", "confirmed_fault": "brush_jam", "confirmed_faults": []}
    answer = client.patch("/api/v1/tickets/1", json=twice)
    assert (answer.status_code, "give one of them" in answer.json()["detail"]) == (422, True)
    done = {"state": "repaired", "reason": "done", "confirmed_faults": ["brush_jam", "water_leak"]}
    shown = client.patch("/api/v1/tickets/1", json=done).json()
    assert (shown["confirmed_fault"], shown["confirmed_faults"]) == ("brush_jam", ["brush_jam", "water_leak"])
    assert [each["state"] for each in shown["suspicions"]] == ["confirmed", "confirmed"]


def test_what_a_repair_defers_gets_a_ticket_of_its_own(client: TestClient) -> None:
    for state in ("accepted", "en_route", "repairing"):
        client.patch("/api/v1/tickets/1", json={"state": state})
    both = {"state": "repaired", "confirmed_faults": ["brush_jam"], "deferred_faults": ["brush_jam"]}
    answer = client.patch("/api/v1/tickets/1", json=both)
    assert (answer.status_code, "brush_jam was mended as well" in answer.json()["detail"]) == (422, True)
    alone = client.patch("/api/v1/tickets/1", json={"state": "waiting_part", "deferred_faults": []})
    assert alone.status_code == 422
    done = both | {"deferred_faults": ["filter_clog"]}
    shown = client.patch("/api/v1/tickets/1", json=done).json()
    assert (shown["confirmed_faults"], shown["deferred_faults"]) == (["brush_jam"], ["filter_clog"])
    assert [each["follow_up"] for each in shown["suspicions"]] == [None, None]
    shown = client.patch("/api/v1/tickets/1", json={"state": "confirmed"}).json()
    assert [(each["state"], each["follow_up"]) for each in shown["suspicions"]] == [
        ("confirmed", None),
        ("deferred", 2),
    ]
    assert shown["events"][-1]["what"] == "follow_up"
    follow_up = client.get("/api/v1/tickets/2").json()
    assert (follow_up["fault"], follow_up["state"], follow_up["origin"], follow_up["parts"]) == (
        "filter_clog",
        "opened",
        "proactive",
        ["hepa-filter"],
    )
    assert follow_up["evidence"] == {"source": "found", "ticket": 1}
    again = client.patch("/api/v1/tickets/1", json={"state": "confirmed"})
    assert again.status_code == 409


def test_an_objection_keeps_open_what_cleared_itself(client: TestClient) -> None:
    objection = {"reason": "it squeaks", "who": "li.wei"}
    early = client.post("/api/v1/tickets/1/keep-open", json=objection)
    assert (early.status_code, early.json()["detail"]) == (409, "ticket 1 does not ask to be closed")
    client.post("/api/v1/alerts/1/resolve", json={"reason": "nothing there"})
    assert client.get("/api/v1/tickets/1").json()["closes_at"] == "2026-11-23T08:00:00.000Z"
    kept = client.post("/api/v1/tickets/1/keep-open", json=objection).json()
    assert (kept["closes_at"], kept["events"][-1]["what"]) == (None, "kept_open")
    assert kept["events"][-1]["by"] == {"kind": "token", "id": "1", "name": "li.wei"}


def test_an_alert_is_acknowledged_once_and_ended_by_hand(client: TestClient) -> None:
    (item,) = client.get("/api/v1/alerts").json()["items"]
    assert (item["device_id"], item["fault"], item["state"]) == ("R1", "brush_jam", "firing")
    assert {"id", "rule", "level", "since", "reason"} <= set(item)
    change = {"reason": "on it", "who": "li.wei"}
    assert client.post("/api/v1/alerts/1/acknowledge", json=change).json()["state"] == "acknowledged"
    assert client.post("/api/v1/alerts/1/acknowledge", json=change).status_code == 409
    assert client.post("/api/v1/alerts/1/resolve", json=change).json()["state"] == "resolved"
    assert client.get("/api/v1/alerts?state=firing&state=acknowledged").json()["items"] == []


@pytest.mark.parametrize("path", ["/api/v1/tickets/99", "/api/v1/alerts/99"])
def test_what_does_not_exist_is_a_404(reader: TestClient, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "99" in answer.json()["detail"]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9223372036854775808"])
def test_a_number_that_cannot_be_one_is_refused(reader: TestClient, number: str) -> None:
    assert reader.get(f"/api/v1/tickets/{number}").status_code == 422
