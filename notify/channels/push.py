"""Web Push: to a browser by its maker's push service, encrypted for it alone; no account is needed."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import orjson

from fleet.clock import SECOND_MS, Clock
from fleet.errors import ConfigError
from fleet.faults import Level
from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster, check_url, refused
from notify.channels.shortening import cut_bytes, one_line

_KEPT_S = 86_400
_SIGNED_S = 12 * 3_600
_TITLE_BYTES, _TEXT_BYTES = 200, 2_000
"""What is sent may have 4,096 bytes when it is encrypted."""
_GONE = (404, 410)


class Push:
    """Sends to browsers; `contact` is how their makers' services reach us.

    `key` returns the private VAPID key (base64url); it is asked for once, when it is first needed.
    """

    kind = ChannelKind.PUSH

    def __init__(
        self, poster: Poster, clock: Clock, key: Callable[[], str], contact: str, *, plain: bool = False
    ) -> None:
        self._poster, self._clock, self._contact, self._plain = poster, clock, contact, plain
        self._key = key

    @cached_property
    def _vapid(self) -> Any:
        return _vapid(self._key())

    @property
    def public_key(self) -> str:
        """What a browser subscribes with (applicationServerKey)."""
        return public_key_of(self._vapid)

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it is a subscription."""
        tests = [
            ("endpoint", lambda url: check_url(url, plain=self._plain)),
            ("p256dh", lambda key: _is_of(key, 65)),
            ("auth", lambda key: _is_of(key, 16)),
        ]
        check_each(self.kind, address, tests)

    def shown(self, address: Mapping[str, str]) -> str:
        """Return by whose service it goes, and what tells one browser from another."""
        endpoint = address.get("endpoint", "")
        try:
            host = urlsplit(endpoint).hostname or ""
        except ValueError:
            host = ""
        return f"{host} ({fingerprint(endpoint)})"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered; `again` is false where the browser is gone."""
        self.check(address)
        endpoint = address["endpoint"]
        headers = self._headers(message, endpoint)
        answer = self._poster.post(endpoint, headers, _encrypted(message, address))
        secrets = [*secrets_of(self.kind, address), urlsplit(endpoint).path, headers["authorization"]]
        if answer.status in _GONE:
            raise NotDelivered(
                f"HTTP {answer.status}: this browser wants no more of these", again=False, gone=True
            )
        if not 200 <= answer.status < 300:
            raise refused(answer, secrets)
        return Receipt(Proof.ACCEPTED, told=f"HTTP {answer.status}")

    def _headers(self, message: Message, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "sub": self._contact,
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": self._clock.now_ms() // SECOND_MS + _SIGNED_S,
        }
        return {
            "authorization": self._vapid.sign(claims)["Authorization"],
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
            "ttl": str(_KEPT_S),
            "urgency": "high" if message.level in (Level.L1, Level.L2) else "normal",
            # A notice that waits at the service is replaced by itself, not doubled.
            "topic": hashlib.sha256(message.key.encode()).hexdigest()[:32],
        }


def _encrypted(message: Message, address: Mapping[str, str]) -> bytes:
    from pywebpush import WebPusher

    said = {
        "key": message.key,
        "title": cut_bytes(one_line(message.title), _TITLE_BYTES),
        "body": cut_bytes(message.text, _TEXT_BYTES),
        "link": message.link,
        "level": message.level,
        "language": message.language,
    }
    keys = {"p256dh": address["p256dh"], "auth": address["auth"]}
    problem: NotDelivered
    try:
        pusher = WebPusher({"endpoint": address["endpoint"], "keys": keys})
        return bytes(pusher.encode(orjson.dumps(said))["body"])
    except Exception:  # whatever its libraries make of keys that are none
        problem = NotDelivered("the browser's keys are none that can be used", again=False)
    raise problem


def _is_of(text: str, length: int) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == length
    except ValueError:
        return False


def check_key(key: str) -> None:
    """Raise ConfigError unless a text is a private key for VAPID."""
    _vapid(key)


def _vapid(key: str) -> Any:
    from py_vapid import Vapid

    problem: ConfigError
    try:
        vapid = Vapid.from_string(key.strip())
        vapid.conf = {"no-strict": True}  # its own check of the contact refuses addresses with a port
        return vapid  # noqa: TRY300 - what fails above is told below
    except Exception:  # its libraries raise many kinds, some with the key in them
        problem = ConfigError(
            "notify.push.vapid_secret: allowed: a private key on P-256, base64url of 32 bytes or DER"
        )
    raise problem


def public_key_of(vapid: Any) -> str:
    """Return the public half of a key, as browsers take it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
