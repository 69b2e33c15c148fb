"""What other systems report: their own alerts, each by a fingerprint, from its beginning to its end."""

from dataclasses import dataclass
from typing import Any

from fleet.faults import Level


@dataclass(frozen=True, slots=True)
class Report:
    """One alert of another system as it stands now.

    `fingerprint` names it there, `since` (epoch ms) is when it began: both together are one story, a later
    `since` a new one. `device_id` is whom it is about, fleet.alerts.INSTALLATION for all; `text` says it in
    one line. `seen` is JSON-ready, for people: site, link, labels.
    """

    fingerprint: str
    since: int
    over: bool
    level: Level
    device_id: str
    text: str
    seen: dict[str, Any]
