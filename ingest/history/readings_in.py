"""Takes files of telemetry into a store, block by block: each is durable before it is noted as done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fleet.clock import Clock
from fleet.readings import ReadingBatch
from fleet.signals import Kind, SignalTable
from fleet.wire import Reason
from ingest.history.ledger import Ledger, Turned
from ingest.history.owners import Owners
from ingest.history.plan import Plan
from ingest.history.progress import ProgressNote
from ingest.history.readings import ReadingMaker
from ingest.history.shapes import TelemetryMap
from ingest.history.sources import Block, Place, blocks, columns_of
from ingest.watch.privacy import Privacy
from ingest.watch.summaries import Summaries
from storage.ports import RowsRejected, TelemetryStore
from storage.records.devices import DeviceInfo, Devices, DeviceSummary, Placement

PART = "telemetry"
_ROWS_AT_ONCE = 250_000
"""Two row groups of DuckDB, which go to its file at once, past the log."""
Report = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Where readings go; without one it is only said what would be taken."""

    store: TelemetryStore
    devices: Devices
    privacy: Privacy


class TelemetryImport:
    """One import of telemetry. `known` are the devices that may have readings; `kept_until` as ReadingMaker.

    `oldest` is the time of the oldest reading so far (epoch ms), `unread` are columns that no map reads.
    """

    def __init__(
        self,
        plan: Plan,
        signals: SignalTable,
        known: Mapping[str, Placement],
        clock: Clock,
        kept_until: Mapping[Kind, int],
        target: Target | None = None,
    ) -> None:
        self._shape: TelemetryMap = plan.part(PART)
        self._owners = Owners(self._shape, known)
        self._maker = ReadingMaker(self._shape, plan.mappers, signals, self._owners, clock, kept_until)
        self._target, self._clock = target, clock
        self._summaries = Summaries()
        self._held: dict[Kind, list[pl.DataFrame]] = {}
        self._held_rows = 0
        self.oldest: int | None = None
        self.unread: dict[str, None] = {}

    @property
    def known(self) -> Mapping[str, Placement]:
        """The devices that are known by now, those met on the way among them."""
        return self._owners.known

    def run(self, files: Sequence[Path], ledger: Ledger, note: ProgressNote, report: Report) -> None:
        """Take files in from where the note says; `report` is told the share that is done.

        Raises InvalidInput for a file that cannot be read, and what the store raises: what was taken by then
        is kept, and the next run goes on there.
        """
        noted = note.read()
        first, begin = (0, Place()) if noted is None else (noted["file"], Place(noted["at"], noted["line"]))
        sizes = [max(1, path.stat().st_size) for path in files]
        whole, done = sum(sizes), sum(sizes[:first])
        for number in range(first, len(files)):
            path = files[number]
            columns = columns_of(path, self._shape)
            wanted, numbers = self._maker.wanted(columns)
            self.unread |= dict.fromkeys(name for name in columns if name not in wanted)
            for block in blocks(path, self._shape, wanted, numbers, begin):
                self._take(block, path, ledger)
                if self._held_rows >= _ROWS_AT_ONCE:
                    self._flush(path, ledger)
                    note.write(_standing(number, block.after, ledger))
                report((done + sizes[number] * block.share) / whole)
            done, begin = done + sizes[number], Place()
        if files:
            self._flush(files[-1], ledger)
        self._tell_devices(whole=noted is not None)
        note.write(_standing(len(files), Place(), ledger))
        report(1.0)

    def _take(self, block: Block, path: Path, ledger: Ledger) -> None:
        """Check a block and hold what is to be stored; it is counted, and noted once that is stored."""
        checked = self._maker.check(block, path)
        counts = ledger.of(PART)
        counts.read += len(block.lines) + sum(len(each.lines) for each in block.turned)
        counts.taken += checked.taken
        ledger.refuse(PART, checked.refused)
        ledger.drop(PART, checked.dropped)
        for batch in checked.batches:
            first: int = batch.frame["ts"].min()  # type: ignore[assignment]  # of integers, and not empty
            self.oldest = first if self.oldest is None else min(self.oldest, first)
            self._held.setdefault(batch.kind, []).append(batch.frame)
            self._held_rows += len(batch)

    def _flush(self, path: Path, ledger: Ledger) -> None:
        """Store what is held."""
        self._register()
        held, self._held, self._held_rows = self._held, {}, 0
        for kind, frames in held.items():
            whole = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)
            self._write(ReadingBatch(kind, whole), path, ledger)

    def _register(self) -> None:
        """Register the devices that are met for the first time, since before their readings are stored."""
        new, self._owners.new = self._owners.new, {}
        if not new or self._target is None:
            return
        self._target.devices.register({name: place for name, (place, _) in new.items()}, self._clock.now_ms())
        infos = [DeviceInfo(name, model.strip()[:64]) for name, (_, model) in new.items() if model]
        self._target.devices.record_info(infos)

    def _write(self, batch: ReadingBatch, path: Path, ledger: Ledger) -> None:
        """Store a batch; rows that the store refuses are refused after all."""
        counts = ledger.of(PART)
        if self._target is None:
            counts.new += len(batch)
            return
        try:
            receipt = self._target.store.write(self._target.privacy.readings(batch))
        except RowsRejected as error:
            receipt, batch = error.receipt, error.stored
            for rows, why in error.rejected:
                counts.taken -= len(rows)
                ledger.refuse(PART, [_rejected(rows, str(why), path)])
        counts.new += receipt.written
        counts.known += receipt.duplicate
        self._summaries.add_batch(_newest_of_each(batch))

    def _tell_devices(self, *, whole: bool) -> None:
        """Let the list of devices show what is newest; `whole`: of what an earlier run stored, too."""
        if self._target is None:
            return
        self._target.devices.record_summaries(self._summaries.take())
        if whole:
            newest = [times for kind in Kind for times in self._target.store.newest(kind).items()]
            told = [DeviceSummary(name, newest_ts=at) for name, at in newest if name in self.known]
            self._target.devices.record_summaries(told)


def _standing(file: int, place: Place, ledger: Ledger) -> dict[str, Any]:
    """Return how far an import is: the number of the file, the place in it, and what is counted by then."""
    return {"file": file, "at": place.at, "line": place.line, "ledger": ledger.keep()}


def _rejected(batch: ReadingBatch, why: str, path: Path) -> Turned:
    keys = batch.frame.select("device_id", "ts").rows()
    return Turned(path.name, [0] * len(batch), Reason.STORE_REJECTED, lambda row: f"{keys[row]}: {why}")


def _newest_of_each(batch: ReadingBatch) -> ReadingBatch:
    """Return the rows that hold what the list of devices shows: the newest of each device, and few more."""
    frame = batch.frame
    if batch.kind is not Kind.ROBOT:
        frame = frame.select(pl.exclude("state", "error_code"))
    shown = [
        name for name in ("device_id", "ts", "battery_pct", "state", "error_code") if name in frame.columns
    ]
    frame = frame.select(shown)
    last = frame.group_by("device_id").agg(pl.col("ts").max().alias("newest"))
    near_end = frame.join(last, on="device_id").filter(pl.col("ts") == pl.col("newest"))
    return ReadingBatch(batch.kind, near_end.drop("newest"))
