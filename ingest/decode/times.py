"""When a reading was measured, and which in its device's row it is."""

from collections.abc import Collection
from typing import Any

from fleet.clock import to_rfc3339
from fleet.wire import EARLIEST_TS, FUTURE_TOLERANCE_MS, MAX_SEQ, Reason
from ingest.decode.shown import shown_value
from ingest.messages import Refusal

_LATEST_SHOWN_MS = 253_402_300_799_999  # 9999-12-31, the last day that has a name


def check_ts(value: Any, received: int, retention_ms: int) -> int | Refusal:
    """Return a reading's time in epoch ms from its `ts` (present, not null), or why the reading is refused.

    `received` is when its message arrived; a fraction of a millisecond is cut off.
    """
    if type(value) is not int and type(value) is not float:
        return Refusal(
            Reason.BAD_TS, f"ts must be a number of milliseconds since 1970, got {shown_value(value)}"
        )
    ts = int(value)
    if ts < EARLIEST_TS:
        return Refusal(
            Reason.BAD_TS, f"ts {shown_value(value)} is before 2015: seconds where milliseconds are meant?"
        )
    if ts > received + FUTURE_TOLERANCE_MS:
        shown = to_rfc3339(ts) if ts <= _LATEST_SHOWN_MS else shown_value(value)
        return Refusal(Reason.FUTURE, f"ts {shown} is more than 10 minutes after receipt")
    if ts < received - retention_ms:
        return Refusal(Reason.EXPIRED, f"ts {to_rfc3339(ts)} is older than the readings that are kept")
    return ts


def check_seq(value: Any) -> int | None:
    """Return a reading's sequence number, or None where it has none that can be counted."""
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= MAX_SEQ else None


def next_free(received: int, taken: Collection[int]) -> int:
    """Return the first millisecond from `received` on that is not taken."""
    ts = received
    while ts in taken:
        ts += 1
    return ts
