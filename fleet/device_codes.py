"""Small numbers for device ids, so that what is known of devices can be kept in arrays."""

import numpy as np
import polars as pl

Codes = np.ndarray[tuple[int], np.dtype[np.int64]]


class DeviceCodes:
    """Gives each device id the same number for as long as this object lives."""

    def __init__(self) -> None:
        self._type = pl.Categorical(pl.Categories.random())
        # polars forgets the numbers once no column that has them is left.
        self._anchor = pl.Series([""]).cast(self._type)

    def of(self, device_ids: pl.Series) -> Codes:
        """Return the number of each id. Shape: that of `device_ids`."""
        return device_ids.cast(self._type).to_physical().to_numpy().astype(np.int64)

    def ids(self, codes: Codes) -> list[str]:
        """Return the ids that have these numbers, which were given before."""
        return pl.Series(codes.astype(np.uint32)).cat.to(self._type).cast(pl.String).to_list()


def grown(array: np.ndarray[tuple[int], np.dtype[np.int64]], size: int, fill: int) -> Codes:
    """Return `array` with room for at least `size` entries; those that are new hold `fill`."""
    if size <= len(array):
        return array
    larger = np.full(max(size, 2 * len(array)), fill, dtype=np.int64)
    larger[: len(array)] = array
    return larger
