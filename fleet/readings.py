"""ReadingBatch: the currency between stages, columns for one kind of device."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleet.signals import ROBOT_STATES, Form, Kind, SignalTable

STATE_TYPE = pl.Enum(ROBOT_STATES)
KEY_COLUMNS: dict[str, pl.DataType] = {
    "device_id": pl.String(),
    "site": pl.String(),
    "ts": pl.Int64(),
    "received": pl.Int64(),
    "seq": pl.Int64(),
}
"""Time columns are epoch milliseconds; `seq` is null where the device sent none."""

_COLUMN_TYPES: dict[Form, pl.DataType] = {
    Form.NUMBER: pl.Float64(),
    Form.WHOLE: pl.Float64(),
    Form.BOOLEAN: pl.Boolean(),
    Form.STATE: STATE_TYPE,
    Form.TEXT: pl.String(),
}


def batch_schema(signals: SignalTable, kind: Kind) -> dict[str, pl.DataType]:
    """Return the columns of a batch of `kind` with their types: the keys, then its signals in table order."""
    return KEY_COLUMNS | {signal.name: _COLUMN_TYPES[signal.form] for signal in signals.for_kind(kind)}


def completed(columns: Mapping[str, pl.Series], schema: Mapping[str, pl.DataType], rows: int) -> pl.DataFrame:
    """Return columns in the order of `schema`; those that are absent are null, `rows` long."""
    absent = {dtype for name, dtype in schema.items() if name not in columns}
    nulls = {dtype: pl.Series([None], dtype=dtype).new_from_index(0, rows) for dtype in absent}
    return pl.DataFrame(
        [
            columns[name] if name in columns else nulls[dtype].alias(name)  # which share their memory
            for name, dtype in schema.items()
        ]
    )


@dataclass(frozen=True, slots=True)
class ReadingBatch:
    """Readings of one kind of device, one row each; a value that was not sent is null.

    `frame` has the columns of `batch_schema`, in that order. It is never changed in place.
    """

    kind: Kind
    frame: pl.DataFrame

    def __len__(self) -> int:
        return self.frame.height

    @classmethod
    def from_columns(
        cls, signals: SignalTable, kind: Kind, columns: dict[str, object], rows: int
    ) -> "ReadingBatch":
        """Build a batch from numpy arrays or lists; absent columns are null, and so is NaN in a number.

        Raises polars.exceptions.PolarsError when a column's values do not fit its type.
        """
        schema = batch_schema(signals, kind)
        series = {
            name: pl.Series(name, columns[name], dtype=dtype)  # type: ignore[arg-type]
            for name, dtype in schema.items()
            if name in columns
        }
        return cls(kind, completed(series, schema, rows).fill_nan(None))

    def values(self, signal: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return a numeric or boolean signal as float64, NaN where it was not sent. Shape: (rows,)."""
        return self.frame[signal].cast(pl.Float64).to_numpy()
