"""A request: what somebody reports about a device, in their own words, and when a visit suits them."""

from dataclasses import dataclass
from enum import StrEnum

LONGEST_WORDS = 2_000
LONGEST_CONTACT = 120
LONGEST_WHO = 64


class Channel(StrEnum):
    """By which door a request came."""

    STAFF = "staff"
    CUSTOMER = "customer"
    QR = "qr"
    MAIL = "mail"
    WEBHOOK = "webhook"


class Suits(StrEnum):
    """When a visit suits, by the clock of the site."""

    BEFORE_8 = "before_8"
    DAY = "day"
    AFTER_20 = "after_20"
    WEEKEND = "weekend"


class RequestState(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    """Nobody knows yet about which device it is."""
    PLACED = "placed"
    """It opened or joined a case."""
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What is reported. `fault` is what a person chose, None where nobody did; `suits_on` an ISO date.

    `message_id` names the message that it came as: the same one again is the same request.
    `link_id` is the link by which it came.
    """

    channel: Channel
    words: str
    who: str = ""
    contact: str = ""
    language: str = "en"
    site: str | None = None
    device_id: str | None = None
    fault: str | None = None
    suits: tuple[Suits, ...] = ()
    suits_on: str | None = None
    message_id: str | None = None
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it is kept. `at` is epoch ms; `reason` is why it was dismissed.

    `same_as` is the same for the same words of the same contact at the same site.
    """

    id: int
    at: int
    said: NewRequest
    same_as: str
    ticket_id: int | None = None
    dismissed_at: int | None = None
    reason: str = ""

    @property
    def state(self) -> RequestState:
        """What became of it."""
        if self.ticket_id is not None:
            return RequestState.PLACED
        return RequestState.WAITING if self.dismissed_at is None else RequestState.DISMISSED


@dataclass(frozen=True, slots=True)
class ReportLink:
    """A link by which something is reported without a sign-in: of one device, or of a site."""

    id: int
    device_id: str | None
    site: str
    made_at: int
    made_by: str
    revoked_at: int | None = None
