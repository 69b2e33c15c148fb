"""Small numbers for device ids, so that what is known of devices can be kept in arrays."""

from typing import NamedTuple

import numpy as np
import polars as pl

from fleet.readings import ReadingBatch

Codes = np.ndarray[tuple[int], np.dtype[np.int64]]


class CodedBatch(NamedTuple):
    """A batch with the number of each row's device."""

    batch: ReadingBatch
    codes: Codes


class DeviceCodes:
    """Gives each device id the same number for as long as this object lives."""

    def __init__(self) -> None:
        self._type = pl.Categorical(pl.Categories.random())
        # polars forgets the numbers once no column that has them is left.
        self._anchor = pl.Series([""]).cast(self._type)

    def of(self, device_ids: pl.Series) -> Codes:
        """Return the number of each id. Shape: that of `device_ids`."""
        return device_ids.cast(self._type).to_physical().to_numpy().astype(np.int64)


def grown(array: np.ndarray[tuple[int], np.dtype[np.int64]], size: int, fill: int) -> Codes:
    """Return `array` with room for at least `size` entries; those that are new hold `fill`."""
    if size <= len(array):
        return array
    larger = np.full(max(size, 2 * len(array)), fill, dtype=np.int64)
    larger[: len(array)] = array
    return larger
