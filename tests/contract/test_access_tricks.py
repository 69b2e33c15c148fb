"""No spelling of an address, no other method and no header opens what its own route keeps shut."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import unquote

import pytest
from helpers.api import NOW, House, add_device, client_of, open_house, raise_alert
from starlette.types import Message

from fleet.clock import DAY_MS
from fleet.grants import Permission

SECRET = "brush_jam"
"""What only those see who may: it stands in each answer that was let through."""
GUARDED = (
    "/api/v1/devices/R1",
    "/api/v1/devices",
    "/api/v1/alerts",
    "/",
    "/devices/R1",
    "/metrics",
    "/people",
)
CHANGES = (
    ("POST", "/api/v1/alerts/1/resolve", b'{"reason": "now"}'),
    ("POST", "/api/v1/tokens", b'{"name": "t", "scopes": ["fleet:read"]}'),
    ("PATCH", "/api/v1/devices/R1", b'{"model": "CR-999"}'),
    ("DELETE", "/api/v1/tokens/1", b""),
)
SHUT = (303, 400, 401, 403, 404, 405, 422)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as made:
        add_device(made, "R1", risk=0.9, fault=SECRET, risk_ts=NOW)
        raise_alert(made, "R1", SECRET, 0.9)
        yield made


def ask(house: House, method: str, raw_path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    """Ask as uvicorn hands a request on: the path decoded once, the query apart."""
    path, _, query = raw_path.partition("?")
    sent: list[Message] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    given = {"host": "127.0.0.1:8000", "content-type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(house.app(scope, receive, send))
    text = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
    return sent[0]["status"], text.decode(errors="replace")


def spellings(path: str) -> Iterator[str]:
    """Yield other ways to write a path, of which some server once took one for the same."""
    inner = path.strip("/")
    yield from (path + "/", path + "//", "//" + inner, path + "%00", path + "%2e", path + "/.", path + ";x=1")
    yield from (
        path.upper(),
        path + "%20",
        path + ".json",
        path + "%23",
        path + "\\",
        path + "%5c..%5chealthz",
    )
    for door in ("healthz", "sign-in", "static", "enter"):
        yield from (
            f"/{door}/../{inner}",
            f"/{door}/%2e%2e/{inner}",
            f"/{door}/..%2f{inner}",
            f"/{door}/;/{inner}",
        )
        yield f"/{door}//{inner}"
    if inner:
        first, *rest = inner
        yield f"/%{ord(first):02x}{''.join(rest)}"
        yield path.replace("/", "%2f").replace("%2f", "/", 1)
        yield path.replace("/", "/./").replace("/./", "/", 1)
        yield f"/%25{ord(first):02x}{''.join(rest)}"


@pytest.mark.parametrize("path", GUARDED)
def test_no_spelling_of_a_path_opens_it(house: House, path: str) -> None:
    for other, method in product(spellings(path), ("GET", "HEAD")):
        status, text = ask(house, method, other)
        # `/enter/...` and `/static/...` answer for themselves: that there is no such link or file.
        assert status in SHUT, (other, status)
        assert SECRET not in text, other
        assert "R1" not in text.replace(unquote(other), "").replace(other, ""), (other, text[:300])


@pytest.mark.parametrize("path", GUARDED)
def test_no_method_reads_what_get_may_not(house: House, path: str) -> None:
    for method in ("HEAD", "OPTIONS", "TRACE", "CONNECT", "POST", "PUT", "get", "Get", "PROPFIND", "X" * 100):
        status, text = ask(house, method, path)
        assert status in SHUT, (method, status)
        assert SECRET not in text, method
    assert ask(house, "HEAD", path)[1] == ""


OVERRIDES = (
    {"x_http_method_override": "{}"},
    {"x_http_method": "{}"},
    {"x_method_override": "{}"},
    {"x_original_url": "/healthz"},
    {"x_rewrite_url": "/healthz"},
    {"x_forwarded_prefix": "/healthz"},
    {"x_user_id": "1", "x_remote_user": "admin", "remote_user": "admin"},
    {"x_forwarded_for": "127.0.0.1", "x_real_ip": "127.0.0.1", "forwarded": "for=127.0.0.1"},
)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_no_override_makes_one_method_another(house: House, method: str, path: str, body: bytes) -> None:
    reader = client_of(house, Permission.INGEST_READ).headers["authorization"]
    query = f"{path}?_method={method}&_HttpMethod={method}&method={method}"
    for shown, override in product(({}, {"authorization": reader}), OVERRIDES):
        headers = {name: value.format(method) for name, value in override.items()}
        for used, where in product(("GET", "POST", method), (path, query)):
            status, _ = ask(house, used, where, body, **shown, **headers)
            assert status in SHUT, (used, where, override, status)
    events = client_of(house).get("/api/v1/devices/R1").json()
    assert events["model"] == "CR-200", "nothing was changed"
    assert client_of(house).get("/api/v1/alerts").json()["items"][0]["state"] != "resolved"


def test_a_method_override_changes_nothing_for_those_who_may(house: House) -> None:
    everything = client_of(house).headers["authorization"]
    for header in ("x_http_method_override", "x_http_method", "x_method_override"):
        status, _ = ask(
            house, "GET", "/api/v1/devices/R1?_method=PATCH", authorization=everything, **{header: "PATCH"}
        )
        assert status == 422, "an unknown parameter is refused, and the header is none of ours"
        status, text = ask(house, "GET", "/api/v1/devices/R1", authorization=everything, **{header: "DELETE"})
        assert (status, "CR-200" in text) == (200, True)


def test_a_repeated_header_or_parameter_opens_nothing(house: House) -> None:
    token = client_of(house, Permission.FLEET_READ).headers["authorization"]
    house.clock.ms += DAY_MS
    for shown in (f"Bearer sw_x, {token}", f"{token},Bearer sw_x", f"Basic {token}", f"bearer\t{token[7:]}"):
        assert ask(house, "GET", "/api/v1/devices", authorization=shown)[0] == 401, shown
    assert ask(house, "GET", "/api/v1/devices?limit=1&limit=2", authorization=token)[0] in (200, 422)
    assert ask(house, "GET", f"/api/v1/devices?access_token={token[7:]}")[0] == 401
    house.clock.ms = NOW
