"""Finds the names that devices send and no signal has, by a closer look at one message a device and hour."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import orjson

from fleet.clock import HOUR_MS
from fleet.device_codes import grown
from fleet.signals import Kind, SignalTable
from fleet.wire import topic_of
from ingest.decode.shown import shown_name
from ingest.messages import MessageBlock
from ingest.watch.device_codes import CodedBatch
from storage.records.unknown_signals import MAX_NAMES, UnknownSignal, UnknownSignals

_KEYS = frozenset({"ts", "seq"})
_ELEMENTS_LOOKED_AT = 20
_DEVICES_A_COMMIT = 500
"""Close looks a commit: where many devices are due at once, the others wait for their next message."""
_NEVER = -HOUR_MS


def names_in(payload: bytes, known: frozenset[str]) -> Iterator[str]:
    """Yield the keys of a message's first readings that are in none of ours, as they may be shown."""
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return
    for reading in islice(value if isinstance(value, list) else [value], _ELEMENTS_LOOKED_AT):
        if isinstance(reading, dict):
            yield from (shown_name(name) for name in islice(reading.keys() - known, MAX_NAMES))


class UnknownNames:
    """What was found since the last flush. Used from one thread."""

    def __init__(self, stored: UnknownSignals, signals: SignalTable) -> None:
        self._stored = stored
        self._known = {kind: _KEYS.union(signal.name for signal in signals.for_kind(kind)) for kind in Kind}
        self._looked = np.zeros(0, dtype=np.int64)
        self._found: dict[tuple[str, str], UnknownSignal] = {}

    def look(self, batches: Sequence[CodedBatch], messages: MessageBlock, now: int) -> None:
        """Look closely at one message of each device in `batches` that was not looked at for an hour."""
        due = [one for batch in batches for one in self._due(batch, now)][:_DEVICES_A_COMMIT]
        if not due:
            return
        payloads = dict(zip(messages.topics, messages.payloads, strict=True))
        for code, kind, site, device in due:
            self._looked[code] = now
            payload = payloads.get(topic_of(site, kind, device, "telemetry"))
            if payload is not None:
                self.take({(kind, name): (device, now) for name in names_in(payload, self._known[kind])})

    def take(self, names: Mapping[tuple[Kind, str], tuple[str, int]]) -> None:
        """Take names that were found elsewhere, with an example device and the time (epoch ms)."""
        for (kind, name), (device, seen) in names.items():
            key = (shown_name(name), str(kind))
            before = self._found.get(key)
            if before is None and len(self._found) >= MAX_NAMES:
                continue
            first = before.first_seen if before else seen
            self._found[key] = UnknownSignal(*key, device, first, seen)

    def flush(self) -> None:
        """Store what was found. Raises StoreUnavailable; then it is stored with the next."""
        self._stored.add(self._found.values())
        self._found.clear()

    def _due(self, coded: CodedBatch, now: int) -> Iterator[tuple[int, Kind, str, str]]:
        batch, codes = coded
        self._looked = grown(self._looked, int(codes.max(initial=0)) + 1, _NEVER)
        due, places = np.unique(codes, return_index=True)
        waiting = np.flatnonzero(self._looked[due] <= now - HOUR_MS)[:_DEVICES_A_COMMIT]
        if not len(waiting):
            return
        rows = batch.frame.select("site", "device_id")[places[waiting]]
        for code, (site, device) in zip(due[waiting].tolist(), rows.iter_rows(), strict=True):
            yield code, batch.kind, site, device
