"""Errors as problems, guards, health, figures, ledger, quarantine and the OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import NOW, House, client_of, open_house
from jsonschema import Draft202012Validator

from fleet.errors import StoreRefused, StoreUnavailable
from storage.records.quarantine import Evidence, Quarantine


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Yield a client for tests that change nothing: one house for all of them."""
    with open_house(tmp_path_factory.mktemp("house")) as made:
        yield client_of(made)


def test_an_unknown_route_and_a_wrong_method_are_problems(reader: TestClient) -> None:
    lost, wrong = reader.get("/api/v1/robots"), reader.delete("/api/v1/tickets")
    assert (lost.status_code, wrong.status_code) == (404, 405)
    assert "/api/v1/robots" in lost.json()["detail"]
    assert "allowed: GET, HEAD, POST" in wrong.json()["detail"]
    assert wrong.headers["allow"] == "GET, HEAD, POST"
    for answer in (lost, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) >= {"type", "title", "status", "detail"}


def test_a_body_that_is_not_json_is_a_problem(reader: TestClient) -> None:
    answer = reader.post(
        "/api/v1/tickets", content=b'{"device_id": ', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("body: not valid JSON")


def test_a_store_that_is_away_is_a_503_that_says_when_to_try_again(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("store: connection refused")

    monkeypatch.setattr(house.store, "latest", away)
    answer = client.get("/api/v1/devices/R1")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["detail"] == "store: connection refused"


def test_a_store_that_refuses_us_is_a_503_that_says_what_to_do(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise StoreRefused("store: bucket not found; run `sweepwatch store init`")

    monkeypatch.setattr(house.store, "latest", refused)
    answer = client.get("/api/v1/devices/R1")
    assert (answer.status_code, "store init" in answer.json()["detail"]) == (503, True)


def test_a_fault_of_ours_is_a_500_that_tells_nothing_of_our_insides(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(house.store, "latest", broken)
    answer = client.get("/api/v1/devices/R1")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[::1", "localhost@evil"]
)
def test_a_foreign_host_is_refused(reader: TestClient, host: str) -> None:
    answer = reader.get("/api/v1/devices", headers={"host": host})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000"])
def test_this_machine_is_served(reader: TestClient, host: str) -> None:
    assert reader.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"}, False),
        ({"origin": "http://127.0.0.1:8000"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "http://127.0.0.1:9999"}, True),
        ({"origin": "null"}, True),
    ],
)
def test_a_change_asked_for_by_another_sites_page_is_refused(
    client: TestClient, headers: dict[str, str], refused: bool
) -> None:
    report = {"device_id": "R1", "fault": "water_leak", "reason": "seen"}
    answer = client.post("/api/v1/tickets", json=report, headers=headers)
    assert answer.status_code == (403 if refused else 201)
    assert len(client.get("/api/v1/tickets").json()["items"]) == (0 if refused else 1)


def test_every_answer_forbids_scripts_of_others_and_framing(reader: TestClient) -> None:
    for path in ("/", "/api/v1/devices", "/static/console.css", "/nowhere"):
        headers = reader.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_readiness_names_each_component(client: TestClient, house: House) -> None:
    assert client.get("/readyz").json() == {
        "status": "ready",
        "components": {"store": "ok", "desk": "ok", "ingest": "ok", "broker": "ok"},
    }
    house.wrong["broker"] = "cannot reach mqtt://127.0.0.1:1883"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["components"]["broker"] == "cannot reach mqtt://127.0.0.1:1883"
    assert answer.json()["components"]["store"] == "ok"
    assert client.get("/healthz").json() == {"status": "ok"}


def test_the_figures_are_in_prometheus_text(reader: TestClient) -> None:
    answer = reader.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "sweepwatch_build_info{" in answer.text


def test_figures_that_are_asked_for_by_name_come_alone(reader: TestClient) -> None:
    text = reader.get("/metrics?name[]=sweepwatch_build_info&name[]=sweepwatch_tickets_open").text
    named = {line.split("{")[0] for line in text.splitlines() if not line.startswith("#")}
    assert "sweepwatch_build_info" in named
    assert named <= {"sweepwatch_build_info", "sweepwatch_tickets_open"}
    assert reader.get("/metrics?name[]=nothing").text == ""


def test_the_ledger_adds_up_and_is_missing_where_nothing_is_ingested(
    client: TestClient, house: House
) -> None:
    ledger = client.get("/api/v1/ingest/ledger").json()
    assert ledger["received"] == ledger["written"] + ledger["duplicate"] + ledger["quarantined"]
    assert ledger["since"] == "2026-11-22T07:00:00.000Z"
    assert ledger["quarantined_by_reason"] == {"bad_json": 3}
    house.ledger.clear()
    assert client.get("/api/v1/ingest/ledger").status_code == 503


def test_the_quarantine_is_shown_searched_and_paged(client: TestClient, house: House) -> None:
    topic = "sweepwatch/v1/s1/robot/R1/telemetry"
    Quarantine(house.desk).add(
        [Evidence(topic, "R1", "bad_json", "no JSON", b"\xff%d" % n, NOW + n) for n in range(3)]
    )
    page = client.get("/api/v1/ingest/quarantine?device=R1&reason=bad_json&limit=2").json()
    assert page["items"][0]["payload"] == "/zI="
    assert page["evicted"] == 0
    rest = client.get(
        f"/api/v1/ingest/quarantine?device=R1&reason=bad_json&limit=2&cursor={page['next_cursor']}"
    )
    assert len(rest.json()["items"]) == 1
    assert rest.json()["next_cursor"] is None
    assert client.get("/api/v1/ingest/quarantine?device=R2").json()["items"] == []
    assert client.get("/api/v1/ingest/quarantine?reason=rust").status_code == 422
    for cursor in ("x", "1", "1.2", f"{page['next_cursor']}x"):
        assert client.get(f"/api/v1/ingest/quarantine?cursor={cursor}").status_code == 422, cursor
    other = client.get(f"/api/v1/ingest/quarantine?device=R2&cursor={page['next_cursor']}")
    assert "cursor" in other.json()["detail"]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


NOT_JSON = {
    "application/pdf",
    "text/csv",
    "application/octet-stream",
    "image/jpeg",
    "message/rfc822",
    "multipart/form-data",
}
"""Files and messages, as they are."""


def test_every_operation_is_described_with_an_example_that_fits_its_schema(reader: TestClient) -> None:
    document = reader.get("/api/v1/openapi.json").json()
    seen = 0
    for name, operation in _operations(document):
        assert operation.get("description"), name
        parts = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
        parts += [operation["requestBody"]] if "requestBody" in operation else []
        for part in parts:
            content = part.get("content", {}).get("application/json")
            if content is None:
                other = set(part.get("content", {}))
                plain = other and other <= NOT_JSON
                assert plain or name.endswith("/metrics") or part is operation["responses"].get("204"), name
                continue
            assert "example" in content, name
            schema = content.get("schema", {})
            Draft202012Validator({**schema, "components": document["components"]}).validate(
                content["example"]
            )
            seen += 1
    assert seen >= 17


def test_the_document_shows_errors_as_problems(reader: TestClient) -> None:
    document = reader.get("/api/v1/openapi.json").json()
    for name, operation in _operations(document):
        for code, answer in operation["responses"].items():
            if code >= "400":
                assert list(answer["content"]) == ["application/problem+json"], (name, code)
    assert "HTTPValidationError" not in json.dumps(document["paths"])
