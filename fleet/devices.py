"""What a device of the fleet is, as lists and pages know it."""

from dataclasses import dataclass

from fleet.clock import DAY_MS
from fleet.signals import Kind

STALE_AFTER_MS = DAY_MS


@dataclass(frozen=True, slots=True)
class Device:
    """One device with its summary. Times are epoch ms; None is what nobody said or measured.

    `risk`, `fault` and `confidence` are those of the highest of its newest risks; `newest_ts` is the time of
    its newest reading, `last_seen` when its last message arrived; `commissioned` is an ISO date.
    `state` and `error_code` are the newest that it sent, each with its own time; an empty code: none is left.
    `alarm` is the fault of an open L1 alert that its readings or events raised.
    """

    id: str
    kind: Kind
    site: str
    model: str
    firmware: str | None
    serial: str | None
    commissioned: str | None
    registered_at: int
    status: str
    last_seen: int | None
    newest_ts: int | None
    battery_pct: float | None
    risk: float | None
    fault: str | None
    risk_ts: int | None
    confidence: str | None
    state: str | None = None
    state_ts: int | None = None
    error_code: str | None = None
    error_ts: int | None = None
    alarm: str | None = None

    def is_stale(self, now: int) -> bool:
        """Tell whether its newest reading is older than 24 h, or there is none."""
        return self.newest_ts is None or now - self.newest_ts > STALE_AFTER_MS
