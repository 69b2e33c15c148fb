"""DingTalk's robots of groups: signed, and believed only where `errcode` is 0."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from fleet.clock import Clock
from fleet.notices import ChannelKind, Message, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster
from notify.channels.markdown import as_markdown
from notify.channels.pace import Pace
from notify.channels.robots import MINUTE_S, Codes, is_token, post_json, token_in
from notify.channels.shortening import cut_bytes, one_line

URL = "https://oapi.dingtalk.com"
A_MINUTE = 20
_MOST_BYTES = 20_000
_TITLE_BYTES = 200
_SHUT_OUT_S = 600.0
CODES = Codes(
    ("errcode",),
    ("errmsg",),
    # -1: busy; 130101 and 410100: too fast, shut out for ten minutes
    passing={-1: None, 130101: _SHUT_OUT_S, 410100: _SHUT_OUT_S, 90018: MINUTE_S, 88: None},
    # The robot is none, or off; its keywords, addresses or signature are not met; the group is gone.
    final={300001, 300005, 310000, 400013, 400101, 400102, 400105, 400106, 430101, 430102, 430103, 430104},
)


class DingTalk:
    """Speaks to a group through its robot."""

    kind = ChannelKind.DINGTALK

    def __init__(self, poster: Poster, clock: Clock, url: str = URL, pace: Pace | None = None) -> None:
        self._poster, self._clock, self._url = poster, clock, url.rstrip("/")
        self._pace = pace or Pace(A_MINUTE)

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has a token."""
        check_each(self.kind, address, [("token", is_token("access_token"))])

    def shown(self, address: Mapping[str, str]) -> str:
        """Return what tells one robot from another."""
        return f"DingTalk robot {fingerprint(token_in(address.get('token', ''), 'access_token'))}"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        token = token_in(address["token"], "access_token")
        self._pace.take(token)
        asked = f"{self._url}/robot/send?access_token={quote(token, safe='')}"
        secrets = [*secrets_of(self.kind, address), token]
        if address.get("secret"):
            now = self._clock.now_ms()
            signature = signed(address["secret"], now)
            secrets.append(signature)
            asked += f"&timestamp={now}&sign={quote(signature, safe='')}"
        markdown = {
            "title": cut_bytes(one_line(message.title), _TITLE_BYTES),
            "text": as_markdown(message, _MOST_BYTES),
        }
        body = {"msgtype": "markdown", "markdown": markdown, "msgUuid": message.key}
        return CODES.receipt(post_json(self._poster, asked, body), secrets)


def signed(secret: str, at: int) -> str:
    """Return DingTalk's signature: HMAC-SHA256 over time (epoch ms) and secret, by the secret, base64."""
    made = hmac.new(secret.encode(), f"{at}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode()
