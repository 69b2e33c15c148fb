"""Webhooks: a message as a CloudEvent (structured JSON), signed so that its receiver can tell it is ours.

Headers: `Sweepwatch-Timestamp` (epoch s), `Sweepwatch-Signature` (`v1=` and, in hex, HMAC-SHA256 by the
secret over timestamp, "." and body), `Idempotency-Key` (the same each time the same notice comes). A receiver
compares in constant time, and refuses what is older than some minutes.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson

from fleet.clock import SECOND_MS, Clock
from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster, check_url, refused
from notify.channels.unsaid import unsaid
from notify.cloudevents import CONTENT_TYPE, cloud_event

_GONE = 410
_SHORTEST_SECRET = 16


class Webhook:
    """Posts to programs of others; `plain`: by http:// too."""

    kind = ChannelKind.WEBHOOK

    def __init__(self, poster: Poster, clock: Clock, *, plain: bool = False) -> None:
        self._poster, self._clock, self._plain = poster, clock, plain

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has an address and a secret."""
        tests = [
            ("url", lambda url: check_url(url, plain=self._plain)),
            ("secret", lambda secret: len(secret) >= _SHORTEST_SECRET),
        ]
        check_each(self.kind, address, tests)

    def shown(self, address: Mapping[str, str]) -> str:
        """Return the host alone: the path of a webhook is as good as a password."""
        url = address.get("url", "")
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        return f"{host} ({fingerprint(url)})"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        body = orjson.dumps(_event(message))
        at = self._clock.now_ms() // SECOND_MS
        signature = signed(address["secret"], at, body)
        headers = {
            "content-type": CONTENT_TYPE,
            "sweepwatch-timestamp": str(at),
            "sweepwatch-signature": signature,
            "idempotency-key": message.key,
        }
        answer = self._poster.post(address["url"], headers, body)
        secrets = _hidden(address, signature)
        if answer.status == _GONE:
            raise NotDelivered("HTTP 410: its receiver wants no more of these", again=False)
        if not 200 <= answer.status < 300:
            raise refused(answer, secrets)
        told = f"HTTP {answer.status} {answer.body.decode('utf-8', 'replace')}"
        return Receipt(Proof.ACCEPTED, told=unsaid(told, secrets))


def _hidden(address: Mapping[str, str], signature: str) -> list[str]:
    parts = urlsplit(address["url"])
    return [*secrets_of(ChannelKind.WEBHOOK, address), parts.path, parts.query, signature]


def _event(message: Message) -> dict[str, object]:
    data = {
        "title": message.title,
        "text": message.text,
        "language": message.language,
        "level": message.level,
        "link": message.link,
        "facts": dict(message.facts),
        "picture_png": base64.b64encode(message.picture).decode() if message.picture else None,
    }
    return cloud_event(message.key, "sweepwatch.notice", message.at, message.key, data)


def signed(secret: str, at: int, body: bytes) -> str:
    """Return the signature of a body that is sent at a time (epoch s)."""
    return "v1=" + hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
