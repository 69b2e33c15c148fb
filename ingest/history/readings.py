"""Blocks of telemetry as batches of checked readings: what is turned away is named, row by row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from fleet.clock import Clock
from fleet.readings import ReadingBatch, batch_schema, completed
from fleet.signals import Kind, SignalTable
from fleet.text import quoted
from fleet.wire import EARLIEST_TS, FUTURE_TOLERANCE_MS, MAX_SEQ, Reason
from ingest.dialects.mapping import Mapper
from ingest.history.ledger import Turned
from ingest.history.long import from_long
from ingest.history.origins import Mask
from ingest.history.owners import Owned, Owners
from ingest.history.shapes import TelemetryMap
from ingest.history.sources import Block
from ingest.history.times import Times
from ingest.history.values import converted, numbers_of

_TIMES = {
    "bad_ts": "the time cannot be read, or is before 2015",
    "future": "the time is in the future",
    "expired": "of so long ago only hourly tiles are kept",
}


@dataclass
class CheckedBlock:
    """What a block came to: `taken` rows in `batches`, others in `refused`; values that were `dropped`."""

    batches: list[ReadingBatch] = field(default_factory=list)
    taken: int = 0
    refused: list[Turned] = field(default_factory=list)
    dropped: list[Turned] = field(default_factory=list)


class ReadingMaker:
    """Makes readings of the blocks of files: a row of a block is one reading, or one value of it.

    `kept_until` is up to when (epoch ms) the store keeps only tiles of a kind: such rows are refused.
    """

    def __init__(
        self,
        shape: TelemetryMap,
        mappers: Mapping[Kind, Mapper],
        signals: SignalTable,
        owners: Owners,
        clock: Clock,
        kept_until: Mapping[Kind, int],
    ) -> None:
        self._shape, self._mappers, self._signals = shape, mappers, signals
        self._owners, self._clock, self._kept_until = owners, clock, kept_until
        self._times = Times(shape.time, "telemetry.time")

    def wanted(self, columns: Sequence[str]) -> tuple[set[str], set[str]]:
        """Return which columns of a file are read, and which of them are of numbers alone."""
        shape = self._shape
        origins = (shape.device, shape.kind, shape.site, shape.model)
        wanted = {each.source for each in origins if each is not None and each.source}
        plain = {shape.time.source, shape.seq, shape.received} - {None}
        numbers = {shape.seq, shape.received} - {None}
        if self._times.numeric and shape.time.source:
            numbers.add(shape.time.source)
        if shape.long is not None:
            wanted |= {shape.long.name, shape.long.value}
        else:
            for mapper in self._mappers.values():
                named = [name for name in columns if mapper.named(name)]
                wanted.update(named)
                numbers.update(name for name in named if all(_plain(each) for each in mapper.named(name)))
        return (wanted | plain) & set(columns), (numbers & set(columns)) - {None}  # type: ignore[return-value]

    def check(self, block: Block, path: Path) -> CheckedBlock:
        """Return the readings of a block, and what is turned away."""
        done = CheckedBlock(refused=list(block.turned))
        if block.frame.is_empty():
            return done
        owned = self._owners.of(block.frame, path)
        source = self._shape.time.source
        column = block.frame[source] if source is not None and source in block.frame.columns else None
        ts = self._times.read(column, block.numbers(self._shape))
        good = np.ones(block.frame.height, dtype=bool)
        for (reason, detail), mask in owned.refused.items():
            self._turn(done, block, path, good, mask, reason, detail)
        now = self._clock.now_ms()
        for kind, mine in owned.kinds.items():
            for reason, mask in self._untimely(ts, now, kind).items():
                both = mask if mine is None else mask & mine
                self._turn(done, block, path, good, both, reason, _TIMES[reason], column)
            self._make(done, block, path, owned, kind, ts, good if mine is None else good & mine)
        return done

    def _untimely(self, ts: pl.Series, now: int, kind: Kind) -> dict[str, Mask]:
        lowest, highest, oldest = ts.min(), ts.max(), self._kept_until.get(kind, 0)
        since = max(EARLIEST_TS, self._kept_until.get(kind, 0))
        timely = lowest is not None and lowest >= since  # type: ignore[operator]
        if ts.null_count() == 0 and timely and highest <= now + FUTURE_TOLERANCE_MS:  # type: ignore[operator]
            return {}
        times = ts.fill_null(0).to_numpy()
        return {
            "bad_ts": times < EARLIEST_TS,
            "future": times > now + FUTURE_TOLERANCE_MS,
            "expired": (times < oldest) & (times >= EARLIEST_TS),
        }

    def _turn(
        self,
        done: CheckedBlock,
        block: Block,
        path: Path,
        good: Mask,
        mask: Mask,
        reason: str,
        detail: str,
        column: pl.Series | None = None,
    ) -> None:
        """Refuse the rows of a mask that are not refused yet."""
        at = np.flatnonzero(good & mask)
        if not len(at):
            return
        good[at] = False

        def said(row: int) -> str:
            return detail if column is None else f"{detail}: {quoted(column[int(at[row])])}"

        done.refused.append(Turned(path.name, block.lines[at].tolist(), reason, said))

    def _make(
        self,
        done: CheckedBlock,
        block: Block,
        path: Path,
        owned: Owned,
        kind: Kind,
        ts: pl.Series,
        good: Mask,
    ) -> None:
        """Add the readings of one kind's good rows."""
        frame, lines, ids, sites = block.frame, block.lines, owned.ids, owned.sites
        if not good.all():
            at = np.flatnonzero(good)
            if not len(at):
                return
            frame, lines, ts = frame[at], lines[at], ts.gather(at)
            ids, sites = ids.gather(at), sites.gather(at)
        columns = {"device_id": ids.alias("device_id"), "site": sites.alias("site"), "ts": ts.alias("ts")}
        columns["received"] = self._received(frame, ts)
        if self._shape.seq is not None and self._shape.seq in frame.columns:
            columns["seq"] = _countable(frame[self._shape.seq])
        if self._shape.long is not None:
            made, taken = from_long(
                self._shape, self._mappers[kind], frame, lines, path.name, columns, done.refused
            )
        else:
            made, taken = self._wide(done, kind, frame, lines, path.name, columns)
        if not taken:
            return
        done.taken += taken
        schema = batch_schema(self._signals, kind)
        whole = completed({one.name: one for one in made}, schema, made.height)
        done.batches.append(ReadingBatch(kind, whole))

    def _received(self, frame: pl.DataFrame, ts: pl.Series) -> pl.Series:
        """Return when each arrived: as the file says, else when it was measured."""
        if self._shape.received is None or self._shape.received not in frame.columns:
            return ts.alias("received")
        said = numbers_of(frame[self._shape.received])
        return said.cast(pl.Int64, strict=False).alias("received").zip_with(said.is_not_null(), ts)

    def _wide(
        self,
        done: CheckedBlock,
        kind: Kind,
        frame: pl.DataFrame,
        lines: np.ndarray[tuple[int], np.dtype[np.int64]],
        file: str,
        columns: dict[str, pl.Series],
    ) -> tuple[pl.DataFrame, int]:
        """Return one reading a row; a row without any value left is refused."""
        found: dict[str, pl.Series] = {}
        dropped: list[Turned] = []
        for name in frame.columns:
            for source in self._mappers[kind].named(name):
                result = converted(source, frame[name], self._shape.decimal)
                signal = source.signal.name
                found[signal] = result.values.alias(signal)
                for each in result.dropped:
                    said = _values(frame[name], each.rows)
                    dropped.append(Turned(file, lines[each.rows].tolist(), each.reason, said, signal))
        empty = _without_values(found.values(), frame.height)
        if empty.any():
            at = np.flatnonzero(empty)
            why = "no signal has a value that can be taken"
            done.refused.append(Turned(file, lines[at].tolist(), Reason.NO_SIGNAL, lambda _row: why))
            gone = set(lines[at].tolist())
            dropped = [kept for each in dropped if (kept := _without(each, gone)) is not None]
        done.dropped += dropped
        made = pl.DataFrame([*columns.values(), *found.values()])
        return (made.filter(pl.Series(~empty)) if empty.any() else made), frame.height - int(empty.sum())


