"""Keeps the windows of a fleet between two scorings, and asks the store only for what is new."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleet.clock import HOUR_MS
from fleet.signals import Kind
from models.features import FEATURES, LOOKBACK_HOURS, parts_of, terms_of
from models.rolling import RollingTiles
from models.windows import FleetFacts
from storage.ports import TelemetryStore

_TILES_A_QUERY = 100_000
_MOST_HOURS = 30 * 24


@dataclass(frozen=True, slots=True)
class News:
    """The newest reading (epoch ms) of every device, and the devices that look different than before."""

    newest: dict[str, int]
    touched: frozenset[str]


class TileMemory:
    """The tiles of one kind of device as rolling windows that follow the store.

    A device whose newest reading has moved has changed in the hours from the old one on, the growing hour
    included: only from there are tiles read again. A backlog of hours that the device had already passed is
    seen at the next start.
    """

    def __init__(self, store: TelemetryStore, kind: Kind) -> None:
        self._store = store
        self._kind = kind
        self._newest: dict[str, int] = {}
        self.tiles = RollingTiles(terms_of(FEATURES), parts_of(FEATURES))

    def refresh(self, facts: FleetFacts) -> News:
        """Bring the windows up to the store and to what the desk knows."""
        newest = self._store.newest(self._kind)
        moved = [device for device, ts in newest.items() if self._newest.get(device) != ts]
        known = self.tiles.know(facts)
        touched, stale = set(known.touched), set(known.reload)
        if moved:
            end = max(newest.values()) // HOUR_MS + 1
            start = max(min(self._newest.get(device, 0) for device in moved) // HOUR_MS, self._first(end))
            for first, last in spans(start, end, len(newest)):
                update = self.tiles.update(self._store.tiles(self._kind, first * HOUR_MS, last * HOUR_MS))
                touched |= update.touched
                stale |= update.reload
        self._read_again(sorted(stale))
        self._newest = newest
        return News(newest, frozenset(touched | stale))

    def _read_again(self, devices: Sequence[str]) -> None:
        if not devices:
            return
        self.tiles.drop(devices)
        end = self.tiles.end
        for first, last in spans(self._first(end), end, len(devices)):
            found = self._store.tiles(self._kind, first * HOUR_MS, last * HOUR_MS, devices)
            self.tiles.update(found, frozenset(devices))

    def _first(self, end: int) -> int:
        """Return the first hour that is looked back to from hour `end`, counted from the epoch."""
        oldest = self._store.first_hour(self._kind)
        return max(end - LOOKBACK_HOURS, end if oldest is None else oldest // HOUR_MS)


def spans(start: int, end: int, devices: int) -> Iterator[tuple[int, int]]:
    """Cut a range of hours into pieces that bring no more tiles at once than memory likes."""
    width = max(1, min(_MOST_HOURS, _TILES_A_QUERY // max(devices, 1)))
    for first in range(start, end, width):
        yield first, min(first + width, end)
