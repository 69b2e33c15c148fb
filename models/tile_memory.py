"""Keeps the grid of recent tiles between two scorings, and asks the store only for what is new."""

from fleet.clock import HOUR_MS
from fleet.signals import Kind
from models.features import FEATURES, LOOKBACK_HOURS, terms_of
from models.grid import TileGrid
from storage.ports import TelemetryStore


class TileMemory:
    """The tiles of one kind of device as a grid that grows with the store.

    A device whose newest reading has moved has changed in the hours from the old one on, the growing hour
    included: only from there are tiles read again. A backlog of hours that the device had already passed is
    seen at the next start.
    """

    def __init__(self, store: TelemetryStore, kind: Kind) -> None:
        self._store = store
        self._kind = kind
        self._newest: dict[str, int] = {}
        self.grid = TileGrid(terms_of(FEATURES))

    def refresh(self) -> dict[str, int]:
        """Bring the grid up to the store; return the time (epoch ms) of each device's newest reading."""
        newest = self._store.newest(self._kind)
        moved = {device: ts for device, ts in newest.items() if self._newest.get(device) != ts}
        if not moved:
            return newest
        end = max(newest.values()) // HOUR_MS + 1
        oldest = end - LOOKBACK_HOURS
        start = max(min(self._newest.get(device, 0) for device in moved) // HOUR_MS, oldest)
        self.grid.update(self._store.tiles(self._kind, start * HOUR_MS, end * HOUR_MS))
        self.grid.forget(oldest)
        self._newest = newest
        return newest
