"""From payloads of one kind of device, one a line, to checked columns, as docs/wire.md has it.

Rows that would be refused, or whose fate the columns cannot tell, are given back: the LineDecoder takes them.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
import polars as pl

from fleet.readings import STATE_TYPE
from fleet.signals import MAX_COUNT, ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.wire import EARLIEST_TS, FUTURE_TOLERANCE_MS, MAX_SEQ, Dropped, is_code

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Times = np.ndarray[tuple[int], np.dtype[np.int64]]

_PARSED_TYPES: dict[Form, pl.DataType] = {
    Form.NUMBER: pl.Float64(),
    Form.WHOLE: pl.Float64(),
    Form.BOOLEAN: pl.Boolean(),
    Form.STATE: pl.String(),
    Form.TEXT: pl.String(),
}
_FULL_AFTER_MISS = 50
_COLON, _BREAK = b":\n"
RARE = 100
"""One odd line in so many is that of a device out of order, not of a fleet that writes otherwise."""
_PIECE = 64
_MOST_ASKED = 4 * _PIECE
"""Lines of a batch about which the parser is asked one by one: each takes half a millisecond."""


class Checked(NamedTuple):
    """What is left of a batch: `columns` (`ts`, `seq`, signals) of the rows that `kept` marks; and drops."""

    columns: dict[str, pl.Series]
    kept: Mask
    dropped: "list[ColumnDrops]"


class ColumnDrops(NamedTuple):
    """The values of a signal that were dropped for one reason: `rows` of the batch, and what stood there."""

    signal: str
    reason: Dropped
    rows: Times
    values: pl.Series


class Parsed(NamedTuple):
    """Rows of lines, without those that `odd` marks: few of them say what the others do not."""

    frame: pl.DataFrame
    odd: Mask | None


class Salvaged(NamedTuple):
    """What was parsed of refused lines: the rows of the `sound` ones; `culprits` were refused by themselves.

    What is neither is unharmed, but nobody had the time to find the culprit beside it.
    """

    frame: pl.DataFrame
    sound: Mask
    culprits: Mask


class ColumnParser:
    """Parses and checks the payloads of one kind of device.

    Parsing takes time for each column, so that only those are asked for that came of late; when the colons in
    the text are as many as the values found, there was nothing else in it. Where only few lines say more,
    these are given back, so that one device with a key of its own makes no batch be parsed twice.
    """

    def __init__(self, signals: SignalTable, kind: Kind) -> None:
        self._signals = signals.for_kind(kind)
        keys = {"ts": pl.Float64(), "seq": pl.Float64()}
        self._schema = keys | {signal.name: _PARSED_TYPES[signal.form] for signal in self._signals}
        self._recent = self._schema
        self._full_for = 0

    def parse(self, joined: bytes, rows: int, colons: int) -> Parsed:
        """Return the columns that have any value, one row a line but for odd lines; `joined` has `colons`.

        Raises ComputeError when some line is no JSON, holds a value of a wrong type, or is no row at all.
        """
        frame = _read(joined, self._recent, rows)
        odd = None
        if self._recent is not self._schema and _values(frame) != colons:
            odd = _saying_more(frame, joined)
            if np.count_nonzero(odd) * RARE <= rows:
                frame = frame.filter(~odd)
            else:
                odd = None
                frame = _read(joined, self._schema, rows)
                self._full_for = _FULL_AFTER_MISS
        present = [column.name for column in frame if column.null_count() < frame.height]
        self._full_for -= 1
        full = self._full_for > 0
        self._recent = self._schema if full else {name: self._schema[name] for name in present}
        return Parsed(frame.select(present), odd)

    def salvage(self, lines: Sequence[bytes], fits: Callable[[bytes], bool]) -> Salvaged:
        """Return what can be parsed of lines that were refused together.

        They are halved until what is refused is small; there `fits` is asked about each line, and, where it
        knows no fault (the parser objects to something that JSON allows, a key twice, say), the parser.
        """
        sound, culprits = np.ones(len(lines), dtype=bool), np.zeros(len(lines), dtype=bool)
        frames = [pl.DataFrame(schema=self._schema)]
        pieces, left_to_ask = _halves(0, len(lines)), _MOST_ASKED
        while pieces:
            start, stop = pieces.pop()
            frame = self._taken(lines[start:stop])
            if frame is None and stop - start > _PIECE:
                pieces += _halves(start, stop)
                continue
            if frame is None:
                fine = np.fromiter(map(fits, lines[start:stop]), dtype=bool, count=stop - start)
                if fine.all() and left_to_ask >= stop - start:
                    left_to_ask -= stop - start
                    fine = np.array([self._taken([line]) is not None for line in lines[start:stop]])
                culprits[start:stop] = ~fine
                frame = self._taken(list(compress(lines[start:stop], fine)))
                sound[start:stop] = fine & (frame is not None)
            if frame is not None:
                frames.append(frame)
        whole = pl.concat(frames)
        present = [column.name for column in whole if column.null_count() < whole.height]
        return Salvaged(whole.select(present) if present else whole, sound, culprits)

    def _taken(self, lines: Sequence[bytes]) -> pl.DataFrame | None:
        """Return lines as columns, or None where the parser refuses them."""
        if not lines:
            return pl.DataFrame(schema=self._schema)
        try:
            return _read(b"\n".join(lines), self._schema, len(lines))
        except pl.exceptions.ComputeError:
            return None

    def check(self, frame: pl.DataFrame, lines: Sequence[bytes], received: Times, retention: int) -> Checked:
        """Check parsed rows; `received` (epoch ms) is when each came. Shapes: (rows,)."""
        if "ts" not in frame.columns:
            return Checked({}, np.zeros(frame.height, dtype=bool), [])
        kept = _timely(frame["ts"], received, retention)
        work = _Work(frame, lines, kept)
        columns = {
            signal.name: work.check(signal) for signal in self._signals if signal.name in frame.columns
        }
        columns = {name: column for name, column in columns.items() if column.null_count() < len(column)}
        seq = frame["seq"] if "seq" in frame.columns else pl.Series("seq", [None], dtype=pl.Float64)
        if (seq.max() or 0.0) >= MAX_SEQ:  # type: ignore[operator]  # a float, since the column is of floats
            kept &= ~_mask(seq == float(MAX_SEQ))  # 2**53 or one more: a float cannot tell
        kept &= _any_value(columns.values(), frame.height)
        dropped = work.dropped(kept)
        whole = frame.height == len(kept) and kept.all()
        columns["ts"] = frame["ts"].cast(pl.Int64, strict=False)
        if "seq" in frame.columns:
            columns["seq"] = _whole_numbers(seq)
        if not whole:
            chosen = pl.Series(kept)
            columns = {name: column.filter(chosen) for name, column in columns.items()}
        return Checked(columns, kept, dropped)


def _halves(start: int, stop: int) -> list[tuple[int, int]]:
    """Return both halves of a range, the first one last."""
    middle = (start + stop) // 2
    return [(middle, stop), (start, middle)]


def _saying_more(frame: pl.DataFrame, joined: bytes) -> Mask:
    """Return which lines have more colons than the frame has values of them. Shape: (lines,)."""
    text = np.frombuffer(joined, dtype=np.uint8)
    begins = np.append(0, np.flatnonzero(text == _BREAK) + 1)
    colons = np.add.reduceat((text == _COLON).view(np.uint8), begins, dtype=np.int64)
    values = frame.select(pl.sum_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    more: Mask = colons != values
    return more


def _values(frame: pl.DataFrame) -> int:
    return frame.height * frame.width - int(sum(frame.null_count().row(0)))


def _read(joined: bytes, schema: dict[str, pl.DataType], rows: int) -> pl.DataFrame:
    frame = pl.read_ndjson(joined, schema=schema)
    if frame.height != rows:
        raise pl.exceptions.ComputeError(f"{rows} lines gave {frame.height} rows")
    return frame


def _timely(ts: pl.Series, received: Times, retention: int) -> Mask:
    times = ts.fill_null(0.0).to_numpy()
    oldest = np.maximum(EARLIEST_TS, received - retention)
    result: Mask = (times >= oldest) & (times < received + (FUTURE_TOLERANCE_MS + 1))
    return result


def _mask(series: pl.Series) -> Mask:
    return series.fill_null(False).to_numpy()


def _any_value(columns: object, rows: int) -> Mask:
    """Return which rows have a value in any of the columns."""
    found = np.zeros(rows, dtype=bool)
    for column in columns:  # type: ignore[attr-defined]
        if not column.null_count():
            return np.ones(rows, dtype=bool)
        found |= column.is_not_null().to_numpy()
    return found


def _whole_numbers(seq: pl.Series) -> pl.Series:
    low, high = seq.min(), seq.max()
    if low is None or low < 0 or high > MAX_SEQ or not (seq.floor() == seq).all():  # type: ignore[operator]
        countable = (seq >= 0) & (seq <= float(MAX_SEQ)) & (seq.floor() == seq)
        seq = seq.set(~countable.fill_null(True), None)
    return seq.cast(pl.Int64)


class _Work:
    """The check of one batch: drops values, and clears rows in `kept` that must be looked at one by one."""

    def __init__(self, frame: pl.DataFrame, lines: Sequence[bytes], kept: Mask) -> None:
        self._frame = frame
        self._lines = lines
        self._kept = kept
        self._drops: list[tuple[str, Dropped, Mask]] = []

    def dropped(self, kept: Mask) -> list[ColumnDrops]:
        """Return what was dropped of the rows that stay: only those cells are looked at."""
        found = []
        for signal, reason, where in self._drops:
            rows = np.flatnonzero(where & kept)
            if len(rows):
                found.append(ColumnDrops(signal, reason, rows, self._frame[signal].gather(rows)))
        return found

    def check(self, signal: Signal) -> pl.Series:
        """Return a signal's column as it is stored."""
        column = self._frame[signal.name]
        match signal.form:
            case Form.NUMBER:
                return self._in_range(column, signal)
            case Form.WHOLE:
                return self._in_range(self._whole(column, signal), signal)
            case Form.BOOLEAN:
                return column
            case Form.STATE:
                return self._states(column)
            case Form.TEXT:
                return self._texts(column, signal)

    def _drop(self, column: pl.Series, reason: Dropped, where: pl.Series) -> pl.Series:
        where = where.fill_null(False)
        self._drops.append((column.name, reason, where.to_numpy()))
        return column.set(where, None)

    def _in_range(self, column: pl.Series, signal: Signal) -> pl.Series:
        low, high = column.min(), column.max()
        if low is None or (low >= signal.low and high <= signal.high):  # type: ignore[operator]
            return column
        return self._drop(column, Dropped.OUT_OF_RANGE, (column < signal.low) | (column > signal.high))

    def _whole(self, column: pl.Series, signal: Signal) -> pl.Series:
        if signal.high == MAX_COUNT and (column.max() or 0.0) >= MAX_COUNT:  # type: ignore[operator]
            self._kept &= ~_mask(column == MAX_COUNT)  # 2**53 or one more: a float cannot tell
        broken = column.floor() != column
        return self._drop(column, Dropped.WRONG_TYPE, broken) if broken.any() else column

    def _states(self, column: pl.Series) -> pl.Series:
        unknown = [text for text in column.unique() if text is not None and text not in ROBOT_STATES]
        if unknown:
            where = column.is_in(unknown)
            self._look_closer(column.name, where)
            column = self._drop(column, Dropped.UNKNOWN_STATE, where)
        return column.cast(STATE_TYPE)

    def _texts(self, column: pl.Series, signal: Signal) -> pl.Series:
        texts = [text for text in column.unique() if text is not None]
        scalars = [text for text in texts if text[:1] in _SCALAR_STARTS]
        if scalars:
            self._look_closer(column.name, column.is_in(scalars))
        if "" in texts and not signal.clearable:
            column = column.set(column == "", None)
        bad = [text for text in texts if text and not is_code(text)]
        return self._drop(column, Dropped.BAD_TEXT, column.is_in(bad)) if bad else column

    def _look_closer(self, name: str, where: pl.Series) -> None:
        """Give rows back whose value may have been a number or a bool: the parser made text of it."""
        marks = (f'"{name}":"'.encode(), f'"{name}": "'.encode())
        for row in where.fill_null(False).arg_true().to_list():
            if not any(mark in self._lines[row] for mark in marks):
                self._kept[row] = False


_SCALAR_STARTS = frozenset("-0123456789tf")
