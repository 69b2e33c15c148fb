"""Whom a request comes from, where proxies stand between: they say so in headers, and only they are believed.

uvicorn's own reads neither RFC 7239's header nor X-Forwarded-Host, and of several lines the last alone.
"""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.reach import Reach, plain_address

_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port")
_SCHEMES = frozenset({"http", "https"})
_HOST = re.compile(r"[A-Za-z0-9._\-\[\]:]{1,255}")
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]+)\s*')
_MOST_HOPS = 32


@dataclass(frozen=True, slots=True)
class _Hop:
    """What one proxy wrote: the address that it was asked from, and how."""

    address: str
    scheme: str | None = None
    host: str | None = None


class Forwarded:
    """ASGI middleware: the client, the scheme and the host of a request are those before the proxies.

    Walking back from us, every hop that a trusted proxy wrote down is believed, up to the first that is not a
    trusted proxy itself: that is the client. Whatever else such headers say is of no effect, and nothing
    behind this sees them.
    """

    def __init__(self, app: ASGIApp, reach: Reach) -> None:
        self._app = app
        self._reach = reach

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            told = Headers(scope=scope)
            scope = dict(scope)
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name not in _HEADERS]
            peer = (scope.get("client") or ("", 0))[0]
            scope["client"] = (plain_address(peer) or peer, (scope.get("client") or ("", 0))[1])
            if self._reach.trusts(peer):
                self._believe(scope, told)
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, told: Headers) -> None:
        hops = _rfc7239(told) if self._reach.rfc7239 else _x_forwarded(told)
        client, believed = scope["client"][0], None
        for hop in reversed(hops[-_MOST_HOPS:]):
            believed = hop
            address = plain_address(hop.address)
            if address is None:  # `unknown`, or rubbish: whoever wrote it is the last we know
                break
            client = address
            if not self._reach.trusts(address):
                break
        scope["client"] = (client, 0)
        if believed is None:
            return
        if believed.scheme in _SCHEMES:
            scope["scheme"] = believed.scheme
        if believed.host is not None and _HOST.fullmatch(believed.host):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", believed.host.encode()), *others]


def _x_forwarded(told: Headers) -> list[_Hop]:
    """Return the hops of the X-Forwarded headers, as many as there are addresses."""
    addresses = _listed(told, "x-forwarded-for") or ["unknown"]
    schemes = _for_each(_listed(told, "x-forwarded-proto"), len(addresses))
    hosts = _for_each(_listed(told, "x-forwarded-host"), len(addresses))
    hops = zip(addresses, schemes, hosts, strict=True)
    return [_Hop(address, scheme and scheme.lower(), host) for address, scheme, host in hops]


def _for_each(found: list[str], hops: int) -> list[str | None]:
    """Return one value for each hop: where there are not as many, the one next to us is that of all."""
    return [*found] if len(found) == hops else [found[-1] if found else None] * hops


def _listed(told: Headers, name: str) -> list[str]:
    return [part.strip() for line in told.getlist(name) for part in line.split(",") if part.strip()]


def _rfc7239(told: Headers) -> list[_Hop]:
    """Return the hops of the Forwarded header; what cannot be read ends what is known."""
    hops: list[_Hop] = []
    for line in told.getlist("forwarded"):
        for element in _split(line, ","):
            pairs = [_PAIR.fullmatch(pair) for pair in _split(element, ";") if pair.strip()]
            known = {pair[1].lower(): _unquoted(pair[2]) for pair in pairs if pair is not None}
            scheme = known.get("proto", "").lower() or None
            hops.append(_Hop(known.get("for", "unknown"), scheme, known.get("host")))
    return hops


def _split(text: str, at: str) -> list[str]:
    """Split a text where it is not within quotes."""
    # Possessive, so that nothing is tried twice: who sends the text may mean it to be slow.
    return re.findall(rf'(?:[^{at}"]|"(?:[^"\\]|\\.?)*+(?:"|$))++', text)


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
