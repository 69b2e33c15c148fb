"""What customers say of a repair, what follows of it, and what the engineer wrote down of the visit."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput
from fleet.tickets import Ticket, TicketState

SCORES = range(1, 6)
"""From 1, bad, to 5, very good."""
LOW_SCORE = 4
"""A score below is somebody's to look after."""
LONGEST_REMARK = 2000
LINK_LASTS_MS = 30 * DAY_MS
CORRECT_WITHIN_MS = DAY_MS
"""So long the holder of a link may correct what they said by it."""
FOLLOW_UP_WITHIN_MS = 24 * HOUR_MS
DIRECTOR = "director"
"""Whose a follow-up is: who is answerable for the customers, a manager of the site."""
MOST_CALLS = 3
"""So often somebody is called who cannot be reached."""
CALL_AGAIN_MS = DAY_MS


class FeedbackSource(StrEnum):
    """How feedback came: by the customer's link, by a call, or as staff was told it otherwise."""

    LINK = "link"
    CALL = "call"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a repair: a score of 1 to 5, whether the fault is gone, and what else."""

    score: int
    solved: bool
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What was said of one repair of a case. Times are epoch ms.

    `repair` counts the repairs of a case from 0: one that was reopened is asked about again. `by` is who
    recorded it, the customer by a link. `changed_at` is when it was corrected. `device_id` and `site` are
    those of the case, `faults` what was really wrong. `id` is 0 until it is stored.
    """

    ticket_id: int
    repair: int
    said: Said
    source: FeedbackSource
    at: int
    by: str
    changed_at: int | None = None
    device_id: str = ""
    site: str = ""
    faults: tuple[str, ...] = ()
    id: int = 0


@dataclass(frozen=True, slots=True)
class FeedbackLink:
    """A link by which one repair of one case is judged; its secret is kept by nobody. Times are epoch ms."""

    ticket_id: int
    repair: int
    made_at: int
    ends: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A low score that somebody has to look after until `due`. Times are epoch ms.

    `said` is what came of it, by whom; `overdue_at` is when the log was told that nobody did in time.
    """

    ticket_id: int
    feedback_id: int
    score: int
    opened_at: int
    due: int
    owner: str = DIRECTOR
    done_at: int | None = None
    by: str | None = None
    said: str = ""
    overdue_at: int | None = None
    device_id: str = ""
    site: str = ""
    remark: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class CallBack:
    """A repair that nobody said anything about: whoever had it done is called. Times are epoch ms.

    `tries` is how often nobody was reached, `contact` what is known of whom to call.
    """

    ticket: Ticket
    repair: int
    repaired_at: int
    tries: int = 0
    contact: str = ""


@dataclass(frozen=True, slots=True)
class PartUsed:
    """A part that was put in; `serial` is empty where it has none."""

    code: str
    quantity: int = 1
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What an engineer wrote down of a visit, one for each repair of a case. Times are epoch ms.

    `signature` is a PNG of ours, None where nobody drew one; `signed_by` is the name under it. `next_service`
    is when it should be looked after again.
    """

    ticket_id: int
    repair: int
    engineer: str
    arrived: int | None
    minutes: int
    parts: tuple[PartUsed, ...] = ()
    remark: str = ""
    signature: bytes | None = None
    signed_by: str = ""
    next_service: int | None = None
    changed_at: int = 0

    @property
    def left(self) -> int | None:
        """When the engineer left."""
        return None if self.arrived is None else self.arrived + self.minutes * 60_000


@dataclass(frozen=True, slots=True)
class Judged:
    """How many warnings were judged by an engineer at the device, and how many of these were right."""

    right: int = 0
    judged: int = 0


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """One case in which a fault was suspected before anybody reported it, and what the engineer found."""

    ticket_id: int
    device_id: str
    repaired_at: int
    right: bool
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """How often warnings of a fault were right: in all, and by each rule or model that gave them."""

    fault: str
    all: Judged
    by: dict[str, Judged]
    cases: tuple[JudgedCase, ...]


def repair_of(ticket: Ticket) -> int:
    """Return which repair of a case this is, from 0: one more each time that it was reopened."""
    states = [span.state for span in ticket.spans]
    return sum(
        now is TicketState.REOPENED and before is not TicketState.REOPENED
        for before, now in zip([None, *states], states, strict=False)
    )


def checked(said: Said) -> Said:
    """Return what was said, its remark without blanks around it. Raises InvalidInput."""
    if said.score not in SCORES:
        raise InvalidInput("score: allowed: 1 to 5")
    return Said(said.score, said.solved, checked_text("remark", said.remark, LONGEST_REMARK))


def checked_text(name: str, text: str, longest: int) -> str:
    """Return a text without blanks around it and NULs. Raises InvalidInput where it is too long."""
    plain = text.replace("\0", "").replace("\r\n", "\n").strip()
    if len(plain) > longest:
        raise InvalidInput(f"{name}: {len(plain)} characters; allowed: at most {longest}")
    return plain


def corrigible(feedback: Feedback, now: int) -> bool:
    """Tell whether the holder of the link may still correct it: what they said by it, for a day."""
    return feedback.source is FeedbackSource.LINK and now < feedback.at + CORRECT_WITHIN_MS
