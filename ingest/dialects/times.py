"""Times of other devices as epoch milliseconds."""

from datetime import UTC, datetime
from typing import Any, Literal

from fleet.wire import Reason
from ingest.decode.shown import shown_value
from ingest.messages import Refusal

TimeUnit = Literal["ms", "s", "us", "ns", "iso8601"]
_MS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6}


def to_ms(value: Any, unit: TimeUnit) -> float | Refusal:
    """Return a time in epoch ms (not checked against the present), or why it is refused.

    ISO 8601 text without an offset is UTC.
    """
    if unit == "iso8601":
        return _from_iso(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Refusal(Reason.BAD_TS, f"the time must be a number ({unit}), got {shown_value(value)}")
    if isinstance(value, int) and unit in ("ns", "us"):
        return float(value // (1_000_000 if unit == "ns" else 1_000))  # exact: beyond 2**53 a float is not
    return value * _MS[unit]


def _from_iso(value: Any) -> float | Refusal:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return Refusal(Reason.BAD_TS, f"the time must be ISO 8601, got {shown_value(value)}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return float(round(moment.timestamp() * 1000))
