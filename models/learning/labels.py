"""Labels: for each row and fault, whether a confirmed repair says that the fault came within its horizon."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

POSITIVE, NEGATIVE, UNKNOWN = 1, 0, -1
EARLY_HORIZONS = 2
"""Up to so many horizons before a repair a warning was early, not wrong."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What became of each row: `value`, and `noticed` when its next repair was opened. Shapes: (rows,)."""

    value: NDArray[np.int8]
    noticed: NDArray[np.int64]

    def decides(self, until: NDArray[np.int64], horizon_ms: int) -> NDArray[np.bool_]:
        """Tell of which rows, known `until` (epoch ms), it is certain what acting would have been.

        Right where the fault came within its horizon, in vain where it did not for twice as long. Between the
        two acting is early: whoever goes finds the fault under way. That costs no more than going later.
        """
        early = (self.value == NEGATIVE) & (self.noticed - until <= EARLY_HORIZONS * horizon_ms)
        return np.asarray((self.value != UNKNOWN) & ~early)


def label(
    rows: pl.DataFrame, repairs: pl.DataFrame, doubtful: pl.DataFrame, horizon_ms: int, end: int
) -> Labels:
    """Label rows for one fault, in their order.

    `rows` has device_id and until (epoch ms: what is known then is used). `repairs` are the fault's own:
    device_id, opened, ended; `doubtful` its tickets still open: device_id, ts. History ends at `end`.
    POSITIVE: a repair opened in (until, until + horizon]. UNKNOWN: the device was broken or being repaired
    (opened <= until < ended), the horizon is not yet over at `end`, or a ticket within it is still open.
    """
    until = rows["until"].to_numpy()
    coming = _next(rows, repairs.select("device_id", ts="opened"))
    result = np.where((coming > until) & (coming <= until + horizon_ms), POSITIVE, NEGATIVE)
    censored = (until + horizon_ms > end) | (_next(rows, doubtful) <= until + horizon_ms)
    result = np.where((result == NEGATIVE) & censored, UNKNOWN, result)
    result = np.where(_ended_after(rows, repairs) > until, UNKNOWN, result)
    return Labels(result.astype(np.int8), coming)


_NEVER = 2**62


def _next(rows: pl.DataFrame, events: pl.DataFrame) -> NDArray[np.int64]:
    """Return the time of the first event after each row's `until`; a time never reached for none."""
    found = _asof(rows, events.select("device_id", "ts"), "forward", after=1)
    return found["ts"].fill_null(_NEVER).to_numpy()


def _ended_after(rows: pl.DataFrame, repairs: pl.DataFrame) -> NDArray[np.int64]:
    """Return when the newest repair opened up to each row's `until` ended, or the latest of those; else 0."""
    latest = repairs.sort("opened").select(
        "device_id", ts="opened", ended=pl.col("ended").cum_max().over("device_id")
    )
    return _asof(rows, latest, "backward", after=0)["ended"].fill_null(0).to_numpy()


def _asof(rows: pl.DataFrame, events: pl.DataFrame, strategy: str, after: int) -> pl.DataFrame:
    left = rows.select("device_id", at=pl.col("until") + after).with_row_index("order").sort("at")
    found = left.join_asof(
        events.sort("ts"),
        left_on="at",
        right_on="ts",
        by="device_id",
        strategy=strategy,  # type: ignore[arg-type]
        check_sortedness=False,
        coalesce=False,
    )
    return found.sort("order")
