"""What stock is planned by: the forecast that ships, learned once a night."""

from typing import cast

from sqlalchemy.orm import Session

from benchmarks.year.recent_tiles import RecentTiles
from desk.parts.demand import Demand
from desk.parts.fleet_demand import Foreseeing
from fleet.clock import HOUR_MS
from storage.ports import TelemetryStore

_NIGHT_MS = 4 * HOUR_MS


class NightlyDemand:
    """The house's forecast by what was used; the product learns it anew with each line of the ledger."""

    def __init__(self) -> None:
        self.know(RecentTiles())

    def know(self, tiles: RecentTiles) -> None:
        """Let it go by the risks that are kept with these tiles, too."""
        self._learn = Foreseeing(cast(TelemetryStore, tiles))
        self._kept: tuple[int, Demand] | None = None

    def __call__(self, session: Session, now: int) -> Demand:
        """Return what it foresaw this night."""
        if self._kept is None or now - self._kept[0] >= _NIGHT_MS:
            self._kept = now, self._learn(session, now)
        return self._kept[1]
