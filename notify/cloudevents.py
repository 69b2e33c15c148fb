"""CloudEvents 1.0: how what happened is told to programs that are not ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fleet.clock import SECOND_MS

CONTENT_TYPE = "application/cloudevents+json"
SOURCE = "/sweepwatch"


def cloud_event(
    event_id: str, what: str, at: int, subject: str, data: Mapping[str, Any], **extensions: str
) -> dict[str, Any]:
    """Return a CloudEvent in the structured form, JSON-ready; `at` is epoch ms.

    Source and id together name it: whoever has seen both has seen it. What has no
    value among the extensions is left out.
    """
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": what,
        "time": rfc3339(at),
        "subject": subject,
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    return {name: value for name, value in extensions.items() if value} | event


def rfc3339(at: int) -> str:
    """Return a time (epoch ms) as RFC 3339 in UTC, with milliseconds."""
    whole, rest = divmod(at, SECOND_MS)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
