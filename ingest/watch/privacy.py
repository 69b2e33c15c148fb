"""Keeps what may no longer be kept of a person from being stored again: it may come late, or again."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from fleet.clock import SECOND_MS, Clock
from fleet.personal import is_personal, personal_signals, plain_detail, without_personal
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from storage.records.database import DeskDatabase
from storage.records.devices import ReportedEvent
from storage.records.erasures import Erasure, all_erasures

_LOOK_EVERY_MS = 30 * SECOND_MS


class Privacy:
    """Takes personal values out of what is older than `personal_ms`, and of what somebody had erased.

    Erasures are looked for every 30 s; what came in meanwhile goes when the erasure is carried out again
    (access/personal.py). May raise StoreUnavailable.
    """

    def __init__(self, desk: DeskDatabase, clock: Clock, personal_ms: int) -> None:
        self._desk, self._clock, self._personal_ms = desk, clock, personal_ms
        self._erased: dict[str, list[Erasure]] = {}
        self._looked_at = 0

    def readings(self, batch: ReadingBatch) -> ReadingBatch:
        """Return a batch fit to be stored: the same, unless it is of wristbands."""
        if not personal_signals(batch.kind) or not len(batch):
            return batch
        now = self._clock.now_ms()
        frame = without_personal(batch.frame, batch.kind, "ts", now - self._personal_ms)
        return ReadingBatch(batch.kind, self._without_erased(frame, batch.kind, now))

    def events(
        self, events: Sequence[ReportedEvent], kind_of: Callable[[str], Kind | None]
    ) -> list[ReportedEvent]:
        """Return events fit to be stored; `kind_of` tells what a device is."""
        now = self._clock.now_ms()
        return [
            replace(one, detail=plain_detail(one.detail))
            if is_personal(kind_of(one.device_id) or "") and self._may_not_be_kept(one, now)
            else one
            for one in events
        ]

    def _may_not_be_kept(self, event: ReportedEvent, now: int) -> bool:
        spans = self._spans(now).get(event.device_id, ())
        old = event.ts < now - self._personal_ms
        return old or any(each.start <= event.ts < each.end for each in spans)

    def _without_erased(self, frame: pl.DataFrame, kind: Kind, now: int) -> pl.DataFrame:
        spans = self._spans(now)
        concerned = [device for device in frame["device_id"].unique() if device in spans] if spans else []
        if not concerned:
            return frame
        device, ts = pl.col("device_id"), pl.col("ts")
        gone = pl.any_horizontal(
            (device == each.device_id) & (ts >= each.start) & (ts < each.end)
            for name in concerned
            for each in spans[name]
        )
        return frame.with_columns(pl.when(~gone).then(pl.col(name)) for name in personal_signals(kind))

    def _spans(self, now: int) -> dict[str, list[Erasure]]:
        if not self._looked_at or now - self._looked_at >= _LOOK_EVERY_MS:
            with self._desk.transaction() as session:
                found = all_erasures(session)
            self._erased = {}
            for each in found:
                self._erased.setdefault(each.device_id, []).append(each)
            self._looked_at = now
        return self._erased
