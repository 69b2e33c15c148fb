"""Letters to customers: what the house writes to them by itself, and by what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from fleet.customers import Contact
from fleet.errors import SweepwatchError
from fleet.notices import ChannelKind

CUSTOMER = "customer"
"""The kind of recipient that a customer is: `customer:acme`."""


class LetterKind(StrEnum):
    """What a letter is about."""

    CONSENT = "consent"
    """May a visit come that we propose?"""
    MAINTENANCE = "maintenance"
    """Maintenance is due; what can be done alone."""
    FEEDBACK = "feedback"
    """How was the repair?"""
    APPOINTMENT = "appointment"
    """When somebody comes, and that it is another time now."""
    CALLED_OFF = "called_off"
    """Nobody comes after all."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter about a ticket; `facts` are what only the event knew that it follows from, JSON-ready."""

    kind: LetterKind
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def begins(self) -> int | None:
        """When the window begins that it tells of, epoch ms; None where it tells of none."""
        found = self.facts.get("begins")
        return int(found) if isinstance(found, int) else None

    def as_data(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {"kind": self.kind.value, "facts": dict(self.facts)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_data` made."""
        return cls(LetterKind(data["kind"]), dict(data["facts"]))


class NotNeeded(SweepwatchError):
    """A letter is not needed any more: what it asks for was done meanwhile, or is called off."""

    why = "not_needed"


class NotTheirs(NotNeeded):
    """A letter is about a site that is another's by now, or its customer is none any more."""

    why = "not_theirs"


def customer_in(recipient: str) -> str | None:
    """Return the customer that a recipient is; None for anybody else."""
    kind, _, name = recipient.partition(":")
    return name if kind == CUSTOMER else None


def ways_of(contact: Contact) -> dict[ChannelKind, dict[str, str]]:
    """Return by what a customer can be written to, the best first, with the address of each."""
    found = {}
    if contact.email:
        found[ChannelKind.MAIL] = {"email": contact.email}
    if contact.phone:
        found[ChannelKind.SMS] = {"phone": contact.phone}
    return found
