"""What is noted about the stream of readings beside storing them: gaps in it, and names nobody knows."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from fleet.clock import SECOND_MS
from fleet.device_codes import DeviceCodes
from fleet.readings import ReadingBatch
from fleet.signals import Kind, SignalTable
from fleet.wire import EARLIEST_TS, FUTURE_TOLERANCE_MS, Reason
from ingest.decode.times import check_seq
from ingest.ledger import Ledger
from ingest.messages import Message, MessageBlock
from ingest.watch.beside import BesideOurs
from ingest.watch.device_codes import CodedBatch
from ingest.watch.sequence_book import SeenReading, SequenceBook
from ingest.watch.unknown import UnknownNames
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.gaps import Gaps
from storage.records.quarantine import Evidence
from storage.records.topics_beside import TopicsBeside
from storage.records.unknown_signals import UnknownSignals

log = logging.getLogger(__name__)

_FLUSH_EVERY_MS = 15 * SECOND_MS
_OF_A_DEVICE = frozenset(
    {
        Reason.BAD_TS,
        Reason.FUTURE,
        Reason.EXPIRED,
        Reason.NO_SIGNAL,
        Reason.RETAINED_WITHOUT_TS,
        Reason.SITE_MISMATCH,
        Reason.KIND_MISMATCH,
    }
)
"""Reasons that leave a readable payload and a device that exists."""


class StreamWatch:
    """Follows sequence numbers and unknown names from commit to commit. Used from the committer's thread.

    Without `gaps` sequence numbers are left alone: whoever gets a part of a device's readings sees gaps only.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        store: TelemetryStore,
        signals: SignalTable,
        ledger: Ledger,
        *,
        gaps: bool = True,
    ) -> None:
        self._follows = gaps
        self._codes = DeviceCodes()
        self._book = SequenceBook(Gaps(desk), store, self._codes)
        self._names = UnknownNames(UnknownSignals(desk), signals)
        self._beside = BesideOurs(TopicsBeside(desk))
        self._ledger = ledger
        self._flushed = 0

    def load(self) -> None:
        """Take what was noted before the last stop. Raises StoreUnavailable."""
        if self._follows:
            self._book.load()

    def look(
        self,
        batches: Sequence[ReadingBatch],
        refused: Sequence[Evidence],
        messages: MessageBlock,
        unknown: Mapping[tuple[Kind, str], tuple[str, int]],
        now: int,
    ) -> None:
        """Take one commit's readings; may be called again for the same. Raises StoreUnavailable."""
        seen = [reading for evidence in refused for reading in readings_of(evidence)]
        coded = [CodedBatch(batch, self._codes.of(batch.frame["device_id"])) for batch in batches]
        repeated = self._book.see(coded, seen) if self._follows else 0
        self._names.look(coded, messages, now)
        self._names.take(unknown)
        self._ledger.seq_repeated(repeated)

    def note_beside(self, messages: Sequence[Message]) -> None:
        """Take one commit's messages on topics beside ours."""
        self._beside.note(messages)

    def flush_beside(self) -> None:
        """Store which topics were heard beside ours. Raises StoreUnavailable; then it goes with the next."""
        self._beside.flush()

    def store(self) -> None:
        """Make durable what a commit must not lose. Raises StoreUnavailable."""
        self._ledger.gaps_dropped(self._book.store_changes())

    def flush(self, now: int | None = None) -> None:
        """Store the rest, which nothing is lost without: at most every 15 s, at once without `now`.

        Raises StoreUnavailable.
        """
        if now is not None and now - self._flushed < _FLUSH_EVERY_MS:
            return
        self._names.flush()
        self._book.flush()
        self._flushed = now or self._flushed


def readings_of(evidence: Evidence) -> Iterator[SeenReading]:
    """Yield the quarantined readings of a message whose numbers can be read."""
    device = evidence.device_id
    if device is None or evidence.reason not in _OF_A_DEVICE or not evidence.topic.endswith("/telemetry"):
        return
    try:
        value = orjson.loads(evidence.payload)
    except orjson.JSONDecodeError:
        return
    for reading in value if isinstance(value, list) else [value]:
        seq = check_seq(reading.get("seq")) if isinstance(reading, dict) else None
        if seq is not None:
            yield SeenReading(device, seq, _plausible(reading.get("ts"), evidence.seen), evidence.seen)


def _plausible(ts: Any, received: int) -> int | None:
    if type(ts) is not int and type(ts) is not float:
        return None
    return int(ts) if EARLIEST_TS <= ts <= received + FUTURE_TOLERANCE_MS else None
