"""Values that were dropped while the rest of their message stayed: whose, which, why, and an example."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from fleet.wire import Dropped
from ingest.decode.shown import shown_value
from storage.records.dropped_values import DroppedValue


class Drop(NamedTuple):
    """One value of a signal (or of a key beside telemetry) that was dropped, and why."""

    signal: str
    reason: Dropped
    value: Any


class Drops:
    """The dropped values of some messages, summed up by device, signal and reason.

    `counts` is where they are counted by reason, for the ledger.
    """

    def __init__(self, counts: Counter[Dropped]) -> None:
        self._found: dict[tuple[str, str, str], DroppedValue] = {}
        self._counts = counts

    def add(self, device_id: str, drops: Iterable[Drop], seen: int) -> None:
        """Add what was dropped of one message of a device, received at `seen` (epoch ms)."""
        for drop in drops:
            self._counts[drop.reason] += 1
            self._merge(device_id, drop.signal, drop.reason, drop.value, 1, seen, seen)

    def add_column(
        self, signal: str, reason: Dropped, devices: pl.Series, values: pl.Series, received: pl.Series
    ) -> None:
        """Add what was dropped of one signal for one reason, a value a row, in the order of arrival."""
        self._counts[reason] += len(values)
        rows = pl.DataFrame({"device": devices, "value": values, "received": received})
        by_device = rows.group_by("device", maintain_order=True).agg(
            pl.col("value").last(),
            pl.len(),
            pl.col("received").min().alias("first"),
            pl.col("received").max().alias("last"),
        )
        for device, value, count, first, last in by_device.iter_rows():
            self._merge(device, signal, reason, value, count, first, last)

    def _merge(
        self, device: str, signal: str, reason: Dropped, value: Any, count: int, first: int, last: int
    ) -> None:
        key = (device, signal, str(reason))
        before = self._found.get(key)
        if before is None:
            self._found[key] = DroppedValue(*key, shown_value(value), count, first, last)
            return
        newer = last >= before.last_seen
        self._found[key] = DroppedValue(
            *key,
            shown_value(value) if newer else before.example,
            before.count + count,
            min(before.first_seen, first),
            max(before.last_seen, last),
        )

    def listed(self) -> list[DroppedValue]:
        """Return one item for each device, signal and reason, in order of when it was last seen."""
        return sorted(self._found.values(), key=lambda one: one.last_seen)
