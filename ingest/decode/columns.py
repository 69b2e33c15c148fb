"""From decoded rows to a ReadingBatch: readings without a time are dated, rows become columns."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from fleet.readings import ReadingBatch, batch_schema, completed
from fleet.signals import Kind, SignalTable
from ingest.decode.decoded import Columns, Row
from ingest.decode.times import next_free
from storage.ports import TelemetryStore

_LOOK_AHEAD_MS = 1_000


def date_undated(
    rows: Sequence[Row], kind: Kind, store: TelemetryStore, beside: pl.DataFrame | None = None
) -> None:
    """Give each row without a `ts` the next free millisecond of its device from its receipt on, in place.

    Free is what neither the store nor another row has, nor a reading of the same commit in `beside`. Raises
    StoreUnavailable; what was dated stays dated.
    """
    undated: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["ts"] is None:
            undated[str(row["device_id"])].append(row)
    if not undated:
        return
    taken = _dated(rows, undated, beside)
    newest = store.newest_known(kind)
    for device, waiting in undated.items():
        arrivals = [_ms(row["received"]) for row in waiting]
        if newest.get(device, -1) >= min(arrivals):
            taken[device] |= _stored(store, kind, device, arrivals, taken[device])
        for row, received in zip(waiting, arrivals, strict=True):
            row["ts"] = next_free(received, taken[device])
            taken[device].add(_ms(row["ts"]))


def _dated(rows: Sequence[Row], devices: Collection[str], beside: pl.DataFrame | None) -> dict[str, set[int]]:
    """Return the times that the readings of one commit have already, by device."""
    taken: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row["ts"] is not None and row["device_id"] in devices:
            taken[str(row["device_id"])].add(_ms(row["ts"]))
    if beside is not None:
        near = beside.filter(pl.col("device_id").is_in(list(devices)))
        for device, ts in near.select("device_id", "ts").iter_rows():
            taken[device].add(ts)
    return taken


def _ms(value: object) -> int:
    assert isinstance(value, int)  # key columns hold nothing else
    return value


def _stored(
    store: TelemetryStore, kind: Kind, device: str, arrivals: Sequence[int], taken: Collection[int]
) -> set[int]:
    """Return the stored times on which readings that came at `arrivals` could fall, next to those `taken`."""
    start, last = min(arrivals), max(arrivals)
    end = last + len(arrivals)
    while True:
        end += _LOOK_AHEAD_MS
        found = set(store.history(kind, device, [], start, end, end - start)["ts"].to_list())
        used = sum(last <= ts < end for ts in found.union(taken))
        if end - last - used >= len(arrivals):
            return found


def merged(
    columns: Columns | None, rows: Sequence[Row], places: Sequence[int], kind: Kind, signals: SignalTable
) -> ReadingBatch:
    """Return the readings of one kind, each device's in the order of its messages.

    `places` are those of the rows' messages.
    """
    if columns is None:
        return to_batch(rows, kind, signals)
    if not rows:
        return ReadingBatch(kind, columns.frame)
    few = pl.DataFrame(list(_present(rows, batch_schema(signals, kind)).values()))
    both = pl.concat([columns.frame, few], how="diagonal", rechunk=True)
    # To sort copies all readings: not for the sake of one device of which each message is taken alone.
    if columns.frame["device_id"].is_in(few["device_id"].implode()).any():
        both = both[np.argsort(np.concatenate([columns.at, places]), kind="stable")]
    return ReadingBatch(kind, both)


def to_batch(rows: Sequence[Row], kind: Kind, signals: SignalTable) -> ReadingBatch:
    """Return dated rows as columns; signals that no row has are null."""
    schema = batch_schema(signals, kind)
    return ReadingBatch(kind, completed(_present(rows, schema), schema, len(rows)))


def _present(rows: Sequence[Row], schema: Mapping[str, pl.DataType]) -> dict[str, pl.Series]:
    """Return the columns that any row has.

    JSON has no NaN, so that they are made without looking for it: at one row a commit, that is half of the
    cost of all.
    """
    present = set().union(*rows)
    return {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=dtype)
        for name, dtype in schema.items()
        if name in present
    }
