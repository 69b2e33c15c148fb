"""CloudEvents 1.0: how what happened is told to programs that are not ours."""

from collections.abc import Mapping
from typing import Any

from fleet.clock import to_rfc3339

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
        "time": to_rfc3339(at),
        "subject": subject,
        "datacontenttype": "application/json",
        "data": dict(data),
    }
    return {name: value for name, value in extensions.items() if value} | event
