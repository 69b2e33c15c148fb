"""What proxies say of those behind them is believed from the named ones alone."""

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.forwarded import Forwarded
from api.reach import LOOPBACK, Reach

PROXIES = (ip_network("10.0.0.0/24"), ip_network("fd00::5"))
PROXY = "10.0.0.2"


def seen(peer: str, reach: Reach, *headers: tuple[str, str]) -> Scope:
    """Return what the application sees of a request from `peer`."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    raw = [(b"host", b"inner:8000"), *((name.lower().encode(), value.encode()) for name, value in headers)]
    scope: dict[str, Any] = {"type": "http", "scheme": "http", "client": (peer, 40_000), "headers": raw}
    asyncio.run(Forwarded(app, reach)(scope, receive, send))
    return found[0]


def facts(scope: Scope) -> tuple[str, str, str]:
    return scope["client"][0], scope["scheme"], dict(scope["headers"])[b"host"].decode()


X = Reach(proxies=PROXIES)
RFC = Reach(proxies=PROXIES, rfc7239=True)
LIE = (
    ("X-Forwarded-For", "1.2.3.4"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.example"),
    ("Forwarded", "for=1.2.3.4;proto=https;host=evil.example"),
)


@pytest.mark.parametrize("reach", [Reach(), X, RFC])
@pytest.mark.parametrize("peer", ["203.0.113.9", "127.0.0.1", "testclient"])
def test_nobody_else_is_believed(peer: str, reach: Reach) -> None:
    scope = seen(peer, reach, *LIE)
    assert facts(scope) == (peer, "http", "inner:8000")
    assert dict(scope["headers"]) == {b"host": b"inner:8000"}, "nothing behind it sees such a header"


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),  # what came in with the request is anybody's word
        ("6.6.6.6, 198.51.100.7, 10.0.0.9", "198.51.100.7"),  # two proxies of ours
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("unknown", PROXY),
        ("6.6.6.6, <script>", PROXY),
        ("6.6.6.6, nonsense, 10.0.0.9", "10.0.0.9"),
    ],
)
def test_the_client_is_the_last_that_no_proxy_of_ours_is(said: str, client: str) -> None:
    scope = seen(PROXY, X, ("X-Forwarded-For", said), ("X-Forwarded-Proto", "HTTPS"))
    assert facts(scope) == (client, "https", "inner:8000")


def test_several_lines_are_one_list() -> None:
    scope = seen(PROXY, X, ("X-Forwarded-For", "6.6.6.6, 198.51.100.7"), ("X-Forwarded-For", "10.0.0.9"))
    assert facts(scope)[0] == "198.51.100.7"


def test_each_hop_has_its_own_scheme_and_host_where_there_are_as_many() -> None:
    told = (("X-Forwarded-For", "198.51.100.7, 10.0.0.9"), ("X-Forwarded-Proto", "https, http"))
    assert facts(seen(PROXY, X, *told, ("X-Forwarded-Host", "a.example"))) == (
        "198.51.100.7",
        "https",
        "a.example",
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("for=198.51.100.7;proto=https;host=a.example", ("198.51.100.7", "https", "a.example")),
        ('For="[2001:db8::1]:99"; Proto=https', ("2001:db8::1", "https", "inner:8000")),
        ("for=6.6.6.6;proto=https, for=198.51.100.7", ("198.51.100.7", "http", "inner:8000")),
        ('for=198.51.100.7;proto=https, for="10.0.0.9"', ("198.51.100.7", "https", "inner:8000")),
        ("for=_hidden;proto=https", (PROXY, "https", "inner:8000")),
        ('for="198.51.100.7, for=6.6.6.6', (PROXY, "http", "inner:8000")),
        ("proto=gopher;host=a b", (PROXY, "http", "inner:8000")),
    ],
)
def test_rfc_7239_is_read_where_it_is_what_the_proxies_write(said: str, expected: tuple[str, ...]) -> None:
    assert facts(seen(PROXY, RFC, ("Forwarded", said))) == expected
    assert facts(seen(PROXY, X, ("Forwarded", said)))[1:] == ("http", "inner:8000"), "the other one is not"


def test_a_header_made_to_be_slow_is_read_at_once() -> None:
    for said in ('"\\' * 8000, '",' * 8000, ";=" * 8000, 'for="' * 8000):
        seen(PROXY, RFC, ("Forwarded", said))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("a.example", True),
        ("b.c.example", True),
        ("x.b.c.example", False),
        ("c.example", False),
        ("127.0.0.1", True),
        ("evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_it_answers_to_its_names_alone(host: str | None, known: bool) -> None:
    reach = Reach(names=LOOPBACK | {"a.example", "*.c.example"})
    assert reach.answers_to(host) is known
