"""Care for alerts: what is known of one alert, or one incident, while somebody is to be told of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.alerts import AlertState
from fleet.events import Subject
from fleet.faults import FAULTS, Level


@dataclass(frozen=True, slots=True)
class Place:
    """What a device belongs to; "" where nobody said. `kind` is the device's."""

    kind: str = ""
    site: str = ""
    region: str = ""
    customer: str = ""
    model: str = ""
    firmware: str = ""


EXTENDED, NOTED = "extended", "noted"
"""What events of alerts and incidents call it when somebody acknowledges for longer, or takes a note."""
NOWHERE = Place()
"""What is of no device: an alert of the installation."""


@dataclass(frozen=True, slots=True)
class Case:
    """An alert or an incident that is cared for, as stored. Times are epoch ms.

    `raised_at` is when it began to fire (our clock), `since` the event time of that. `told_at` is when
    somebody was first told of it (None: nobody was), `step` the newest step of its chain that was told (-1:
    none), `tellings` how often it was told. `next_at` is when something is due (None: nothing by itself).
    `held_by` names what holds it back (`mute:3`, `alert:12`, `budget:acme`), `reason` is the named reason of
    the last decision. `event` is the newest event that was taken in, `version` counts its changes.
    """

    subject: Subject
    subject_id: str
    device_id: str
    fault: str
    rule: str
    level: Level
    place: Place
    since: int
    raised_at: int
    state: AlertState = AlertState.FIRING
    told_at: int | None = None
    step: int = -1
    tellings: int = 0
    next_at: int | None = None
    ack_until: int | None = None
    held_by: str | None = None
    incident: int | None = None
    reason: str = ""
    event: int = 0
    version: int = 0
    closed_at: int | None = None

    @property
    def safety(self) -> bool:
        """Whether a worker may be in danger: then it is never folded, hidden by absence, nor put off."""
        return is_safety(self.fault)

    @property
    def site(self) -> str | None:
        """The site of its chain and its events; None where it is of several or of none."""
        return self.place.site or None


def is_safety(fault: str) -> bool:
    """Tell whether a fault is of a worker in danger."""
    known = FAULTS.get(fault)
    return known is not None and known.skill == "safety" and known.level is Level.L1


class GroupKind(StrEnum):
    """What the members of an incident have in common; FLEET: the broker, the installation as a whole."""

    SITE = "site"
    FIRMWARE = "firmware"
    MODEL = "model"
    REGION = "region"
    FLEET = "fleet"


@dataclass(frozen=True, slots=True)
class Group:
    """Devices that have something in common: those at a site, of a model, ... `name` is "*" for all."""

    kind: GroupKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class Incident:
    """Many devices of one group with the same fault at once.

    `members` is how many there ever were, `open` how many still are. `evidence` says on what it was opened.
    Times are epoch ms.
    """

    id: int
    group: Group
    fault: str
    level: Level
    state: AlertState
    opened_at: int
    reason: str
    members: int
    open: int
    evidence: Mapping[str, Any] = field(default_factory=dict)
    closed_at: int | None = None


@dataclass(frozen=True, slots=True)
class AlertNote:
    """What a person wrote down about an alert of a device and fault. `at` is epoch ms."""

    id: int
    alert_id: str
    at: int
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a mute would hide: the open cases, and how often people were told of such in the last 7 days."""

    cases: Sequence[Case]
    tellings: int
