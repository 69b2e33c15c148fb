"""WeCom's robots of groups: believed only where `errcode` is 0; Markdown of 4,096 bytes."""

from collections.abc import Mapping
from urllib.parse import quote

from fleet.notices import ChannelKind, Message, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster
from notify.channels.markdown import as_markdown
from notify.channels.pace import Pace
from notify.channels.robots import MINUTE_S, Codes, is_token, post_json, token_in

URL = "https://qyapi.weixin.qq.com"
A_MINUTE = 20
_MOST_BYTES = 4_096
CODES = Codes(
    ("errcode",),
    ("errmsg",),
    passing={-1: None, 45009: MINUTE_S, 45033: MINUTE_S},
    # The robot is none, or the message is: 93000 and 93008 the key, 40008 and 40058 the form, 45002 length.
    final={93000, 93008, 40008, 40058, 44004, 45002},
)


class WeCom:
    """Speaks to a group through its robot."""

    kind = ChannelKind.WECOM

    def __init__(self, poster: Poster, url: str = URL, pace: Pace | None = None) -> None:
        self._poster, self._url = poster, url.rstrip("/")
        self._pace = pace or Pace(A_MINUTE)

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has a key."""
        check_each(self.kind, address, [("key", is_token("key"))])

    def shown(self, address: Mapping[str, str]) -> str:
        """Return what tells one robot from another."""
        return f"WeCom robot {fingerprint(token_in(address.get('key', ''), 'key'))}"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        key = token_in(address["key"], "key")
        self._pace.take(key)
        body = {"msgtype": "markdown", "markdown": {"content": as_markdown(message, _MOST_BYTES)}}
        answer = post_json(self._poster, f"{self._url}/cgi-bin/webhook/send?key={quote(key, safe='')}", body)
        return CODES.receipt(answer, [*secrets_of(self.kind, address), key])
