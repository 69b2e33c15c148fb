"""What a decoder makes of messages, in a form that can be compared; and decoders with a guard taken out."""

import inspect
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.decode import bulk
from ingest.decode.columns import date_undated, merged
from ingest.decode.decoded import Decoded, Decoder
from ingest.decode.lines import LineDecoder
from ingest.messages import Message
from ingest.watch.roster import Roster
from ingest.watch.summaries import Summaries
from storage.records.devices import Placement


class Empty:
    """A store without a reading, as far as dating needs it."""

    def newest_known(self, _: Kind) -> dict[str, int]:
        return {}


def roster_of(known: dict[str, Placement]) -> Roster:
    made = Roster(lambda _: {}, open_registration=True)
    made.load(known)
    return made


def outcome(decoder: Decoder, batch: Sequence[Message]) -> dict[str, Any]:
    """Return what is compared: batches, evidence, news and counts."""
    out: Decoded = decoder.decode(batch)
    frames = {}
    for kind in sorted({*out.rows, *out.columns}):
        columns, rows = out.columns.get(kind), out.rows.get(kind, [])
        date_undated(rows, kind, Empty(), columns.frame if columns else None)  # type: ignore[arg-type]
        made = merged(columns, rows, out.rows_at.get(kind, []), kind, STANDARD_SIGNALS)
        # Of each device in the order of its messages: that is all that anything depends on.
        frames[kind] = (made.frame.sort("device_id", maintain_order=True).rows(), made.frame.schema)
    counts = out.counts
    return {
        "frames": frames,
        "refused": out.refused,
        "seen": heard(out),
        "statuses": out.news.statuses,
        "counts": (counts.received, +counts.quarantined, +counts.dropped, +counts.messages),
    }


def heard(out: Decoded) -> dict[str, int]:
    """Return when each device was last heard, as the desk is told it."""
    summaries = Summaries()
    summaries.add_news(out.news)
    for columns in out.columns.values():
        summaries.add_heard(columns)
    return {one.device_id: one.last_seen for one in summaries.take() if one.last_seen is not None}


def reference(known: dict[str, Placement], retention_ms: int = DEFAULT_RETENTION_MS) -> LineDecoder:
    return LineDecoder(STANDARD_SIGNALS, roster_of(known), retention_ms)


def in_bulk(
    known: dict[str, Placement], module: ModuleType = bulk, retention_ms: int = DEFAULT_RETENTION_MS
) -> bulk.BulkDecoder:
    """Return a bulk decoder of `module`: ingest.bulk, or a copy of it that lacks a guard."""
    made: bulk.BulkDecoder = module.BulkDecoder(STANDARD_SIGNALS, roster_of(known), retention_ms, few=1)
    return made


def without(module: ModuleType, *changes: tuple[str, str]) -> ModuleType:
    """Return ingest.bulk as it would be if the source of `module` were changed (old text, new text)."""
    changed = _copy(module, changes)
    if module is bulk:
        return changed
    result = _copy(bulk, ())
    for name, value in vars(changed).items():
        if name in vars(result) and getattr(value, "__module__", None) == changed.__name__:
            setattr(result, name, value)
    return result


def _copy(module: ModuleType, changes: Sequence[tuple[str, str]]) -> ModuleType:
    source = inspect.getsource(module)
    for old, new in changes:
        assert source.count(old) == 1, f"{module.__name__} has not, or not once, the guard {old!r}"
        source = source.replace(old, new)
    copied = ModuleType(f"{module.__name__}_changed")
    exec(compile(source, f"{module.__file__} (changed)", "exec"), vars(copied))
    return copied
