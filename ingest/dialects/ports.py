"""The port of a dialect: which topics are its own, and what each message on them says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from fleet.signals import Kind
from ingest.decode.decoded import Request
from ingest.decode.drops import Drop
from ingest.messages import Message, Refusal


class Speaker(NamedTuple):
    """Which device a message is about, under ids of ours (ingest.dialects.ids)."""

    site: str
    kind: Kind
    device_id: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device measured at one moment; nothing of it is checked against the signal table yet.

    `ts` is in epoch ms; None means the time of receipt. `dropped` are values that could not be converted, of
    whatever is left in `values`. `current` says that a value without a time holds at
    receipt though the broker kept it (retained): the dialect knows that it does.
    """

    speaker: Speaker
    values: dict[str, Any]
    ts: float | None = None
    seq: int | None = None
    current: bool = False
    dropped: list[Drop] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a device when its message was received."""

    speaker: Speaker
    code: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a device says about itself; None where it says nothing."""

    speaker: Speaker
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None


@dataclass(slots=True)
class Said:
    """What one message says. A message that says nothing at all is no telemetry and is only counted.

    `refusals` are readings (or the whole message) that break the dialect, each with its device where it can
    be told; `statuses` are `online` or `offline`; `unknown` are names that have no signal.
    `heard` is False for what the broker says in a device's name (a will). `standing` statuses are kept by the
    broker by the dialect's own rules, so that a retained copy tells them too; of any other it is no news.
    """

    readings: list[Reading] = field(default_factory=list)
    refusals: list[tuple[Speaker | None, Refusal]] = field(default_factory=list)
    statuses: list[tuple[Speaker, str]] = field(default_factory=list)
    about: list[About] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    unknown: list[tuple[Speaker, str]] = field(default_factory=list)
    heard: bool = True
    standing: bool = False


class Dialect(Protocol):
    """Translates the messages of one family of devices. It may keep state (aliases, units) in memory."""

    @property
    def name(self) -> str:
        """What the configuration calls it; a metric label."""
        ...

    @property
    def subscriptions(self) -> Sequence[str]:
        """The topic filters that it needs, in the order in which retained copies should come."""
        ...

    def wants(self, topic: str) -> bool:
        """Tell whether a topic is this dialect's."""
        ...

    def translate(self, message: Message) -> Said:
        """Return what a message on a wanted topic says; called once for each message, in their order."""
        ...
