"""Which plan and tier hold for a site, quick to ask for: clocks of 100,000 cases do."""

import threading
from datetime import date
from zoneinfo import ZoneInfo

from fleet.clock import SECOND_MS, Clock
from fleet.customers import NO_TERMS, Terms, terms_of
from fleet.localtime import day_of
from storage.records.customers import KnownTerms, known_terms
from storage.records.database import DeskDatabase

FRESH_MS = 10 * SECOND_MS
"""So long what was read is used: another process may have changed it since."""


class TermsOfSites:
    """The terms of sites, all read at once and kept for a moment; may be used from any thread.

    What this process changes is known at once (`forget`), what others do after ten seconds. May be asked
    within a transaction: it reads by connections of its own, and so what was committed.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._lock = threading.Lock()
        self._known = KnownTerms()
        self._by_day: dict[tuple[str, date], Terms] = {}
        self._read_at: int | None = None

    def of(self, site: str, zone: ZoneInfo, at: int) -> Terms:
        """Return the terms of a site at a time (epoch ms), on the day that its `zone` has then."""
        day = day_of(at, zone)
        with self._lock:
            self._refresh()
            found = self._by_day.get((site, day))
            if found is None:
                found = self._by_day[site, day] = self._reckoned(site, day)
            return found

    def forget(self) -> None:
        """Read anew at the next question: something was changed."""
        with self._lock:
            self._read_at = None

    def _refresh(self) -> None:
        now = self._clock.now_ms()
        if self._read_at is not None and 0 <= now - self._read_at < FRESH_MS:
            return
        with self._desk.look() as session:
            self._known = known_terms(session)
        self._by_day, self._read_at = {}, now

    def _reckoned(self, site: str, day: date) -> Terms:
        name = self._known.sites.get(site)
        if name is None:
            return NO_TERMS
        contracts = self._known.contracts.get(name, ())
        return terms_of(self._known.customers.get(name), contracts, site, day)
