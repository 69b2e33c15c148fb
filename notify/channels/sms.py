"""Short messages by any gateway that takes HTTP: a template makes its body, a path reads its answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import orjson

from fleet.notices import ChannelKind, Message, NotDelivered, Proof, Receipt
from notify.channels.fields import check_each
from notify.channels.http import Answer, Poster, refused
from notify.channels.shortening import cut_characters, one_line
from notify.channels.unsaid import unsaid

_PHONE = re.compile(r"\+[1-9]\d{6,14}")
_PLACE = re.compile(r"\{(phone|text|key|secret)\}")


@dataclass(frozen=True, slots=True)
class Gateway:
    """How a gateway is asked, and how it says yes.

    `body` is a template of JSON or of a form; {phone}, {text}, {key} and {secret} stand for what is sent.
    `secret` goes where {secret} stands, in the body or in the header `authorization`. `accepted` is a
    JMESPath over the answer that is `accepted_value` where the message was taken; without it an HTTP 2xx only
    says that it was handed over. `reference` is a path to the gateway's own number of a message.
    """

    url: str = field(repr=False)
    body: str = field(repr=False)
    format: Literal["json", "form"] = "json"
    authorization: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    accepted: str | None = None
    accepted_value: str = "0"
    reference: str | None = None
    longest: int = 140


class Sms:
    """Sends short messages: the title, and the link where there is room."""

    kind = ChannelKind.SMS

    def __init__(self, poster: Poster, gateway: Gateway) -> None:
        self._poster, self._gateway = poster, gateway

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless it has a number."""
        check_each(
            self.kind, address, [("phone", lambda given: _PHONE.fullmatch(_number(given)) is not None)]
        )

    def shown(self, address: Mapping[str, str]) -> str:
        """Return the number without its middle: it is somebody's own."""
        phone = _number(address.get("phone", ""))
        return f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 9 else "****"

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over. Raises NotDelivered."""
        self.check(address)
        gateway = self._gateway
        phone = _number(address["phone"])
        secret = gateway.secret or ""
        values = {
            "phone": phone,
            "text": short(message, gateway.longest),
            "key": message.key,
            "secret": secret,
        }

        def filled(template: str) -> str:
            return _PLACE.sub(lambda found: values[found[1]], template)

        headers = {"content-type": _TYPES[gateway.format], "idempotency-key": message.key}
        if gateway.authorization is not None:
            headers["authorization"] = filled(gateway.authorization)
        answer = self._poster.post(gateway.url, headers, _body(gateway, filled))
        return self._receipt(answer, [secret, phone, address["phone"], headers.get("authorization", "")])

    def _receipt(self, answer: Answer, secrets: list[str]) -> Receipt:
        gateway = self._gateway
        if not 200 <= answer.status < 300:
            raise refused(answer, secrets)
        told = unsaid(answer.body.decode("utf-8", "replace"), secrets)
        if gateway.accepted is None:
            return Receipt(Proof.HANDED_OVER, told=told)
        if answer.json is None:
            raise NotDelivered("the gateway's answer is no JSON, and says nothing", again=True, maybe=True)
        if _as_text(_at(gateway.accepted, answer.json)) != gateway.accepted_value:
            raise NotDelivered(f"the gateway refuses it: {told}", again=True)
        reference = _as_text(_at(gateway.reference, answer.json)) if gateway.reference else ""
        return Receipt(Proof.ACCEPTED, unsaid(reference, secrets), told)


_TYPES = {"json": "application/json; charset=utf-8", "form": "application/x-www-form-urlencoded"}


def short(message: Message, longest: int) -> str:
    """Return the title and the link in at most so many characters; the link alone is never cut."""
    title = one_line(message.title)
    link = f" {message.link}" if message.link is not None and len(message.link) + 12 <= longest else ""
    return cut_characters(title, longest - len(link)) + link


def check_gateway(gateway: Gateway) -> None:
    """Raise ValueError unless body and paths can be used."""
    import jmespath

    _body(gateway, lambda template: template)
    if "{phone}" not in gateway.body or "{text}" not in gateway.body:
        raise ValueError("{phone} and {text} have to stand in the body")
    for path in (gateway.accepted, gateway.reference):
        if path is not None:
            jmespath.compile(path)


def _body(gateway: Gateway, filled: Callable[[str], str]) -> bytes:
    """Return the body; what is filled in cannot add a key, whatever stands in it."""
    if gateway.format == "form":
        pairs = parse_qsl(gateway.body, keep_blank_values=True, strict_parsing=True)
        return urlencode([(name, filled(value)) for name, value in pairs]).encode()
    return orjson.dumps(_each_text(orjson.loads(gateway.body), filled))


def _each_text(value: Any, filled: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return filled(value)
    if isinstance(value, list):
        return [_each_text(each, filled) for each in value]
    if isinstance(value, dict):
        return {name: _each_text(each, filled) for name, each in value.items()}
    return value


def _at(path: str, said: Any) -> Any:
    import jmespath

    return jmespath.search(path, said)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _number(given: str) -> str:
    return "".join(one for one in given if one not in " -()")
