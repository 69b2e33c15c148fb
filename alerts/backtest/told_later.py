"""What readings do not tell by themselves, to the engine: tiles of whole hours, and what models said."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import polars as pl

from alerts.backtest.groups import Group
from alerts.backtest.past import PastEngine
from alerts.judging.quantities import Measure, Quantity
from fleet.clock import HOUR_MS, MINUTE_MS
from storage.ports import TelemetryStore

SCORED_MS = 10 * MINUTE_MS
"""Of scorings that follow each other sooner the last is replayed; each counts as of its interval's begin."""
_MOMENT = ["device_id", "ts"]


@dataclass
class Hours:
    """Feeds the tiles of whole hours, those that outlived their readings among them.

    Before `start` they only fill windows, as after a start of the engine.
    """

    store: TelemetryStore
    group: Group
    engine: PastEngine
    sites: Mapping[str, str]
    start: int
    _until: int | None = None

    def piece(self, start: int, end: int) -> None:
        """Replay the hours that end within a piece."""
        kind, last = self.group.kind, end // HOUR_MS * HOUR_MS
        first = start // HOUR_MS * HOUR_MS
        if self._until is None:
            first -= self.engine.hours_back(kind) * HOUR_MS
        if first >= last:
            return
        tiles = self.store.tiles(kind, first, last, columns=self.engine.hourly_columns(kind))
        known = tiles.filter(pl.col("device_id").is_in(list(self.sites)))
        self.engine.observe_hours(kind, known, self.start)
        self._until = last


@dataclass
class Scorings:
    """Feeds what models said at each scoring, as it is stored; it is not scored anew."""

    store: TelemetryStore
    group: Group
    engine: PastEngine
    sites: Mapping[str, str]

    def piece(self, start: int, end: int) -> None:
        """Replay the scorings of a piece."""
        quantities = dict.fromkeys(each for rule in self.group.rules for each in rule.quantities)
        found = [self._said(quantity, start, end) for quantity in quantities]
        frame = reduce(lambda one, other: one.join(other, on=_MOMENT, how="full", coalesce=True), found)
        known = frame.filter(pl.col("device_id").is_in(list(self.sites))).sort("ts", "device_id")
        self.engine.observe_said(self.group.kind, known.with_columns(site=pl.lit("")))

    def _said(self, quantity: Quantity, start: int, end: int) -> pl.DataFrame:
        """Return what models said of one quantity: columns `device_id`, `ts`, and its own."""
        found = self.store.fleet_risks(start, end, SCORED_MS, quantity.of, lives=True)
        said = "risk" if quantity.measure is Measure.RISK else "life_p50_d"
        return found.select(*_MOMENT, pl.col(said).alias(quantity.column))
