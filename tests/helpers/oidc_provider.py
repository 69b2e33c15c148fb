"""A provider of identities (OpenID Connect) on 127.0.0.1, that can be told to lie in every way we know.

It serves discovery, keys, authorize, token and userinfo, with real signatures and PKCE.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fleet.clock import Clock

CLIENT, SECRET = "sweepwatch", "a secret of the tests"


@dataclass
class OidcProvider:
    """What it says of whom: `claims` are of whoever signs in; `algorithm` and `lies` bend the identity."""

    issuer: str
    clock: Clock
    claims: dict[str, Any] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    error: str = ""
    down: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    rsa: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    ec: Any = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "two"}))

    def discovery(self) -> dict[str, Any]:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        return said | self.metadata

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent with the answer."""
        self.asked.append(query)
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        answer = {"state": query["state"], "iss": self.issuer}
        if self.error:
            answer |= {"error": self.error}
        else:
            code = f"code-{len(self.asked)}"
            self.codes[code] = query
            answer |= {"code": code}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        known = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '+')}".encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization not in (f"Basic {known}", f"Basic {plain}"):
            return 401, {"error": "invalid_client"}
        query = self.codes.pop(form.get("code", ""), None)
        if query is None or query["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        made = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if _base64(made) != query["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        answer = {"access_token": "access", "token_type": "Bearer", "expires_in": 300}
        return 200, answer | {"id_token": self.identity(query["nonce"])}

    def identity(self, nonce: str) -> str:
        now = self.clock.now_ms() // 1000
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce}
        claims |= self.claims | self.lies
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm in ("none", "HS256"):
            head = {"alg": self.algorithm, "typ": "JWT", "kid": "one"}
            body = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
            # signed with what everybody can read, or not at all
            public = self.rsa.as_pem(private=False)
            made = hmac.new(public, body.encode(), hashlib.sha256).digest()
            return f"{body}.{_base64(made) if self.algorithm == 'HS256' else ''}"
        key = self.ec if self.algorithm == "ES256" else self.rsa
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, claims, key, algorithms=[self.algorithm])

    def keys(self) -> dict[str, Any]:
        return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in (self.rsa, self.ec)]}


def _base64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    provider: OidcProvider

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        if self.provider.down:
            self._answer(500, b"<h1>broken</h1>")
        elif place.path == "/.well-known/openid-configuration":
            self._json(self.provider.discovery())
        elif place.path == "/keys":
            self._json(self.provider.keys())
        elif place.path == "/userinfo":
            self._json(self.provider.userinfo)
        elif place.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(query))
            self.end_headers()
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        status, answer = self.provider.token(form, self.headers.get("authorization", ""))
        self._json(answer, status)

    def _json(self, content: dict[str, Any], status: int = 200) -> None:
        self._answer(status, json.dumps(content).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def open_provider(clock: Clock) -> Iterator[OidcProvider]:
    """Yield a provider that listens on a free port of this machine."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider = OidcProvider(f"http://127.0.0.1:{server.server_port}", clock)
    handler.provider = provider  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
