"""The provider by which people sign in (OpenID Connect): authorization code flow with PKCE, nothing else.

State, nonce and verifier follow from one secret that the browser alone holds, so that none of them is stored.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from access.secrets import derived, same
from fleet.clock import SECOND_MS, Clock
from fleet.errors import NotAllowed, ProviderTrouble
from fleet.people import RoleAt
from fleet.text import Text, quoted

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256")
"""With these an identity may be signed: never `none`, and never with a secret that is public (HS256)."""
_PATIENCE_S = 10.0
_KNOWN_S = 3600.0
"""So long what the provider says of itself is good."""
_LEEWAY_S = 60
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Registration:
    """How an installation is known at its provider, and whom of those that it knows it lets in.

    Without more it is whoever was invited. `domains` are e-mail domains whose people come in as
    `domain_role`; `roles` says what a value of the claim `roles_claim` makes of somebody.
    `trusted_with_second_factor`: no code is asked for here.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scopes: str = "openid email profile"
    label: Text = field(default_factory=lambda: Text("Single sign-on", "单点登录"))
    domains: frozenset[str] = frozenset()
    domain_role: RoleAt | None = None
    roles_claim: str = "groups"
    roles: Mapping[str, RoleAt] = field(default_factory=dict)
    trusted_with_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as the provider knows them; `email` is in lower case, None unless it is verified."""

    issuer: str
    subject: str
    email: str | None
    name: str
    roles: tuple[RoleAt, ...] = ()


class Provider:
    """Asks the provider. From any thread; raises ProviderTrouble where it does not answer."""

    def __init__(self, registration: Registration, clock: Clock) -> None:
        self.registration = registration
        self._clock = clock
        self._said: tuple[Mapping[str, Any], float] | None = None
        self._keys: Any = None
        self._lock = threading.Lock()

    def address(self, secret: str, back: str) -> str:
        """Return where a browser that holds `secret` asks the provider, who sends it to `back` after."""
        endpoint = _endpoint(self._metadata(), "authorization_endpoint")
        with self._client(back) as client:
            found: str = client.create_authorization_url(
                endpoint,
                state=derived(secret, "state"),
                nonce=derived(secret, "nonce"),
                code_verifier=derived(secret, "verifier"),
            )[0]
        return found

    def is_answer_to(self, secret: str, state: str) -> bool:
        """Tell whether an answer is one to what this browser asked."""
        return same(state, derived(secret, "state"))

    def check_sender(self, issuer: str | None) -> None:
        """Raise NotAllowed where an answer comes from another provider (RFC 9207)."""
        promised = self._metadata().get("authorization_response_iss_parameter_supported") is True
        if issuer != self.registration.issuer and (promised or issuer is not None):
            raise _not_believed("it comes from another provider")

    def account(self, secret: str, back: str, code: str) -> Account:
        """Return whose the code is that the provider sent. Raises NotAllowed for what cannot be believed."""
        metadata = self._metadata()
        with self._client(back) as client:
            token = client.fetch_token(
                _endpoint(metadata, "token_endpoint"),
                grant_type="authorization_code",
                code=code,
                redirect_uri=back,
                code_verifier=derived(secret, "verifier"),
            )
            claims = self._claims(client, token, derived(secret, "nonce"))
            return self._account(self._more(client, metadata, claims))

    def _claims(self, client: Any, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Return what the identity says, if the provider signed it, for us, now, and for this browser."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        signed = token.get("id_token")
        if not isinstance(signed, str):
            raise _not_believed("it names nobody (no id_token); does oidc.scopes hold openid?")
        ours = self.registration
        try:
            decoded = self._decoded(client, signed)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": ours.issuer},
                    "aud": {"essential": True, "value": ours.client_id},
                    "sub": {"essential": True},
                },
                {"nonce": nonce, "client_id": ours.client_id, "access_token": token.get("access_token")},
            )
            claims.validate(now=self._clock.now_ms() // SECOND_MS, leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _not_believed(str(error)) from error
        return dict(claims)

    def _decoded(self, client: Any, signed: str) -> Any:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        # Pinned here, whatever the provider says that it can: that list is not signed.
        pinned = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(signed, self._key_set(client), registry=pinned)
        except InvalidKeyIdError:  # it has new keys since we asked
            return jwt.decode(signed, self._key_set(client, anew=True), registry=pinned)

    def _key_set(self, client: Any, *, anew: bool = False) -> Any:
        from joserfc.jwk import KeySet

        with self._lock:
            if self._keys is not None and not anew:
                return self._keys
        found = _json(client.request("GET", _endpoint(self._metadata(), "jwks_uri"), withhold_token=True))
        listed = found.get("keys", ())
        keys = [key for key in listed if key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig"]
        key_set = KeySet.import_key_set({"keys": keys})
        with self._lock:
            self._keys = key_set
        return key_set

    def _more(self, client: Any, metadata: Mapping[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        """Add what the provider says of an account elsewhere, where the identity does not hold enough."""
        needed = ["email", *([self.registration.roles_claim] if self.registration.roles else [])]
        if all(name in claims for name in needed) or "userinfo_endpoint" not in metadata:
            return claims
        told = _json(client.get(_endpoint(metadata, "userinfo_endpoint")))
        if told.get("sub") != claims["sub"]:
            raise _not_believed("it speaks of two accounts")
        return told | claims

    def _account(self, claims: Mapping[str, Any]) -> Account:
        ours, subject = self.registration, claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255 or "\0" in subject:
            raise _not_believed("it names nobody (sub)")
        email, verified = claims.get("email"), claims.get("email_verified")
        known = isinstance(email, str) and (verified is True or verified == "true")
        values = claims.get(ours.roles_claim, ())
        named = [values] if isinstance(values, str) else values if isinstance(values, list) else []
        roles = tuple(ours.roles[each] for each in named if isinstance(each, str) and each in ours.roles)
        name = claims.get("name") or claims.get("preferred_username") or ""
        address = str(email).strip().lower() if known else None
        return Account(ours.issuer, subject, address, str(name), tuple(dict.fromkeys(roles)))

    def _metadata(self) -> Mapping[str, Any]:
        """Return what the provider says of itself (OpenID Connect Discovery)."""
        with self._lock:
            if self._said is not None and self._said[1] > monotonic():
                return self._said[0]
        issuer = self.registration.issuer
        with self._client("") as client:
            at = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            found = _json(client.request("GET", at, withhold_token=True))
        if found.get("issuer") != issuer:
            called = quoted(str(found.get("issuer")), 200)
            raise ProviderTrouble(f"oidc.issuer is {issuer}, and the provider calls itself {called}")
        with self._lock:
            self._said = found, monotonic() + _KNOWN_S
        return found

    @contextmanager
    def _client(self, back: str) -> Iterator[Any]:
        """Yield a client of the provider; whatever goes wrong with it is one of our errors."""
        import httpx2
        from authlib.integrations.httpx_client import OAuth2Client, OAuthError

        ours = self.registration
        try:
            with OAuth2Client(
                ours.client_id,
                ours.client_secret,
                token_endpoint_auth_method=self._way_to_say_who_we_are(),
                scope=ours.scopes,
                redirect_uri=back,
                code_challenge_method="S256",
                timeout=_PATIENCE_S,
                verify=_trusted(),
            ) as client:
                yield client
        except OAuthError as error:
            raise _not_believed(str(error.error)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError, AttributeError) as error:
            log.warning("provider %s: %r", ours.issuer, error)
            raise ProviderTrouble(
                "the provider does not answer as it should; try again later, or sign in by password"
            ) from error

    def _way_to_say_who_we_are(self) -> str:
        if not self.registration.client_secret:
            return "none"
        with self._lock:
            said = self._said[0] if self._said else {}
        allowed = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in allowed else "client_secret_post"


@cache
def _trusted() -> Any:
    """Return whose certificates are believed; reading them takes longer than a request."""
    import httpx2

    return httpx2.create_ssl_context()


def is_safe(url: str) -> bool:
    """Tell whether nobody between can read what is said to an address: TLS, or this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    url = metadata.get(name)
    if not isinstance(url, str) or not is_safe(url):
        raise ProviderTrouble(f"the provider names no usable {name}; allowed: https")
    return url


def _json(answer: Any) -> dict[str, Any]:
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


def _not_believed(why: str) -> NotAllowed:
    return NotAllowed(f"what the provider says cannot be believed: {why[:200]}")
