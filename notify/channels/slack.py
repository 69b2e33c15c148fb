"""Slack's incoming webhooks: taken where the answer is the word `ok`."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from notify.channels.fields import check_each, fingerprint, secrets_of
from notify.channels.http import Poster, refused
from notify.channels.pace import Pace
from notify.channels.robots import post_json
from notify.channels.shortening import cut_characters, one_line

URL = "https://hooks.slack.com/services"
A_MINUTE = 60
_MOST_CHARACTERS = 3_000
"""Of a block of text; a message may have more, and is then folded up."""
_TOKEN = re.compile(r"T\w{4,30}/B\w{4,30}/\w{8,64}", re.ASCII)


class Slack:
    """Speaks to a channel of Slack."""

    kind = ChannelKind.SLACK

    def __init__(self, poster: Poster, url: str = URL, pace: Pace | None = None) -> None:
        self._poster, self._url = poster, url.rstrip("/")
        self._pace = pace or Pace(A_MINUTE)

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has a token."""
        check_each(self.kind, address, [("token", lambda given: _TOKEN.fullmatch(_token(given)) is not None)])

    def shown(self, address: Mapping[str, str]) -> str:
        """Return what tells one webhook from another."""
        return f"Slack webhook {fingerprint(_token(address.get('token', '')))}"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        token = _token(address["token"])
        self._pace.take(token)
        secrets = [*secrets_of(self.kind, address), token]
        answer = post_json(self._poster, f"{self._url}/{token}", _body(message))
        if answer.status != 200:
            raise refused(answer, secrets)
        if answer.body.strip() != b"ok":
            raise NotDelivered("Slack did not answer `ok`", again=True, maybe=True)
        return Receipt(Proof.ACCEPTED, told="ok")


def _token(given: str) -> str:
    given = given.strip()
    try:
        path = urlsplit(given).path if "://" in given else given
    except ValueError:
        return ""
    return path.strip("/").removeprefix("services/")


def _body(message: Message) -> dict[str, object]:
    title, link = _escaped(one_line(message.title)), ""
    if message.link is not None:
        link = f"\n<{_escaped(message.link)}|{'打开' if message.language == 'zh' else 'Open'}>"
    room = _MOST_CHARACTERS - len(link)
    text = cut_characters(f"*{title}*\n{_escaped(message.text)}", room) + link
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return {"text": cut_characters(title, 150), "blocks": [block], "unfurl_links": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
