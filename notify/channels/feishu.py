"""Feishu's bots of groups: signed, and believed only where `code` is 0."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fleet.clock import SECOND_MS, Clock
from fleet.notices import ChannelKind, Message, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster
from notify.channels.pace import Pace
from notify.channels.robots import MINUTE_S, Codes, is_token, post_json, token_in
from notify.channels.shortening import cut_bytes, one_line

URL = "https://open.feishu.cn"
A_MINUTE = 100
_MOST_BYTES = 18_000
"""A request may have 20 KB."""
_TITLE_BYTES = 400
CODES = Codes(
    ("code", "StatusCode"),
    ("msg", "StatusMessage"),
    passing={11232: MINUTE_S, 99991400: MINUTE_S, 9499: MINUTE_S},
    # 19001 the token, 19002 the form, 19021 the signature, 19022 our address, 19024 the keywords
    final={19001, 19002, 19021, 19022, 19024},
)


class Feishu:
    """Speaks to a group through its bot."""

    kind = ChannelKind.FEISHU

    def __init__(self, poster: Poster, clock: Clock, url: str = URL, pace: Pace | None = None) -> None:
        self._poster, self._clock, self._url = poster, clock, url.rstrip("/")
        self._pace = pace or Pace(A_MINUTE)

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has a token."""
        check_each(self.kind, address, [("token", is_token(None))])

    def shown(self, address: Mapping[str, str]) -> str:
        """Return what tells one bot from another."""
        return f"Feishu bot {fingerprint(token_in(address.get('token', ''), None))}"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        token = token_in(address["token"], None)
        self._pace.take(token)
        body: dict[str, Any] = {
            "msg_type": "post",
            "content": {"post": {_LOCALE[message.language]: _post(message)}},
        }
        secrets = [*secrets_of(self.kind, address), token]
        if address.get("secret"):
            at = self._clock.now_ms() // SECOND_MS
            body |= {"timestamp": str(at), "sign": signed(address["secret"], at)}
            secrets.append(str(body["sign"]))
        answer = post_json(self._poster, f"{self._url}/open-apis/bot/v2/hook/{quote(token, safe='')}", body)
        return CODES.receipt(answer, secrets)


_LOCALE = {"en": "en_us", "zh": "zh_cn"}


def _post(message: Message) -> dict[str, Any]:
    lines: list[list[dict[str, str]]] = [
        [{"tag": "text", "text": line}] for line in cut_bytes(message.text, _MOST_BYTES).splitlines()
    ]
    if message.link is not None:
        lines.append(
            [{"tag": "a", "text": "打开" if message.language == "zh" else "Open", "href": message.link}]
        )
    return {"title": cut_bytes(one_line(message.title), _TITLE_BYTES), "content": lines}


def signed(secret: str, at: int) -> str:
    """Return Feishu's signature: HMAC-SHA256 over nothing, by time (epoch s) and secret, base64."""
    made = hmac.new(f"{at}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
