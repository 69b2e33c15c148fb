"""The outbox: what is to be told to whom by which destination, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.letters import Letter
from fleet.notices import ChannelKind, Proof
from fleet.people import Scope
from fleet.tellings import Telling
from fleet.text import Language


@dataclass(frozen=True, slots=True)
class Destination:
    """Where notices go: a person's own (`person_id`), a group's (for alerts of a scope) or a customer's.

    The address of a `customer` is that of their contact, and kept there alone. `position` orders a person's
    own: the first is tried first. `shown` is its address without secrets. `proved_at` is when a provider last
    accepted something, `trouble` what went wrong since; `ended_at` when nobody was there any more: nothing
    goes there since then. Times: epoch ms.
    """

    id: int
    person_id: int | None
    name: str
    channel: ChannelKind
    shown: str
    position: int = 0
    scope: Scope = Scope.ALL
    place: str = ""
    made_at: int = 0
    proved_at: int | None = None
    tested_at: int | None = None
    trouble: str | None = None
    ended_at: int | None = None
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """How somebody wants to be told; times of day are minutes after midnight in their `zone`.

    In quiet hours (`quiet_from` to `quiet_to`; equal: none) only what is loud comes. `digest_at`: what is not
    loud comes once a day, then (None: at once).
    """

    language: Language = "en"
    zone: str = "UTC"
    quiet_from: int = 0
    quiet_to: int = 0
    digest_at: int | None = None


class NoticeState(StrEnum):
    """Where a notice stands in the outbox."""

    WAITING = "waiting"
    """It goes out when it is due."""
    HELD = "held"
    """It goes out with others, in a digest, when that is due."""
    NOBODY = "nobody"
    """It waits for the next shift: nobody is on call."""
    SENT = "sent"
    DEAD = "dead"
    """It could not be delivered; somebody may send it again."""
    DROPPED = "dropped"
    """It is not to go out any more; its reason says why."""


def notice_key(event: int, recipient: str, destination_id: int | None) -> str:
    """Return the key of what one event has for one recipient by one destination: there is one such notice."""
    return f"{event}:{recipient}:{destination_id or 0}"


def person_in(recipient: str) -> int | None:
    """Return the person that a recipient is; None for a group, or a schedule."""
    kind, _, number = recipient.partition(":")
    return int(number) if kind == "person" else None


OPEN_STATES = (NoticeState.WAITING, NoticeState.HELD, NoticeState.NOBODY)


@dataclass(frozen=True, slots=True)
class Notice:
    """One telling for one recipient by one destination; times are epoch ms.

    `recipient` is `person:3`, `destination:7`, `customer:acme` or, while nobody is on call, `schedule:night`.
    `key` goes with the message, the same at each try. `telling` is None for a test of the destination, and
    for what is written to a customer: that is its `letter`. `reason` is the named
    reason of its last stage. `maybe`: it was handed to a provider that never answered, so that it may have
    come. `followed_up`: what follows from its not being proven was done.
    """

    id: int
    key: str
    event: int
    subject: str
    subject_id: str
    site: str | None
    recipient: str
    destination_id: int | None
    telling: Telling | None
    state: NoticeState
    reason: str
    due_at: int
    written_at: int
    proof: Proof = Proof.WRITTEN
    tries: int = 0
    maybe: bool = False
    trouble: str | None = None
    reference: str = ""
    handed_at: int | None = None
    accepted_at: int | None = None
    opened_at: int | None = None
    acknowledged_at: int | None = None
    followed_up: bool = False
    letter: Letter | None = None

    @property
    def person_id(self) -> int | None:
        """The person whom it is for; None for a group, or while nobody is on call."""
        return person_in(self.recipient)

    @property
    def was_out(self) -> bool:
        """Whether its recipient may have read it."""
        return self.state is NoticeState.SENT or self.maybe
