"""What a ticket is: the case of one device, with the faults that are suspected, or a complaint."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from fleet.complaints import Complaint
from fleet.faults import Level, is_unclear
from fleet.upkeep import Upkeep

NO_FAULT = "none"
"""What a repair says that found nothing wrong."""


class TicketKind(StrEnum):
    """What a ticket asks for. A device has at most one open ticket of the kinds `repair` and `safety`."""

    REPAIR = "repair"
    COMPLAINT = "complaint"
    SAFETY = "safety"
    MAINTENANCE = "maintenance"


class TicketLink(StrEnum):
    """How two tickets belong together."""

    RELATED = "related"
    DUPLICATE = "duplicate"
    CAUSED = "caused"
    FOLLOWS = "follows"


class TicketState(StrEnum):
    """Where a ticket stands; which of these a kind knows is said by its workflow (fleet.workflows)."""

    OPENED = "opened"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    REPAIRING = "repairing"
    REPAIRED = "repaired"
    CONFIRMED = "confirmed"
    WAITING_PART = "waiting_part"
    WAITING_CUSTOMER = "waiting_customer"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    CONTACTED = "contacted"
    RECTIFYING = "rectifying"
    VERIFYING = "verifying"
    CLOSED = "closed"
    REVIEWED = "reviewed"


class TicketOrigin(StrEnum):
    """Who noticed: us, before the customer did, or the customer."""

    PROACTIVE = "proactive"
    REPORTED = "reported"


class SuspicionState(StrEnum):
    """What became of a suspected fault: open, over by itself, found, or not found by who was there.

    What is `deferred` was found too, and left for a follow-up visit: the device works.
    """

    SUSPECTED = "suspected"
    CLEARED = "cleared"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    DEFERRED = "deferred"


CLOSED_STATES = frozenset(
    {TicketState.CONFIRMED, TicketState.CANCELLED, TicketState.CLOSED, TicketState.REVIEWED}
)
RESTING_STATES = frozenset(
    {TicketState.OPENED, TicketState.ACCEPTED, TicketState.WAITING_PART, TicketState.WAITING_CUSTOMER}
)
"""States in which nobody is on the way."""

FOUND, REPORT = "found", "report"
"""Sources of evidence: an engineer who found a fault that nobody had suspected, a person who reported it."""
FOLLOW_UP, FOLLOWED = "follow_up", "ticket"
"""In the evidence of a fault that was deferred the case that is to mend it, and in that one's the first."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A fault that a case is about, once in each case.

    `alerts` are the ids of the alerts that raised it, the newest last; none where a person did. `since` is
    when the case took it, `ended_at` when it cleared or was judged, epoch ms. `evidence` is that of the
    newest alert, or of the report. `id` is 0 until it is stored.
    """

    fault: str
    level: Level
    part: str | None
    skill: str
    since: int
    alerts: tuple[int, ...] = ()
    state: SuspicionState = SuspicionState.SUSPECTED
    ended_at: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    id: int = 0

    @property
    def alert_id(self) -> int | None:
        """The newest alert that raised it."""
        return self.alerts[-1] if self.alerts else None

    @property
    def reported(self) -> bool:
        """Whether a person reported it."""
        return self.evidence_of(REPORT) is not None

    @property
    def found(self) -> bool:
        """Whether nobody had suspected it before an engineer found it."""
        return self.evidence.get("source") == FOUND and self.follows is None

    @property
    def follows(self) -> int | None:
        """The case at whose visit an engineer found it and left it for this one."""
        first = self.evidence_of(FOUND)
        return None if first is None else first.get(FOLLOWED)

    @property
    def follow_up(self) -> int | None:
        """The case that is to mend it, for one that was deferred in a case that is closed."""
        return self.evidence.get(FOLLOW_UP)

    @property
    def seen(self) -> bool:
        """Whether a person saw it: what only an alert suspected can clear by itself, this cannot."""
        return self.reported or self.follows is not None

    def evidence_of(self, source: str) -> dict[str, Any] | None:
        """Return what a source said, if it said anything: alone, or beside a newer one."""
        found = self.evidence if self.evidence.get("source") == source else self.evidence.get(source)
        return found if isinstance(found, dict) else None

    @property
    def strength(self) -> float:
        """How strong its evidence is: the risk that was predicted, 1 for what was seen."""
        risk = self.evidence.get("risk")
        return float(risk) if isinstance(risk, int | float) else 1.0


class Span(NamedTuple):
    """From `begins` (epoch ms) on, up to the next span of its case, it was in one state and of one level."""

    begins: int
    state: TicketState
    level: Level


@dataclass(frozen=True, slots=True)
class Ticket:
    """A case, as stored. Times are epoch milliseconds.

    `fault` is the likely one of its suspicions, `level` the worst that any of them ever had. `spans` are its
    history, the oldest first, from which clocks are reckoned; `*_due` are what they said last (None: nothing
    is promised, or it waits), and `due` is that of the next milestone. `close_asked_at` is when
    everything that was suspected had cleared: a day later it is closed, unless someone objects.
    `merged_into` is the case that took over what this one held. `owner` is the id of the person who answers
    for it ("" for nobody yet). `version` guards against lost updates; `id` is 0 until it is stored.

    A complaint suspects nothing (`fault` ""), and may be about no device ("") at a site. It was responded to
    when its customer was contacted, and is solved when it was closed; a repair has no written plan.
    Maintenance suspects nothing either (`fault` "maintenance"): `upkeep` says what is due, and when.
    """

    device_id: str
    site: str
    fault: str
    level: Level
    origin: TicketOrigin
    state: TicketState
    opened_at: int
    suspicions: tuple[Suspicion, ...]
    spans: tuple[Span, ...] = ()
    respond_due: int | None = None
    on_site_due: int | None = None
    solve_due: int | None = None
    kind: TicketKind = TicketKind.REPAIR
    responded_at: int | None = None
    on_site_at: int | None = None
    solved_at: int | None = None
    planned_at: int | None = None
    plan_due: int | None = None
    close_asked_at: int | None = None
    merged_into: int | None = None
    owner: str = ""
    owner_name: str = ""
    complaint: Complaint | None = None
    upkeep: Upkeep | None = None
    due: int | None = None
    version: int = 1
    id: int = 0

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.state not in CLOSED_STATES

    @property
    def likely(self) -> Suspicion | None:
        """The suspicion that `fault` names; None for a case that was merged into another."""
        return likely(self.suspicions)

    @property
    def evidence(self) -> dict[str, Any]:
        """What speaks for the likely fault."""
        return self.likely.evidence if self.likely else {}

    @property
    def alerts(self) -> tuple[int, ...]:
        """The ids of all alerts of its suspicions."""
        return tuple(sorted(alert for each in self.suspicions for alert in each.alerts))

    @property
    def confirmed_faults(self) -> tuple[str, ...]:
        """What was really wrong, as far as an engineer has said so."""
        return tuple(each.fault for each in self.suspicions if each.state is SuspicionState.CONFIRMED)

    @property
    def deferred_faults(self) -> tuple[str, ...]:
        """What was found as well, and is to be mended on a follow-up visit."""
        return tuple(each.fault for each in self.suspicions if each.state is SuspicionState.DEFERRED)

    @property
    def confirmed_fault(self) -> str | None:
        """The first fault that was confirmed, "none" where nothing was found, None before a repair."""
        if self.solved_at is None:
            return None
        return self.confirmed_faults[0] if self.confirmed_faults else NO_FAULT

    @property
    def faults(self) -> list[str]:
        """The faults that it is about, the likely one first."""
        return list(dict.fromkeys([self.fault, *(each.fault for each in self.suspicions)]))

    @property
    def parts(self) -> list[str]:
        """The parts that a visit may need: of what stands or was found."""
        needed = (SuspicionState.SUSPECTED, SuspicionState.CONFIRMED)
        parts = (each.part for each in self.suspicions if each.state in needed)
        return list(dict.fromkeys(part for part in parts if part is not None))

    def suspicion_of(self, fault: str) -> Suspicion | None:
        """Return the suspicion of a fault, if the case has one."""
        return next((each for each in self.suspicions if each.fault == fault), None)


def likely(suspicions: Iterable[Suspicion]) -> Suspicion | None:
    """Return the suspicion to name a case by.

    One that stands before one that cleared or was deferred, one that was suspected before one that was only
    found, one that says what it is before one that does not; then the worst level, the strongest evidence,
    and the newest.
    """
    return min(suspicions, key=_rank, default=None)


def _rank(each: Suspicion) -> tuple[bool, bool, bool, bool, bool, str, float, int, str]:
    cleared, unclear = each.state is SuspicionState.CLEARED, is_unclear(each.fault)
    named = unclear and each.state is SuspicionState.REFUTED  # by now it is known what it was
    later = each.state is SuspicionState.DEFERRED  # another case is about it
    return named, later, each.found, cleared, unclear, each.level, -each.strength, -each.since, each.fault
