"""What care for alerts decides to tell: an event of the log, which notices follow from.

Such an event has the subject that it tells of (an alert or an incident) and `what` TELL; its data are a
Telling. What could not be told comes back as an event of a notice with `what` UNREACHED.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from fleet.duty import Target, TargetKind
from fleet.faults import Level

TELL = "tell"
UNREACHED = "unreached"
"""An event of a notice: a step of a chain reached nobody. Data: `subject`, `subject_id`, `step`, `why`."""


class Unreached(StrEnum):
    """Why a step reached nobody."""

    NOBODY_ON_CALL = "nobody_on_call"
    NOBODY_MEANT = "nobody_meant"
    """No person and no group is what the step names, nor any admin in their place."""
    NO_CHANNEL = "no_channel"
    UNDELIVERED = "undelivered"
    UNPROVEN = "unproven"


class Occasion(StrEnum):
    """Why something is told now."""

    FIRING = "firing"
    ESCALATED = "escalated"
    REMINDER = "reminder"
    ACK_EXPIRED = "ack_expired"
    WORSE = "worse"
    STILL_OPEN = "still_open"
    RESOLVED = "resolved"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    COMPLAINT = "complaint"
    LOW_SCORE = "low_score"
    """A customer was not content with a repair."""
    UNATTENDED = "unattended"
    """Nobody looked after a low score in time."""
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell, of an alert, an incident or a ticket.

    `step` of the chain `chain` is told, `to` these targets; a RESOLVED goes to all who were told before and
    has none. `level`, `fault`, `device_id` and `rule` are those of the alert; an incident has no device
    (""). `alerts` are what it is about: one, the members of an incident, or what a digest (STILL_OPEN)
    lists. `loud`: it may come in quiet hours. `reason` is the named reason of care. `since` is epoch ms.
    Of a ticket `rule` is the milestone that is due (`since`), the class of the complaint, the score of the
    feedback that is to be looked after (by `since`), or the plan of maintenance (due at `since`).
    """

    occasion: Occasion
    reason: str
    level: Level
    fault: str
    since: int
    device_id: str = ""
    rule: str = ""
    alerts: tuple[str, ...] = ()
    count: int = 1
    chain: str = ""
    step: int = 0
    to: tuple[Target, ...] = ()
    loud: bool = False

    @property
    def is_end(self) -> bool:
        """Whether it says that something is over."""
        return self.occasion is Occasion.RESOLVED

    @property
    def is_list(self) -> bool:
        """Whether it lists several alerts that are still open."""
        return self.occasion is Occasion.STILL_OPEN and self.count > 1

    def as_data(self) -> dict[str, Any]:
        """Return it as an event's data."""
        return asdict(self) | {"to": [str(each) for each in self.to], "alerts": list(self.alerts)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return what an event's data tell; keys that are no field are left out."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        return cls(
            **known
            | {
                "occasion": Occasion(data["occasion"]),
                "level": Level(data["level"]),
                "alerts": tuple(data.get("alerts", ())),
                "to": tuple(_target(each) for each in data.get("to", ())),
            }
        )


def _target(text: str) -> Target:
    kind, _, name = text.partition(":")
    return Target(TargetKind(kind), name)
