"""What an alert is: something that people should know about one device, until it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.faults import Level
from fleet.principals import PrincipalKind

INSTALLATION = "*"
"""Stands for the device of an alert that is about no device but about the installation: no device has it."""
RISK_RULE = "risk"
"""The rule's name on alerts that a model's risk raised."""
MODEL_RULE = "model"
"""The rule's name on alerts about a model itself."""

RULE_REMOVED = "rule_removed"
"""The reason of an alert that ended because its rule is gone: of the fault itself it says nothing."""
EXTERNAL_RULE = "external"
REPORTED_MORE = "reported_more"
"""The reason of an alert that another thing has joined since; it is news, though the alert was told."""
"""The rule's name on alerts that another system reported."""


class AlertState(StrEnum):
    """Where an alert stands. All but `resolved` count as open: one open alert per device and fault."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as stored.

    `since` is the event time (epoch ms) at which its condition began to hold; `reason` is the named reason of
    the last decision on it; `evidence` is what was seen: JSON-ready, shown to people. `updated` and
    `resolved_at` are clock times (epoch ms) that the database keeps, `ended_by` is what kind of actor
    resolved it.
    """

    id: str
    device_id: str
    fault: str
    rule: str
    level: Level
    state: AlertState
    since: int
    reason: str
    opens_ticket: bool
    evidence: dict[str, Any] = field(default_factory=dict)
    updated: int = field(default=0, compare=False)
    resolved_at: int | None = field(default=None, compare=False)
    ended_by: PrincipalKind | None = field(default=None, compare=False)

    @property
    def fires(self) -> bool:
        """Whether people should act on it now, someone already seeing to it included."""
        return self.state in (AlertState.FIRING, AlertState.ACKNOWLEDGED)


def said_by_device(evidence: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of an alert's evidence that the device itself said, if any.

    Its keys: `code` (raw, None: it only stands in error), `state` (`error` when it stands still), `meaning`
    (the code in words, by language; absent for an unknown code), `ts`.
    """
    return _said_by("device", evidence)


def seen_by_rule(evidence: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the part of an alert's evidence that a rule saw in readings, or the device said, if any."""
    return _said_by("rule", evidence) or _said_by("device", evidence)


def _said_by(source: str, evidence: Mapping[str, Any]) -> Mapping[str, Any] | None:
    also = evidence.get("also")
    for each in (evidence, also if isinstance(also, Mapping) else {}):
        if each.get("source") == source:
            return each
    return None
