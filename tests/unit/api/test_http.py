"""What HTTP itself asks for: bounded bodies, HEAD, legal values, examples that are what they show."""

import json
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from fastapi.testclient import TestClient
from helpers.api import House, add_device, client_of, furnish, open_house
from helpers.routes import routes_of
from jsonschema import Draft202012Validator

from api.body_limit import MAX_BODY_BYTES
from api.params import NO_PERSONS
from api.queries.devices import DeviceQuery
from fleet.faults import FAULTS
from storage.records.paging import encode_cursor
from sweepwatch.run.server import WebServer, listen


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R0001")
        yield made


@pytest.fixture
def client(house: House) -> TestClient:
    return client_of(house)


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("furnished")) as made:
        furnish(made)
        yield made


# Bodies


@pytest.fixture
def port(house: House) -> Iterator[int]:
    listener = listen("127.0.0.1", 0)
    with WebServer(house.app, listener):
        yield listener.getsockname()[1]


def send(port: int, head: str, body: Iterator[bytes]) -> tuple[bytes, int]:
    """Send a request until it is answered; return the answer's beginning, and how many bytes were taken."""
    request = f"POST /api/v1/tickets HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n\r\n".encode()
    sent = 0
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        connection.setblocking(False)
        for part in body:
            view = memoryview(part)
            while view and not answer:
                with suppress(BlockingIOError):
                    answer = connection.recv(4096)
                try:
                    taken = connection.send(view) if not answer else len(view)
                except BlockingIOError:
                    continue
                sent += taken
                view = view[taken:]
            if answer:
                break
        connection.settimeout(20)
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
    return answer, sent


CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
JSON_TYPE = "Content-Type: application/json\r\n"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(port: int) -> None:
    answer, sent = send(port, f"{JSON_TYPE}Content-Length: {150 * 2**20}", iter([b"{"]))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert sent <= 1


def test_a_body_of_unknown_length_is_refused_when_it_has_become_too_large(port: int) -> None:
    answer, sent = send(port, f"{JSON_TYPE}Transfer-Encoding: chunked", (CHUNK for _ in range(2400)))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert sent < 32 * 2**20, "what the sockets' own buffers hold, and the limit: not 150 MB"


def test_a_body_longer_than_it_said_is_not_read_on(port: int) -> None:
    body = b'{"device_id": "R0001"}'
    answer, _ = send(port, f"{JSON_TYPE}Content-Length: {len(body) - 1}", iter([body, b"x" * 2**21]))
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 422 "))


def test_a_body_just_within_the_limit_is_read(client: TestClient) -> None:
    for size, status in ((MAX_BODY_BYTES, 422), (MAX_BODY_BYTES + 1, 413)):
        body = b'"' + b"x" * (size - 2) + b'"'
        answer = client.post("/api/v1/tickets", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"


# HEAD


def addresses(house: House) -> list[str]:
    given = {
        "device_id": "R0007",
        "ticket_id": "1",
        "alert_id": "1",
        "rollout_id": "1",
        "site_id": "hongqiao",
        "command_id": "none",
        "key": "none",
        "model_id": "none",
        "signal": "battery_pct",
        "fault": "brush_jam",
        "secret": "none",
    }
    document = house.app.openapi()["paths"]
    found = {path for path, item in document.items() if "get" in item} | {
        route.path_format for route in routes_of(house.app) if "GET" in route.methods
    }
    return sorted({path.format_map(defaultdict(lambda: "1", given)) for path in found})


def test_head_answers_as_get_does_on_every_address(furnished: House) -> None:
    client = client_of(furnished)
    tried = addresses(furnished)
    assert len(tried) > 20
    for path in [*tried, "/api/v1/openapi.json", "/static/console.css", "/nothing"]:
        got, head = client.get(path), client.head(path)
        assert (path, head.status_code) == (path, got.status_code)
        assert head.headers["content-type"] == got.headers["content-type"]
        assert head.content == b""


def test_what_takes_no_get_takes_no_head_and_says_what_it_takes(client: TestClient) -> None:
    answer = client.put("/api/v1/tickets")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert client.head("/api/v1/alerts/1/resolve").status_code == 405


# Values


@pytest.mark.parametrize(
    "query",
    [
        "devices?status=asleep",
        "devices?kind=toaster",
        "devices?sort=colour",
        "devices?fault=none",
        "models?state=best",
        "alerts?state=open",
        "alerts?level=L9",
        "tickets?state=new",
        "tickets?origin=mail",
        "ingest/quarantine?reason=bad",
        "ingest/dropped-values?reason=bad",
    ],
)
def test_a_value_that_an_enumeration_does_not_have_is_refused_with_those_it_has(
    client: TestClient, query: str
) -> None:
    answer = client.get(f"/api/v1/{query}")
    assert answer.status_code == 422
    name = query.partition("?")[2].partition("=")[0]
    assert answer.json()["errors"][0]["name"].startswith(name)


@pytest.mark.parametrize(
    "query",
    [
        "devices?q=%00",
        "devices?site=%00",
        "devices?model=a%00b",
        "alerts?device=%00",
        "alerts?rule=%00",
        "tickets?site=%00",
        "ingest/gaps?device=%00",
        "ingest/quarantine?device=%00",
        "ingest/dropped-values?device=%00",
        "ingest/dropped-values?signal=%00",
        "visits?site=%00",
    ],
)
def test_text_with_a_nul_is_found_nowhere(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/v1/{query}")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "after", [[{}, "R1"], ["x", "R1"], [0.5, None], [0.5, 7], [0.5, "R\0"], [2**70, "R1"]]
)
def test_a_forged_cursor_is_refused_whatever_it_holds(client: TestClient, after: list[Any]) -> None:
    cursor = encode_cursor(DeviceQuery(limit=1).query(), after)
    assert client.get("/api/v1/devices", params={"limit": 1, "cursor": cursor}).status_code == 422


@pytest.mark.parametrize("name", [*sorted(NO_PERSONS), *FAULTS, " Risk "])
def test_nobody_passes_for_the_platform(client: TestClient, name: str) -> None:
    body = {"device_id": "R0001", "fault": "brush_jam", "reason": "it squeals", "who": name}
    answer = client.post("/api/v1/tickets", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "who")


# Examples


def examples(part: Any, place: str = "#") -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Yield every example of a document with its schema."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from examples(one, f"{place}/{number}")
    if not isinstance(part, dict):
        return
    if "example" in part and "schema" in part:
        yield place, part["schema"], part["example"]
    if isinstance(part.get("examples"), list) and ("type" in part or "anyOf" in part or "$ref" in part):
        yield from ((place, part, one) for one in part["examples"])
    for name, one in part.items():
        if name not in ("example", "examples"):
            yield from examples(one, f"{place}/{name}")


def test_every_example_of_the_document_fits_its_schema(client: TestClient) -> None:
    document = client.get("/api/v1/openapi.json").json()
    tried = list(examples(document))
    assert len(tried) > 60
    wrong = [
        f"{place}: {error.message}"
        for place, schema, example in tried
        for error in Draft202012Validator(
            # References are from the document's root.
            {**schema, "components": document["components"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        ).iter_errors(example)
    ]
    assert not wrong, json.dumps(wrong, indent=1)
