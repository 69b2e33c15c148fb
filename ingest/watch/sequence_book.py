"""Follows the sequence numbers of all devices: most readings in bulk, only what is unusual one by one.

What is unusual (a new device, a gap, a restart, a late or quarantined reading) is stored in the same commit,
before it is acknowledged. What only counts on by one is stored every few seconds: after a crash the stored
readings themselves say how far the device had counted.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.device_codes import Codes, DeviceCodes, grown
from fleet.errors import SweepwatchError
from fleet.signals import Kind
from ingest.watch.device_codes import CodedBatch
from ingest.watch.sequence import Gap, Run, Seen, Track
from storage.ports import TelemetryStore
from storage.records.gaps import GapChanges, GapKey, Gaps, StoredGap, StoredRun

log = logging.getLogger(__name__)

_Reading = tuple[int, int | None, int]
"""Number, time, when it was received."""
Column = NDArray[np.int64]
_UNCHANGED = frozenset({Seen.KNOWN, Seen.REPEATED})
_NONE = -1
_READINGS_ASKED = 100_000
_DEVICES_ASKED = 5_000
"""Devices whose stored readings are asked for after a crash; no gap of others is claimed across it."""


class SeenReading(NamedTuple):
    """A quarantined reading whose number could be read; `ts` is None where its time cannot be trusted."""

    device_id: str
    seq: int
    ts: int | None
    received: int


class SequenceBook:
    """The tracks of all devices in memory, and what of them is still to be stored.

    The newest run of every device is kept in arrays by its number; older runs and gaps, which few devices
    have, beside them. Used from one thread.
    """

    def __init__(self, gaps: Gaps, store: TelemetryStore, codes: DeviceCodes) -> None:
        self._gaps = gaps
        self._store = store
        self._codes = codes
        self._ids: list[str] = []
        self._run, self._first_seq, self._first_ts, self._last_seq, self._last_ts, self._moved = (
            np.zeros(0, dtype=np.int64) for _ in range(6)
        )
        self._older: dict[int, list[Run]] = {}
        self._open: dict[int, list[Gap]] = {}
        self._lagging: dict[int, tuple[Kind, int]] = {}
        self._asked = 0
        self._changed_runs: dict[tuple[str, int], StoredRun] = {}
        self._changed_gaps: dict[GapKey, StoredGap] = {}
        self._forgotten: dict[str, int] = {}
        self._closed: set[GapKey] = set()
        self._dropped = 0

    def load(self) -> None:
        """Take what is stored in place of what is in memory. Raises StoreUnavailable."""
        runs, open_gaps = list(self._gaps.runs()), list(self._gaps.gaps())
        for kept in (self._older, self._open, self._lagging):
            kept.clear()
        self._last_seq[:] = _NONE
        self._moved[:] = 0
        if not runs:
            return
        ids = pl.Series([run.device_id for run in runs])
        codes = self._codes.of(ids)
        self._meet(codes, ids)
        known = dict(zip(ids, codes.tolist(), strict=True))
        for code, stored in zip(codes.tolist(), runs, strict=True):
            if self._last_seq[code] != _NONE:
                self._older.setdefault(code, []).append(self._newest(code))
            self._put_newest(code, Run(*stored[1:]))
        for gap in open_gaps:
            self._open.setdefault(known[gap.device_id], []).append(Gap(*gap[1:]))
        for kind in Kind:
            for device, newest in self._store.newest(kind).items():
                code = known.get(device, _NONE)
                if code != _NONE and newest > self._last_ts[code]:
                    self._lagging[code] = (kind, newest)

    def see(self, batches: Sequence[CodedBatch], refused: Sequence[SeenReading]) -> int:
        """Take the readings of one commit; return how many repeated a number with a new time."""
        repeated = 0
        for batch, codes in batches:
            self._meet(codes, batch.frame["device_id"])
            frame = batch.frame.select("seq", "ts", "received")
            if frame["seq"].null_count():
                counted = frame["seq"].is_not_null()
                frame, codes = frame.filter(counted), codes[counted.to_numpy()]  # noqa: PLW2901 - fewer rows
            if frame.height:
                repeated += self._see_frame(frame, codes)
        if refused:
            ids = pl.Series([one.device_id for one in refused])
            codes = self._codes.of(ids)
            self._meet(codes, ids)
            for code in dict.fromkeys(codes.tolist()):
                own = [one for one, of in zip(refused, codes, strict=True) if of == code]
                repeated += self._see_one(code, [(one.seq, one.ts, one.received) for one in own])
        return repeated

    def store_changes(self) -> int:
        """Store what was unusual, durable on return; return how many gaps went. Raises StoreUnavailable."""
        if not self._changed_runs and not self._dropped:
            return 0
        changes = GapChanges(
            runs=self._changed_runs.values(),
            forgotten=self._forgotten.items(),
            gaps=self._changed_gaps.values(),
            closed=self._closed,
            dropped=self._dropped,
        )
        self._gaps.apply(changes)
        dropped = self._dropped
        for kept in (self._changed_runs, self._changed_gaps, self._forgotten, self._closed):
            kept.clear()
        self._dropped = 0
        return dropped

    def flush(self) -> None:
        """Store how far devices have counted since the last flush. Raises StoreUnavailable."""
        moved = np.flatnonzero(self._moved)
        columns = (column[moved].tolist() for column in (self._run, self._last_seq, self._last_ts))
        self._gaps.advance([self._ids[code] for code in moved.tolist()], *columns)
        self._moved[moved] = 0

    def _see_frame(self, frame: pl.DataFrame, codes: Codes) -> int:
        """Let devices that count by one, in order, take one step; look at the others one by one.

        One that was never met may begin anywhere.
        """
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        seq, ts = frame["seq"].to_numpy()[order], frame["ts"].to_numpy()[order]
        starts = np.flatnonzero(np.diff(codes, prepend=_NONE))
        ends = np.append(starts[1:], len(codes)) - 1
        devices = codes[starts]
        before_seq, before_ts = np.roll(seq, 1), np.roll(ts, 1)
        new = self._last_seq[devices] == _NONE
        before_seq[starts] = np.where(new, seq[starts] - 1, self._last_seq[devices])
        before_ts[starts] = np.where(new, ts[starts] - 1, self._last_ts[devices])
        usual = np.logical_and.reduceat((seq == before_seq + 1) & (ts > before_ts), starts)
        begins, first, last = (part[usual & new] for part in (devices, starts, ends))
        self._begin(begins, seq[first], ts[first], seq[last], ts[last])
        usual_known = usual & ~new
        went, last = devices[usual_known], ends[usual_known]
        self._last_seq[went], self._last_ts[went], self._moved[went] = seq[last], ts[last], 1
        if usual.all():
            return 0
        received = frame["received"].to_numpy()[order]
        repeated = 0
        for code, start, end in zip(devices[~usual], starts[~usual], ends[~usual] + 1, strict=True):
            own = (part[start:end].tolist() for part in (seq, ts, received))
            repeated += self._see_one(int(code), list(zip(*own, strict=True)))
        return repeated

    def _begin(
        self, devices: Codes, first_seq: Column, first_ts: Column, last_seq: Column, last_ts: Column
    ) -> None:
        """Take the first run of each device. Shapes: (devices,)."""
        columns = (np.ones_like(devices), first_seq, first_ts, last_seq, last_ts)
        newest = (self._run, self._first_seq, self._first_ts, self._last_seq, self._last_ts)
        for kept, values in zip(newest, columns, strict=True):
            kept[devices] = values
        for code, *run in zip(devices.tolist(), *(values.tolist() for values in columns), strict=True):
            device = self._ids[code]
            self._changed_runs[device, 1] = StoredRun(device, *run)

    def _see_one(self, code: int, readings: Sequence[_Reading]) -> int:
        track = self._track(code)
        gaps_before = set(track.gaps)
        caught_up = code in self._lagging
        if caught_up:
            self._catch_up(code, track, readings[0])
        outcomes = [track.see(*reading) for reading in readings]
        self._keep(code, track)
        if caught_up or not set(outcomes) <= _UNCHANGED:
            self._note_changes(code, track, gaps_before)
        return outcomes.count(Seen.REPEATED)

    def _catch_up(self, code: int, track: Track, following: _Reading) -> None:
        """Take what was stored before a crash and not noted here any more.

        Where it cannot be had, no gap is claimed up to the reading that follows.
        """
        kind, newest = self._lagging[code]
        last = track.runs[-1]
        stored = self._stored_since(kind, self._ids[code], last.last_ts + 1, newest + 1)
        if stored is None:
            seq, ts, _ = following
            if ts is not None and ts > last.last_ts and seq > last.last_seq:
                last.last_seq = seq - 1
        else:
            for ts, seq in stored.iter_rows():
                track.see(int(seq), ts, ts)
        del self._lagging[code]

    def _stored_since(self, kind: Kind, device: str, start: int, end: int) -> pl.DataFrame | None:
        if self._asked >= _DEVICES_ASKED or start >= end:
            return None
        try:
            found = self._store.history(kind, device, ["seq"], start, end, _READINGS_ASKED)
        except SweepwatchError as error:
            if error.retryable:
                raise
            log.warning("how far %s had counted cannot be read back: %s", device, error)
            return None
        self._asked += 1
        return found.drop_nulls("seq").select("ts", "seq")

    def _note_changes(self, code: int, track: Track, gaps_before: set[Gap]) -> None:
        device = self._ids[code]
        for run in track.runs:
            self._changed_runs[device, run.number] = self._stored(code, run)
        self._moved[code] = 0
        if track.runs[0].number > 1:
            self._forgotten[device] = track.runs[0].number
        gaps = set(track.gaps)
        for gap in gaps_before - gaps:
            self._changed_gaps.pop((device, *gap[:2]), None)
            self._closed.add((device, *gap[:2]))
        for gap in gaps - gaps_before:
            self._changed_gaps[device, *gap[:2]] = StoredGap(device, *gap)
            self._closed.discard((device, *gap[:2]))
        self._dropped += track.dropped

    def _track(self, code: int) -> Track:
        newest = [] if self._last_seq[code] == _NONE else [self._newest(code)]
        return Track([*self._older.get(code, ()), *newest], list(self._open.get(code, ())))

    def _keep(self, code: int, track: Track) -> None:
        self._put_newest(code, track.runs[-1])
        for kept, value in ((self._older, track.runs[:-1]), (self._open, track.gaps)):
            if value:
                kept[code] = value  # type: ignore[assignment]  # each dict takes its own
            else:
                kept.pop(code, None)

    def _newest(self, code: int) -> Run:
        columns = (self._run, self._first_seq, self._first_ts, self._last_seq, self._last_ts)
        return Run(*(int(column[code]) for column in columns))

    def _put_newest(self, code: int, run: Run) -> None:
        self._run[code] = run.number
        self._first_seq[code], self._first_ts[code] = run.first_seq, run.first_ts
        self._last_seq[code], self._last_ts[code] = run.last_seq, run.last_ts

    def _stored(self, code: int, run: Run) -> StoredRun:
        return StoredRun(self._ids[code], run.number, run.first_seq, run.first_ts, run.last_seq, run.last_ts)

    def _meet(self, codes: Codes, device_ids: pl.Series) -> None:
        """Make room for devices with numbers never met, and keep their ids."""
        size = int(codes.max(initial=_NONE)) + 1
        if size > len(self._ids):
            self._make_room(size)
            met, places = np.unique(codes, return_index=True)
            for code, device in zip(met.tolist(), device_ids.gather(places).to_list(), strict=True):
                self._ids[code] = device

    def _make_room(self, size: int) -> None:
        self._ids.extend([""] * (size - len(self._ids)))
        self._last_seq = grown(self._last_seq, size, _NONE)
        self._run, self._first_seq, self._first_ts, self._last_ts, self._moved = (
            grown(column, size, 0)
            for column in (self._run, self._first_seq, self._first_ts, self._last_ts, self._moved)
        )
