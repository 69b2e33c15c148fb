"""By whose clocks the sites of an installation live: as settings say, and as the desk knows of them."""

from collections.abc import Mapping
from threading import Lock
from time import monotonic
from zoneinfo import ZoneInfo

from fleet.zones import Zones
from storage.records.database import DeskDatabase
from storage.records.sites import known_zones
from sweepwatch.settings.settings import Settings

_FRESH_S = 10.0
"""So long after another process described a site its clock may be the one of before."""


class DescribedZones:
    """Knows the zones that sites are described with: asked for of each of 100,000 cases, read all at once.

    May be used from any thread, also within a transaction. What this process changes holds at once.
    """

    def __init__(self, desk: DeskDatabase) -> None:
        self._desk = desk
        self._lock = Lock()
        self._known: Mapping[str, ZoneInfo] = {}
        self._read_at: float | None = None
        desk.when_told(self.forget)

    def of(self, site: str) -> ZoneInfo | None:
        """Return the zone of a site, None where nobody said it."""
        with self._lock:
            now = monotonic()
            if self._read_at is None or now - self._read_at >= _FRESH_S:
                self._read_at = now
                with self._desk.look() as session:
                    self._known = {name: ZoneInfo(zone) for name, zone in known_zones(session).items()}
            return self._known.get(site)

    def forget(self) -> None:
        """Read anew at the next question: something was changed."""
        self._read_at = None  # without the lock: whoever reads at this moment reads again at the next


def zones_of(settings: Settings, desk: DeskDatabase) -> Zones:
    """Return by whose clocks the sites of an installation live."""
    sites = {site: ZoneInfo(name) for site, name in settings.server.site_time_zones.items()}
    described = DescribedZones(desk)
    return Zones(ZoneInfo(settings.server.time_zone), sites, described.of, described.forget)
