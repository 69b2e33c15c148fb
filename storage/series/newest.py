"""The newest stored time of each device: what lets most readings pass without a look at what is stored."""

from collections.abc import Mapping

import numpy as np
import numpy.ma  # Polars asks for it with the first array: rather at the start
import polars as pl

from fleet.device_codes import Codes, DeviceCodes, grown

_NEVER = np.iinfo(np.int64).min


class NewestTimes:
    """The newest time (epoch ms) of each device of one kind, in an array.

    Of a large fleet each row of a batch may be another device's: a dictionary takes half a microsecond a row.
    """

    def __init__(self, known: Mapping[str, int]) -> None:
        self._codes = DeviceCodes()
        self._times = np.zeros(0, dtype=np.int64)
        if known:
            codes = self.codes(pl.Series(list(known), dtype=pl.String))
            self._times[codes] = list(known.values())

    def codes(self, device_ids: pl.Series) -> Codes:
        """Return the numbers by which devices are known here. Shape: (rows,)."""
        codes = self._codes.of(device_ids)
        self._times = grown(self._times, int(codes.max(initial=0)) + 1, _NEVER)
        return codes

    def not_newer(self, codes: Codes, ts: pl.Series) -> pl.Series:
        """Return which rows are not after the newest time of their device. Shape: (rows,)."""
        return pl.Series(ts.to_numpy() <= self._times[codes])

    def rise(self, codes: Codes, ts: pl.Series) -> None:
        """Take the times of rows that are stored now."""
        np.maximum.at(self._times, codes, ts.to_numpy())

    def as_dict(self) -> dict[str, int]:
        """Return the newest time by device."""
        known = np.flatnonzero(self._times != _NEVER)
        return dict(zip(self._codes.ids(known), self._times[known].tolist(), strict=True))
