"""Looks at personal data: each is an event of the log."""

import threading

from fleet.clock import MINUTE_MS, Clock
from fleet.events import Event, Subject
from fleet.principals import Principal
from storage.records.database import DeskDatabase
from storage.records.events import tell

LASTS_MS = 10 * MINUTE_MS
"""Whoever looks again within so long, looks still: a page that refreshes itself is one look."""
_MOST = 10_000


class Looks:
    """Tells the log who looked at whose data. May raise StoreUnavailable: then nothing is shown."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._last: dict[tuple[str, str, str], int] = {}
        self._lock = threading.Lock()

    def looked(self, principal: Principal, device_id: str, site: str) -> None:
        """Note that somebody looks at what a wristband tells of its wearer; it is told before it is shown."""
        key, now = (principal.kind, principal.id, device_id), self._clock.now_ms()
        with self._lock:
            last = self._last.get(key)
        if last is not None and now - last < LASTS_MS:
            return
        with self._desk.transaction() as session:
            what = "personal data seen"
            tell(session, Event(now, Subject.DEVICE, device_id, "looked", principal, what, site or None))
        with self._lock:
            if len(self._last) >= _MOST:
                self._last.clear()
            self._last[key] = now
