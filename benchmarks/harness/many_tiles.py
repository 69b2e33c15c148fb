"""A large fleet's tiles without a store of their size: a small fleet's life, lent to many devices."""

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from models.features.definitions import all_features, terms_of
from simulators.lived import LivedFleet, live

END = 1_795_190_400_000
_SPREAD = 0.03
"""By so much a device differs from the one whose life it shares."""


class ManyTiles:
    """Tiles of `devices`: every one lives the life of a robot of `source`, a little louder or quieter."""

    def __init__(self, source: LivedFleet, devices: int, seed: int) -> None:
        self.source = source
        needed = {name for term in terms_of(all_features()) for name in term.columns}
        columns = ["device_id", "site", "hour", "readings", *sorted(needed - {"readings"})]
        self._means = [name for name in columns if name.endswith(".mean")]
        # Sorted by time, so that a range of hours is one slice.
        self._tiles = source.tiles.select(columns).sort("hour", "device_id")
        self._hours = self._tiles["hour"].to_numpy()
        self.copies = -(-devices // len(source.models))
        self._level = np.random.default_rng(seed).normal(1.0, _SPREAD, self.copies)

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return self._tiles.height * self.copies

    def read(self, start: int, until: int) -> pl.DataFrame:
        """Return the tiles of start <= hour < until, hours counted from the epoch."""
        low, high = np.searchsorted(self._hours, (start * HOUR_MS, until * HOUR_MS))
        part = self._tiles.slice(int(low), int(high - low))
        return pl.concat(
            part.with_columns(
                _named(copy), *(pl.col(name) * float(self._level[copy]) for name in self._means)
            )
            for copy in range(self.copies)
        )

    def spread(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with a column device_id for every device."""
        return pl.concat(frame.with_columns(_named(copy)) for copy in range(self.copies))

    def of(self, facts: dict[str, str]) -> dict[str, str]:
        """Return what holds of each robot for every device that shares its life."""
        return {f"{robot}-{copy:03d}": value for robot, value in facts.items() for copy in range(self.copies)}


def _named(copy: int) -> pl.Expr:
    return (pl.col("device_id") + f"-{copy:03d}").alias("device_id")


def lent(devices: int, days: int, seed: int, lives: int) -> ManyTiles:
    """Return tiles of so many devices over `days`, made of so many simulated lives of world A."""
    return ManyTiles(live("a", seed, min(lives, devices), days, end_ms=END), devices, seed)
