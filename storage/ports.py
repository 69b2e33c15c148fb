"""The port of the time-series store; each adapter passes tests/contract/storage/test_telemetry_store.py."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from fleet.clock import DAY_MS
from fleet.errors import StoreRejected
from fleet.readings import ReadingBatch
from fleet.signals import Kind


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: `written + duplicate` is its length; `late` of the written came late."""

    written: int
    duplicate: int
    late: int


@dataclass(frozen=True, slots=True)
class LatestValue:
    """The newest value of one signal, and its time (epoch ms); None since then for a text that was ended.

    (An error code is ended by an empty one, which is stored and stands in the history.)
    """

    value: float | bool | str | None
    ts: int


@dataclass(frozen=True, slots=True)
class Retention:
    """How long raw readings, risks, and the hourly tiles of readings that went are kept, in milliseconds."""

    readings_ms: int
    risks_ms: int
    tiles_ms: int = 3650 * DAY_MS


@dataclass(frozen=True, slots=True)
class Sought:
    """Values of one signal that are looked for: within these bounds, both included, or one of these words.

    A boolean counts as 0 or 1.
    """

    signal: str
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] | None = None


class RowsRejected(StoreRejected):
    """The store refuses some readings of a batch for good; the others are stored.

    `rejected` are those readings, each group with what is wrong with it; `stored` the others, which `receipt`
    tells of.
    """

    def __init__(
        self, rejected: Sequence[tuple[ReadingBatch, StoreRejected]], stored: ReadingBatch, receipt: Receipt
    ) -> None:
        super().__init__("; ".join(f"{len(rows)} readings: {why}" for rows, why in rejected))
        self.rejected, self.stored, self.receipt = rejected, stored, receipt


class TelemetryStore(Protocol):
    """Readings and risks over time. Times are epoch ms; ranges include their start and exclude their end.

    Every method may raise StoreUnavailable (a retry may help) or StoreRejected (it will not). All methods may
    be called from any thread.
    """

    def write(self, batch: ReadingBatch) -> Receipt:
        """Store a batch; it is durable on return.

        Same device and `ts` again, within the batch or against what is stored, is one reading: the last one
        received wins, field by field, and counts as duplicate. Raises RowsRejected where only some readings
        are refused: the others are stored.
        """
        ...

    def newest(self, kind: Kind) -> dict[str, int]:
        """Return the time of the newest stored reading of each device."""
        ...

    def newest_known(self, kind: Kind) -> dict[str, int]:
        """As `newest`, cheap enough for each commit: what other processes stored meanwhile may be missing."""
        ...

    def latest(self, kind: Kind, device_id: str) -> dict[str, LatestValue]:
        """Return for each signal ever stored of a device its newest value and that value's time."""
        ...

    def history(
        self,
        kind: Kind,
        device_id: str,
        signals: Sequence[str],
        start: int,
        end: int,
        limit: int,
    ) -> pl.DataFrame:
        """Return up to `limit` readings in order of time: columns `ts`, then `signals`; null where absent."""
        ...

    def intervals(
        self,
        kind: Kind,
        device_id: str,
        signals: Sequence[str],
        start: int,
        end: int,
        every_ms: int,
        limit: int,
    ) -> pl.DataFrame:
        """Return up to `limit` intervals in order of time: `ts` (start), `{signal}.mean|min|max|count`.

        `signals` are numbers or booleans; intervals are aligned to the epoch, empty ones are left out.
        """
        ...

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return the hourly tiles (fleet.tiles) of every device with readings in the range, or of some.

        `start` and `end` must be whole hours. Of hours that expired it is the tiles kept of them. Beside its
        keys a tile has all columns, or of the `columns` asked for those that there are: each has its cost.
        """
        ...

    def first_hour(self, kind: Kind) -> int | None:
        """Return the start of the oldest hour that has tiles, kept or not; None when there are none."""
        ...

    def kept_hours(self, kind: Kind) -> tuple[int, int]:
        """Return the first hour of which tiles are kept, and the hour up to which (without it).

        Before the second, tiles are what is kept and no longer depend on readings; (0, 0) when none are kept.
        """
        ...

    def keep_tiles(self, kind: Kind, tiles: pl.DataFrame, until: int) -> None:
        """Keep tiles made elsewhere, of hours before `until`, a whole hour; same device and hour replaces.

        From then on all tiles before `until` are kept ones, those of the store's own readings among them.
        """
        ...

    def days(self, kind: Kind) -> pl.DataFrame:
        """Return how many readings each device has on each day (UTC), in order of day and device.

        Columns `device_id`, `day` (its start, epoch ms), `readings`.
        """
        ...

    def readings(self, kind: Kind, devices: Sequence[str], start: int, end: int) -> ReadingBatch:
        """Return whole readings of some devices in a range, in order of device and time."""
        ...

    def devices_with(self, kind: Kind, sought: Sequence[Sought], start: int, end: int) -> frozenset[str]:
        """Return the devices that have any of these values in a range; cheap where hardly any has."""
        ...

    def scan(
        self, kind: Kind, signals: Sequence[str], start: int, end: int, devices: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the readings of a range with few signals, of all devices or of some, in any order.

        Columns `device_id`, `ts`, then `signals`; null where absent.
        """
        ...

    def write_risks(self, risks: pl.DataFrame, *, shadow: bool = False) -> None:
        """Store a risk frame (fleet.risks.RISK_COLUMNS); same device, fault and `ts` again replaces.

        `shadow` risks are those of challengers: they are kept apart, and only `fleet_risks` tells them.
        """
        ...

    def fleet_risks(
        self,
        start: int,
        end: int,
        every_ms: int | None = None,
        fault: str | None = None,
        *,
        shadow: bool = False,
        lives: bool = False,
    ) -> pl.DataFrame:
        """Return the last risk of each device and fault in a range, of one fault or of all.

        With `every_ms` that of each interval, and `ts` is the interval's start; intervals are aligned to the
        epoch, empty ones are left out. Columns device_id, ts, fault, risk, model, in order of the first
        three; with `lives` what each says of the remaining life, too (fleet.risks.LIFE_COLUMNS in days).
        """
        ...

    def risk_history(self, device_id: str, start: int, end: int, every_ms: int | None = None) -> pl.DataFrame:
        """Return the stored risks of one device in order of time, then of fault, as a risk frame.

        With `every_ms` only the last risk of each fault and interval, and `ts` is the interval's start;
        intervals are aligned to the epoch, empty ones are left out.
        """
        ...

    def latest_risks(self, device_id: str) -> pl.DataFrame:
        """Return the newest stored risk for each fault of one device, highest first, as a risk frame."""
        ...

    def expire(self, retention: Retention, now: int) -> int:
        """Delete what is older than the retention; return how many readings went.

        Readings go by whole hours, and their hourly tiles are kept instead, for as long as tiles are.
        """
        ...

    def forget_personal(self, start: int, end: int, devices: Sequence[str] | None = None) -> int:
        """Take what is personal (fleet.personal) out of the readings of a range, of all devices or some.

        The readings stay without it, and so do the tiles of every hour that the range touches. Returns about
        how many readings had any; to do it again is harmless.
        """
        ...

    def clear(self) -> None:
        """Delete all readings, risks and tiles."""
        ...

    def check(self) -> None:
        """Raise StoreUnavailable when the store cannot answer, StoreRefused when it is not ours to use."""
        ...

    def close(self) -> None:
        """Let go of the store; what was written stays."""
        ...
