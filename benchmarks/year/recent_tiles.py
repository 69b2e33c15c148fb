"""The telemetry of the year as scoring reads it: hourly tiles of the last months.

What the store would have made of the robots' readings (simulators/tiling.py; a test there compares them). It
answers what models/features/tile_memory.py and models/scoring/scorer.py ask of storage.ports.TelemetryStore,
and nothing else.
"""

from collections import deque
from collections.abc import Collection, Sequence

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import Kind
from models.anomaly.watched import watched_terms
from models.features.definitions import FEATURES, terms_of
from models.features.terms import READINGS

KEPT_DAYS = 90
"""Older tiles are gone; the product keeps 180 days. A robot's usual level since its last repair is from then
on."""
_KEYS = ("device_id", "site", "hour", "readings")


class RecentTiles:
    """Tiles by day, the columns that features need alone."""

    def __init__(self) -> None:
        terms = (*terms_of(FEATURES), *watched_terms(), READINGS)
        columns = {column for term in terms for column in term.columns}
        self._columns = [*_KEYS, *sorted(columns - set(_KEYS))]
        self._days: deque[tuple[int, pl.DataFrame]] = deque(maxlen=KEPT_DAYS)
        self._newest: dict[str, int] = {}
        self._risks = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "risk": pl.Float64})

    def add(self, begins: int, tiles: pl.DataFrame) -> None:
        """Take the tiles of a day that begins at a whole hour (epoch ms)."""
        kept = tiles.select([name for name in self._columns if name in tiles.columns])
        self._days.append((begins, kept))
        last = kept.group_by("device_id").agg(pl.col("hour").max())
        self._newest |= {device: hour + HOUR_MS - 1 for device, hour in last.iter_rows()}

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the end of the newest hour of each robot."""
        del kind
        return dict(self._newest)

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return no counts: nothing comes late here."""
        del kind
        return pl.DataFrame(schema={"device_id": pl.String, "day": pl.Int64, "readings": pl.Int64})

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that is kept."""
        del kind
        return self._days[0][0] if self._days else None

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the tiles of a range, of all robots or some."""
        del kind
        names = [n for n in self._columns if columns is None or n in columns or n in _KEYS]
        hours = pl.col("hour").is_between(start, end, closed="left")
        wanted = hours if devices is None else hours & pl.col("device_id").is_in(list(devices))
        found = [
            frame.lazy().filter(wanted).select([name for name in names if name in frame.columns])
            for begins, frame in self._days
            if begins < end and begins + DAY_MS > start
        ]
        if not found:
            return self._days[0][1].clear() if self._days else pl.DataFrame()
        return pl.concat(found).collect()

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Keep the newest risks."""
        if not shadow:
            self._risks = risks.select("device_id", "fault", "risk").sort("risk", descending=True)

    def latest_risks(self, device_id: str) -> pl.DataFrame:
        """Return the newest risks of a robot, highest first."""
        return self._risks.filter(pl.col("device_id") == device_id)
