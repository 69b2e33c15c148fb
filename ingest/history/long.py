"""Files with one value a row: checked each by itself, then laid together to readings."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from fleet.text import quoted
from fleet.wire import Reason
from ingest.dialects.mapping import Mapper
from ingest.history.ledger import Turned
from ingest.history.origins import as_text
from ingest.history.shapes import TelemetryMap
from ingest.history.values import converted

UNKNOWN_SIGNAL = "unknown_signal"


def from_long(
    shape: TelemetryMap,
    mapper: Mapper,
    frame: pl.DataFrame,
    lines: np.ndarray[tuple[int], np.dtype[np.int64]],
    file: str,
    keys: Mapping[str, pl.Series],
    refused: list[Turned],
) -> tuple[pl.DataFrame, int]:
    """Return readings made of rows of values, and of how many rows; what is no value is a row refused."""
    assert shape.long is not None  # called for these alone
    names, values = as_text(frame[shape.long.name]), frame[shape.long.value]
    key = pl.DataFrame(list(keys.values()))
    parts: list[pl.DataFrame] = []
    taken = 0
    for name in names.unique(maintain_order=True):
        at = (names.is_null() if name is None else names == name).arg_true().to_numpy()
        sources = [] if name is None else mapper.named(name.strip())
        if not sources:
            refused.append(
                _turned(file, lines[at], UNKNOWN_SIGNAL, f"{quoted(name)} is no signal of the map")
            )
            continue
        good = np.ones(len(at), dtype=bool)
        made = []
        for source in sources:
            result = converted(source, values.gather(at), shape.decimal)
            for each in result.dropped:
                fresh = each.rows[good[each.rows]]
                good[fresh] = False
                refused.append(_turned(file, lines[at[fresh]], each.reason, f"{name}"))
            made.append(result.values.alias(source.signal.name))
        empty = good & np.logical_and.reduce([one.is_null().to_numpy() for one in made])
        if empty.any():
            refused.append(_turned(file, lines[at[empty]], Reason.NO_SIGNAL, f"{name} has no value"))
            good &= ~empty
        taken += int(good.sum())
        part = pl.DataFrame([*(one.gather(at) for one in key), *made]).filter(pl.Series(good))
        parts.append(part)
    if not taken:
        return key.clear(), 0
    whole = pl.concat(parts, how="diagonal")
    merged = whole.group_by("device_id", "ts", maintain_order=True).agg(pl.all().drop_nulls().last())
    return merged.sort("device_id", "ts"), taken


def _turned(file: str, lines: np.ndarray[tuple[int], np.dtype[np.int64]], reason: str, detail: str) -> Turned:
    return Turned(file, lines.tolist(), str(reason), lambda _row: detail)
