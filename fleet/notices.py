"""Notices: one thing told to one recipient by one channel, and how far it is proven to have come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from fleet.errors import SweepwatchError
from fleet.faults import Level
from fleet.text import Language


class ChannelKind(StrEnum):
    """By what a notice goes out."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    DINGTALK = "dingtalk"
    WECOM = "wecom"
    FEISHU = "feishu"
    SLACK = "slack"
    SMS = "sms"
    PUSH = "push"


class Proof(StrEnum):
    """How far a notice is known to have come; each is more than the one before."""

    WRITTEN = "written"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is to deliver, whole and in one language.

    `key` is the same each time the same notice is handed over, and goes with it where the channel has a
    place for it. `text` is plain, of lines; `title` one line. `link` opens the console. `picture` is a PNG.
    `facts` are JSON-ready, for receivers that are programs. `at` is epoch ms.
    """

    key: str
    title: str
    text: str
    language: Language
    at: int
    level: Level | None = None
    link: str | None = None
    picture: bytes | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a channel knows after handing a message over: how far it came, and the provider's own number.

    `told` is what the provider said, without secrets.
    """

    proof: Proof
    reference: str = ""
    told: str = ""


class NotDelivered(SweepwatchError):
    """A channel could not hand a message over; the message has no secret in it.

    `again`: it may be tried again, after `after_s` where the provider said so. `maybe`: the provider may have
    taken it all the same (the connection ended after it was sent). `gone`: the address is nobody's any more.
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool,
        after_s: float | None = None,
        maybe: bool = False,
        gone: bool = False,
    ) -> None:
        super().__init__(message)
        self.again = again
        self.after_s = after_s
        self.maybe = maybe
        self.gone = gone


class Channel(Protocol):
    """One way out. It keeps nothing that outlives it, and may be called from several threads."""

    kind: ChannelKind

    def check(self, address: Mapping[str, str]) -> None:
        """Raise InvalidInput unless an address is whole, naming the key that is wrong and what is allowed."""
        ...

    def shown(self, address: Mapping[str, str]) -> str:
        """Return an address so that people recognise it, without any part of a secret."""
        ...

    def deliver(self, message: Message, address: Mapping[str, str]) -> Receipt:
        """Hand a message over and return how far it came. Raises NotDelivered; takes 15 s at most."""
        ...
