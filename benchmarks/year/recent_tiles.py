"""The telemetry of the year as scoring reads it: hourly tiles of the last months, and the newest risks.

What the store would have made of the robots' readings (simulators/tiling.py; a test there compares them). It
answers what models/features/tile_memory.py, models/scoring/scorer.py and desk/parts/fleet_demand.py ask of
storage.ports.TelemetryStore, and nothing else.
"""

from collections import deque
from collections.abc import Collection, Sequence

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.risks import FLEET_RISK_COLUMNS, LIVES_IN_DAYS, RISK_COLUMNS
from fleet.signals import Kind
from models.features.tile_memory import scored_terms

KEPT_DAYS = 90
"""Older tiles are gone; the product keeps 180 days. A robot's usual level since its last repair is from then
on."""
_KEYS = ("device_id", "site", "hour", "readings")


class RecentTiles:
    """Tiles by day, the columns that features need alone."""

    def __init__(self) -> None:
        columns = {column for term in scored_terms() for column in term.columns}
        self._columns = [*_KEYS, *sorted(columns - set(_KEYS))]
        self._days: deque[tuple[int, pl.DataFrame]] = deque(maxlen=KEPT_DAYS)
        self._newest: dict[str, int] = {}
        self._risks = pl.DataFrame(schema=RISK_COLUMNS)
        self._told: dict[tuple[str, str], tuple[int, str]] = {}
        """Since when a risk of a fault has been told of a robot (epoch ms), and by which model first."""

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
        """Keep the newest risks, and since when there are any."""
        if shadow:
            return
        self._risks = risks.sort("risk", descending=True)
        for device, fault, ts, model in risks.select("device_id", "fault", "ts", "model").iter_rows():
            self._told.setdefault((device, fault), (ts, model))

    def latest_risks(self, device_id: str) -> pl.DataFrame:
        """Return the newest risks of a robot, highest first."""
        return self._risks.filter(pl.col("device_id") == device_id)

    def fleet_risks(self, *_range: int, lives: bool = False) -> pl.DataFrame:
        """Return the newest risks of all robots, whatever the range: they are of last night."""
        columns = [*FLEET_RISK_COLUMNS, *(LIVES_IN_DAYS if lives else ())]
        return self._risks.select(columns).sort("device_id", "ts", "fault")

    def risk_history(self, device_id: str, start: int, end: int, *_every: int) -> pl.DataFrame:
        """Return by which model the risk of each fault was told of a robot before an end: each night since.

        Only the columns `fault` and `model`.
        """
        del start
        told = [(f, model) for (d, f), (at, model) in self._told.items() if d == device_id and at < end]
        return pl.DataFrame(told, schema={"fault": pl.String, "model": pl.String}, orient="row")
