"""What a device said last, for readings that do not say it: many tell each value in a message of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from alerts.judging.windows.stretch import Bools, Floats, Ints, Readings, grown

_NEVER = -1


@dataclass
class _Said:
    """What each device said last of one thing, and when (epoch ms). Shapes: (devices,)."""

    value: Floats = field(default_factory=lambda: np.empty(0))
    at: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def as_numbers(column: pl.Series) -> Floats:
    """Return a column of numbers, states, or what is true or false as numbers, NaN where it has nothing."""
    if isinstance(column.dtype, pl.Enum):
        column = column.to_physical()
    if column.dtype != pl.Float64:
        column = column.cast(pl.Float64)
    return np.asarray(column.to_numpy(), dtype=np.float64)


class Coded:
    """Words, states, and what is true or false, as numbers and back; NaN is what was not said."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []

    def numbers(self, column: pl.Series) -> Floats:
        """Return a column as numbers. Shape: (rows,)."""
        if column.dtype == pl.String:
            column = pl.Series([None if text is None else self._code(text) for text in column.to_list()])
        return as_numbers(column)

    def words(self, numbers: Floats, dtype: pl.DataType) -> pl.Series:
        """Return numbers as a column of a type."""
        column = pl.Series(numbers, nan_to_null=True).cast(pl.UInt32)
        if isinstance(dtype, pl.Enum):
            return pl.Series(dtype.categories, dtype=dtype).gather(column)
        if dtype == pl.String:
            return pl.Series(self._texts, dtype=dtype).gather(column)
        return column.cast(dtype)

    def _code(self, text: str) -> int:
        found = self._codes.get(text)
        if found is None:
            found = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return found


class Held:
    """Fills columns of numbers with what the device said up to some ms before (`ages`, by name of column).

    After a silence of `gap_ms` nothing is known any more. A reading that comes late is filled with nothing,
    and fills nothing: what was so at its time nobody can tell.
    """

    def __init__(self, ages: Mapping[str, int], gap_ms: int) -> None:
        self._ages = ages
        self._gap_ms = gap_ms
        self._said = {name: _Said() for name in ages}
        self._heard = np.empty(0, dtype=np.int64)

    def fill(self, columns: Mapping[str, Floats], readings: Readings) -> dict[str, Floats]:
        """Return the columns that it holds, filled; NaN is what was not said. Shapes: (readings,).

        Values stand as in the frame that `readings` are of.
        """
        if not self._ages or not readings.order.size:
            return {name: columns[name] for name in self._ages}
        row, at = readings.moments.row, readings.moments.at
        self._heard = grown(self._heard, readings.rows, _NEVER)
        heard = self._heard[row]
        late = at < heard
        since = np.diff(at, prepend=0)
        first = readings.moments.first
        since[first] = np.where(late, 0, at - heard)[first]
        silent = since > self._gap_ms
        found = {name: self._filled(name, columns[name], readings, silent, late) for name in self._ages}
        last = readings.moments.last
        self._heard[row[last]] = np.maximum(heard[last], at[last])
        return found

    def _filled(self, name: str, values: Floats, readings: Readings, silent: Bools, late: Bools) -> Floats:
        row, at = readings.moments.row, readings.moments.at
        said = self._said[name]
        said.value, said.at = grown(said.value, readings.rows, np.nan), grown(said.at, readings.rows, _NEVER)
        value = values[readings.order]
        told = ~np.isnan(value)
        sources = told & ~late
        # Where each looks: at the last that said it, or else where its device, or its talking, begins.
        begins = silent | readings.moments.first
        mark = np.maximum.accumulate(np.where(sources | begins, np.arange(at.size), 0))
        filled = value
        if not told.all():
            within = sources[mark]
            when = np.where(within, at[mark], said.at[row])
            fits = ~told & ~late & (within | ~silent[mark]) & (at - when <= self._ages[name])
            filled = np.where(fits, np.where(within, value[mark], said.value[row]), value)
        last = readings.moments.last
        self._remember(said, row[last], mark[last], np.where(sources, value, np.nan), at, silent)
        found = np.empty_like(values)
        found[readings.order] = filled
        return found

    def _remember(self, said: _Said, row: Ints, mark: Ints, value: Floats, at: Ints, silent: Bools) -> None:
        """Keep what devices said last: where the last reading of each looks; after a silence nothing."""
        news = ~np.isnan(value[mark]) | silent[mark]
        said.value[row[news]] = value[mark[news]]
        said.at[row[news]] = at[mark[news]]
