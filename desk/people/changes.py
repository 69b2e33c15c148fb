"""How the log tells that something was described: which columns changed, and nobody's address or number."""

from collections.abc import Mapping
from typing import Any

from fleet.events import Event, Subject
from fleet.principals import Principal

DESCRIBED = "described"
_PRIVATE = frozenset(
    {"contact_name", "contact_phone", "contact_email", "phone", "email", "home_lat", "home_lon", "notes"}
)
"""Only that they changed is told: the log is kept for ever, and read by more than may see these."""


def described(
    subject: Subject,
    key: str,
    by: Principal,
    now: int,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    reason: str = DESCRIBED,
    site: str | None = None,
) -> Event:
    """Return the event of a description; `before` and `after` hold the columns that changed (None: all)."""
    data: dict[str, Any] = {
        "new": before is None,
        "changed": list(after),
        "before": _told(before or {}),
        "after": _told(after),
    }
    return Event(now, subject, key, DESCRIBED, by, reason, site, data=data)


def _told(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in columns.items() if name not in _PRIVATE}
