"""Builds ReadingBatches for tests from plain rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from fleet.readings import ReadingBatch, batch_schema
from fleet.signals import STANDARD_SIGNALS, Kind


def batch_of(rows: Sequence[Mapping[str, Any]], kind: Kind = Kind.ROBOT) -> ReadingBatch:
    """Return a batch of `rows`; `site`, `received` and `seq` need not be given."""
    filled = [{"site": "s1", "received": row["ts"], "seq": None, **row} for row in rows]
    columns = {
        name: [row.get(name) for row in filled]
        for name in batch_schema(STANDARD_SIGNALS, kind)
        if any(name in row for row in filled)
    }
    return ReadingBatch.from_columns(STANDARD_SIGNALS, kind, columns, len(filled))
