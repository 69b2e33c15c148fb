"""A store as it was at a time: the tiles up to it, of a store that has them all.

It answers what scoring and the trial of challengers ask of storage.ports.TelemetryStore, and keeps the risks
that they write: nothing is written to the store behind it.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.risks import FLEET_RISK_COLUMNS
from fleet.signals import Kind
from models.features.tile_memory import scored_terms
from models.features.tile_reading import spans

_KEPT_MS = 48 * HOUR_MS
"""So much of what was read last stays at hand: the next look reads it again."""
_KEYS = ("device_id", "site", "hour", "readings")
_TEXTS = ("device_id", "fault", "model")


class Tiles(Protocol):
    """What a store must tell of its past."""

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return tiles as storage.ports.TelemetryStore does."""
        ...

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that has tiles."""
        ...


class PastStore:
    """The robots' tiles before `end` (epoch ms, a whole hour), which `advance` moves on."""

    def __init__(self, behind: Tiles) -> None:
        self._behind = behind
        self._columns = {column for term in scored_terms() for column in term.columns}
        self._first = behind.first_hour(Kind.ROBOT)
        self.end = self._first or 0
        self._recent: list[pl.DataFrame] = []
        self._newest: dict[str, int] = {}
        self._heard: list[pl.DataFrame] = []
        self._risks: list[pl.DataFrame] = []
        self._shadow: list[pl.DataFrame] = []

    def advance(self, end: int) -> None:
        """Let the past go on to a later whole hour."""
        for first, last in spans(self.end // HOUR_MS, end // HOUR_MS, max(len(self._newest), 1)):
            read = self._behind.tiles(Kind.ROBOT, first * HOUR_MS, last * HOUR_MS, None, self._columns)
            if read.height:
                self._recent.append(read)
                told = read.group_by("device_id").agg(pl.col("hour").max()).sort("device_id")
                self._newest |= {device: hour + HOUR_MS - 1 for device, hour in told.iter_rows()}
                day = (pl.col("hour") // DAY_MS).alias("day")
                self._heard.append(read.group_by("device_id", day).agg(hours=pl.len()))
        self.end = end
        self._recent = [
            each
            for each in self._recent
            if int(each["hour"].max()) >= end - _KEPT_MS  # type: ignore[arg-type]
        ]

    def heard(self) -> pl.DataFrame:
        """Return in how many hours of each day (counted from the epoch) each robot was heard so far."""
        if not self._heard:
            return pl.DataFrame(schema={"device_id": pl.String, "day": pl.Int64, "hours": pl.UInt32})
        return pl.concat(self._heard).group_by("device_id", "day").agg(pl.col("hours").sum())

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the end of the newest hour of each robot: tiles do not know the minute."""
        return dict(self._newest) if kind is Kind.ROBOT else {}

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour; None where nothing was heard yet."""
        return self._first if kind is Kind.ROBOT and self._newest else None

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return no counts: a reading counts as known at its own time, so none comes late."""
        del kind
        return pl.DataFrame(schema={"device_id": pl.String, "day": pl.Int64, "readings": pl.Int64})

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return tiles of a range as far as the past has come."""
        end = min(end, self.end)
        held = min((int(each["hour"].min()) for each in self._recent), default=self.end)  # type: ignore[arg-type]
        at_hand = columns is not None and self._columns.issuperset(columns)
        if kind is not Kind.ROBOT or start < held or not at_hand or not self._recent:
            return self._behind.tiles(kind, min(start, end), end, devices, columns)
        wanted = pl.col("hour").is_between(start, end, closed="left")
        if devices is not None:
            wanted &= pl.col("device_id").is_in(list(devices))
        found = pl.concat(self._recent).filter(wanted)
        return found.select([name for name in found.columns if name in _KEYS or name in (columns or ())])

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Keep what was scored."""
        small = risks.select(*FLEET_RISK_COLUMNS).with_columns(
            pl.col(_TEXTS).cast(pl.Categorical), pl.col("risk").cast(pl.Float32), said=pl.lit(self.end)
        )
        (self._shadow if shadow else self._risks).append(small)

    def fleet_risks(
        self,
        start: int,
        end: int,
        every_ms: int | None = None,
        fault: str | None = None,
        *,
        shadow: bool = False,
    ) -> pl.DataFrame:
        """Return the last risk of each device and fault, in each interval of a range where one is given."""
        wanted = pl.col("ts").is_between(start, end, closed="left")
        if fault is not None:
            wanted &= pl.col("fault") == fault
        frames = [each.filter(wanted) for each in (self._shadow if shadow else self._risks)]
        if not frames:
            return pl.DataFrame(schema=FLEET_RISK_COLUMNS)
        found = pl.concat(frames).with_columns(
            pl.col(_TEXTS).cast(pl.String), pl.col("risk").cast(pl.Float64)
        )
        slot = pl.lit(0) if every_ms is None else pl.col("ts") - pl.col("ts") % every_ms
        last = found.sort("ts").with_columns(slot=slot).group_by("device_id", "fault", "slot").last()
        if every_ms is not None:
            last = last.with_columns(ts=pl.col("slot"))
        return last.select(*FLEET_RISK_COLUMNS).sort("device_id", "ts", "fault")

    def said_by(self, end: int) -> pl.DataFrame:
        """Return every risk that was said while the past had come no further than `end`, in its order."""
        frames = [each.filter(pl.col("said") <= end) for each in (*self._risks, *self._shadow)]
        return pl.concat(frames).with_columns(pl.col(_TEXTS).cast(pl.String))

    def course_of(self, device: str, fault: str, start: int, end: int) -> list[tuple[int, float]]:
        """Return one risk over time: (epoch ms, risk), rising."""
        wanted = (
            (pl.col("device_id") == device)
            & (pl.col("fault") == fault)
            & pl.col("ts").is_between(start, end, closed="left")
        )
        rows = [row for each in self._risks for row in each.filter(wanted).select("ts", "risk").iter_rows()]
        return sorted((int(ts), round(float(risk), 4)) for ts, risk in rows)
