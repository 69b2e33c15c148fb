"""One column of theirs as one signal of ours: converted and checked as ingest checks what devices send."""

from collections.abc import Callable
from math import isnan
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from fleet.readings import STATE_TYPE
from fleet.signals import Form
from fleet.wire import Dropped
from ingest.decode.values import check_of
from ingest.dialects.mapping import Source, from_text

Rows = np.ndarray[tuple[int], np.dtype[np.intp]]
_TYPES: dict[Form, pl.DataType] = {
    Form.NUMBER: pl.Float64(),
    Form.WHOLE: pl.Float64(),
    Form.BOOLEAN: pl.Boolean(),
    Form.STATE: STATE_TYPE,
    Form.TEXT: pl.String(),
}


class DroppedValues(NamedTuple):
    """The rows of a column whose values were dropped for one reason."""

    reason: Dropped
    rows: Rows


class Converted(NamedTuple):
    """A signal's column, null where nothing was measured or the value was dropped."""

    values: pl.Series
    dropped: list[DroppedValues]


def converted(source: Source, column: pl.Series, decimal: str = ".") -> Converted:
    """Return a column of theirs as the signal that it feeds."""
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if source.signal.is_numeric and source.values is None:
        return _numbers(source, column, decimal)
    return _word_by_word(source, column, decimal)


def numbers_of(column: pl.Series, decimal: str = ".") -> pl.Series:
    """Return a column as float64, null where it is no number; NaN is null."""
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        if decimal == ",":
            column = column.str.replace(",", ".", literal=True)
    if column.dtype == pl.Boolean:
        return pl.Series([None], dtype=pl.Float64).new_from_index(0, len(column))
    return column.cast(pl.Float64, strict=False)


def _numbers(source: Source, column: pl.Series, decimal: str) -> Converted:
    signal = source.signal
    found = numbers_of(column, decimal)
    dropped = (
        _where(Dropped.WRONG_TYPE, column.is_not_null() & found.is_null())
        if column.dtype != pl.Float64
        else []
    )
    if found.is_nan().any():
        found = found.fill_nan(None)
    factor, offset = source.convert if source.convert is not None else (1.0, 0.0)
    scale, shift = source.shape.scale, source.shape.offset
    changed = (factor, offset, scale, shift) != (1.0, 0.0, 1.0, 0.0)
    if changed:
        found = (found * factor + offset) * scale + shift
    if signal.form is Form.WHOLE:
        if changed:
            found = found.floor()
        elif (broken := found != found.floor()).any():
            dropped += _where(Dropped.WRONG_TYPE, broken)
            found = found.set(broken.fill_null(False), None)
    low, high = found.min(), found.max()
    if low is not None and (low < signal.low or high > signal.high):  # type: ignore[operator]  # of floats
        outside = (found < signal.low) | (found > signal.high)
        dropped += _where(Dropped.OUT_OF_RANGE, outside)
        found = found.set(outside.fill_null(False), None)
    return Converted(found, dropped)


def _word_by_word(source: Source, column: pl.Series, decimal: str) -> Converted:
    """Convert each value that occurs once, and lay the results over the column."""
    check, form = check_of(source.signal), source.signal.form
    words = column.unique().drop_nulls()
    became: list[Any] = []
    fates: dict[Dropped, list[Any]] = {}
    for word in words:
        checked = _checked(source, check, form, word, decimal)
        if isinstance(checked, Dropped):
            fates.setdefault(checked, []).append(word)
            checked = None
        became.append(checked)
    kept = pl.Series(became, dtype=_TYPES[form])
    if words.is_empty():
        values = pl.Series([None], dtype=_TYPES[form]).new_from_index(0, len(column))
    else:
        values = column.replace_strict(words, kept, default=None, return_dtype=_TYPES[form])
    dropped = [
        DroppedValues(
            reason, column.is_in(pl.Series(gone, dtype=column.dtype).implode()).arg_true().to_numpy()
        )
        for reason, gone in fates.items()
    ]
    return Converted(values, dropped)


def _checked(source: Source, check: Callable[[Any], Any], form: Form, word: Any, decimal: str) -> Any:
    raw = word.strip() if isinstance(word, str) else word
    if isinstance(raw, float) and isnan(raw):
        return None
    if source.values is None and isinstance(raw, str) and form is Form.BOOLEAN:
        raw = from_text(raw.lower(), form)
    value = source.value(raw)
    if isinstance(value, str) and source.signal.is_numeric:
        value = from_text(value.replace(",", ".") if decimal == "," else value, form)
    return value if value is None or isinstance(value, Dropped) else check(value)


def _where(reason: Dropped, mask: pl.Series) -> list[DroppedValues]:
    rows = mask.fill_null(False).arg_true().to_numpy()
    return [DroppedValues(reason, rows)] if len(rows) else []