def _plain(source: object) -> bool:
    return source.signal.is_numeric and source.values is None  # type: ignore[attr-defined]


def _values(column: pl.Series, rows: np.ndarray[tuple[int], np.dtype[np.intp]]):  # type: ignore[no-untyped-def]
    return lambda row: quoted(column[int(rows[row])])


def _without(turned: Turned, gone: Collection[int]) -> Turned | None:
    """Return dropped values without those of lines that are refused whole: they are not counted."""
    kept = [row for row, line in enumerate(turned.lines) if line not in gone]
    if len(kept) == len(turned.lines):
        return turned
    lines = [turned.lines[row] for row in kept]
    return (
        Turned(turned.file, lines, turned.reason, lambda row: turned.detail(kept[row]), turned.what)
        if kept
        else None
    )


def _without_values(columns: Collection[pl.Series], rows: int) -> Mask:
    empty = np.ones(rows, dtype=bool)
    for column in columns:
        if not column.null_count():
            return np.zeros(rows, dtype=bool)
        empty &= column.is_null().to_numpy()
    return empty


def _countable(column: pl.Series) -> pl.Series:
    seq = numbers_of(column)
    good = ((seq >= 0) & (seq < MAX_SEQ) & (seq == seq.floor())).fill_null(False)
    return (seq if good.all() else seq.set(~good, None)).cast(pl.Int64).alias("seq")
