"""One commit: everything that must be durable before some messages are acknowledged."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import orjson

from fleet.clock import Clock
from fleet.commands import Reply
from fleet.errors import StoreRefused, StoreRejected, SweepwatchError
from fleet.readings import ReadingBatch
from fleet.signals import SignalTable
from fleet.wire import Reason, topic_of
from ingest.decode.columns import date_undated, merged
from ingest.decode.decoded import Decoded, Decoder, Request
from ingest.ledger import Ledger
from ingest.messages import Message, MessageBlock
from ingest.watch.privacy import Privacy
from ingest.watch.roster import Roster
from ingest.watch.stream import StreamWatch
from ingest.watch.summaries import Summaries
from storage.ports import Receipt, RowsRejected, TelemetryStore
from storage.records.devices import Devices, ReportedEvent
from storage.records.dropped_values import DroppedValues
from storage.records.quarantine import Evidence, Quarantine

log = logging.getLogger(__name__)

Observer = Callable[[ReadingBatch], None]
"""Looks at stored readings before they are acknowledged.

A retryable SweepwatchError makes the whole commit wait; any other error is logged and counted.
"""


EventObserver = Callable[[Sequence[ReportedEvent]], None]
"""Looks at stored events before they are acknowledged; its errors count as an Observer's do."""

ReplyObserver = Callable[[Sequence[Reply]], None]
"""Takes what devices answer to commands before it is acknowledged; its errors count as an Observer's do."""


@dataclass(frozen=True, slots=True)
class CommitParts:
    """What a commit works with."""

    decoder: Decoder
    roster: Roster
    signals: SignalTable
    store: TelemetryStore
    devices: Devices
    quarantine: Quarantine
    dropped: DroppedValues
    observers: Sequence[Observer]
    ledger: Ledger
    summaries: Summaries
    clock: Clock
    watch: StreamWatch
    privacy: Privacy
    event_observers: Sequence[EventObserver] = ()
    reply_observers: Sequence[ReplyObserver] = ()
    request: Callable[[Sequence[Request]], None] = lambda _: None
    """Publishes what dialects ask of devices, after all else is done."""


class Commit:
    """Decodes messages once, then stores what they say, step by step.

    `run` may be called again after an error: it goes on with the step that failed, so that a repeated attempt
    stores and counts nothing twice.
    """

    def __init__(self, messages: Sequence[Message], parts: CommitParts) -> None:
        self._parts = parts
        self._messages = MessageBlock.of(messages)
        self._decoded: Decoded = parts.decoder.decode(self._messages)
        self._batches: list[ReadingBatch] = []
        self._to_write: deque[ReadingBatch] = deque()
        self._stored: list[ReadingBatch] = []
        self._receipts: list[Receipt] = []
        self._rejected: list[tuple[ReadingBatch, StoreRejected]] = []
        self._to_observe: deque[Callable[[], None]] = deque()
        self._steps = deque(
            (
                self._register,
                self._make_batches,
                self._write,
                self._keep_evidence,
                self._list_dropped,
                self._record_news,
                self._watch,
                parts.watch.store,
                self._prepare_observers,
                self._observe,
                self._account,
            )
        )

    def run(self) -> None:
        """Do what is left to do; everything is durable on return. Raises what a step raises."""
        while self._steps:
            self._steps[0]()
            self._steps.popleft()

    def _register(self) -> None:
        roster, devices = self._parts.roster, self._parts.devices
        if roster.pending:
            devices.register(roster.pending, self._parts.clock.now_ms())
            roster.confirm(devices.placements(list(roster.pending)))

    def _make_batches(self) -> None:
        decoded, parts = self._decoded, self._parts
        batches = []
        for kind in dict.fromkeys((*decoded.columns, *decoded.rows)):
            columns, rows = decoded.columns.get(kind), decoded.rows.get(kind, [])
            date_undated(rows, kind, parts.store, None if columns is None else columns.frame)
            places = decoded.rows_at.get(kind, [])
            batches.append(parts.privacy.readings(merged(columns, rows, places, kind, parts.signals)))
        self._batches = batches
        self._to_write.extend(batches)

    def _write(self) -> None:
        """Write each batch; halve one that the store rejects until what it objects to stands alone.

        A store that knows which readings it rejects says so. Those rejected alone are quarantined where the
        store took others. When it rejects everything, the fault is hardly theirs: nothing is given up, and
        the commit waits as if the store were away.
        """
        while self._to_write:
            batch = self._to_write[0]
            try:
                receipt = self._parts.store.write(batch)
            except StoreRefused:
                raise  # the store refuses us, not these readings: none of them is given up
            except RowsRejected as error:
                self._rejected += [(each, why) for rows, why in error.rejected for each in _each(rows)]
                batch, receipt = error.stored, error.receipt
            except StoreRejected as error:
                self._to_write.popleft()
                if len(batch) > 1:
                    self._to_write.extendleft(_halves(batch))
                else:
                    self._rejected.append((batch, error))
                continue
            self._to_write.popleft()
            if len(batch):
                self._stored.append(batch)
            self._receipts.append(receipt)
        if self._rejected and not self._stored:
            first = self._rejected[0][1]
            self._rejected.clear()
            self._receipts.clear()
            self._to_write.extend(self._batches)
            raise first

    def _keep_evidence(self) -> None:
        evidence = self._decoded.refused + [
            _rejected(batch, error, self._parts.clock.now_ms()) for batch, error in self._rejected
        ]
        self._parts.quarantine.add(evidence)
        if self._rejected:
            self._decoded.counts.quarantined[Reason.STORE_REJECTED] += len(self._rejected)

    def _list_dropped(self) -> None:
        self._parts.dropped.add(self._decoded.drops.listed())

    def _record_news(self) -> None:
        news = self._decoded.news
        news.events[:] = self._parts.privacy.events(news.events, self._parts.roster.kind_of)
        self._parts.devices.record_info(news.infos)
        self._parts.devices.record_events(news.events)
        self._parts.summaries.add_news(news)
        for columns in self._decoded.columns.values():
            self._parts.summaries.add_heard(columns)

    def _watch(self) -> None:
        decoded = self._decoded
        now = self._parts.clock.now_ms()
        self._parts.watch.look(self._batches, decoded.refused, self._messages, decoded.unknown, now)
        self._parts.watch.note_beside(decoded.beside)

    def _prepare_observers(self) -> None:
        for batch in self._stored:
            self._parts.summaries.add_batch(batch)
            self._to_observe.extend(partial(observer, batch) for observer in self._parts.observers)
        events, replies = self._decoded.news.events, self._decoded.news.replies
        if events:
            self._to_observe.extend(partial(observer, events) for observer in self._parts.event_observers)
        if replies:
            self._to_observe.extend(partial(observer, replies) for observer in self._parts.reply_observers)

    def _observe(self) -> None:
        while self._to_observe:
            observe = self._to_observe[0]
            try:
                observe()
            except Exception as error:
                if isinstance(error, SweepwatchError) and error.retryable:
                    raise
                log.exception("an observer failed on what was stored; it stays stored")
                self._parts.ledger.observer_failed()
            self._to_observe.popleft()

    def _account(self) -> None:
        self._parts.ledger.add(self._decoded.counts, self._receipts)
        self._parts.request(self._decoded.requests)


def _each(batch: ReadingBatch) -> Iterator[ReadingBatch]:
    """Yield each reading as a batch of its own."""
    for number in range(len(batch)):
        yield ReadingBatch(batch.kind, batch.frame[number : number + 1])


def _halves(batch: ReadingBatch) -> tuple[ReadingBatch, ReadingBatch]:
    """Return the second half and the first, in the order in which `extendleft` restores theirs."""
    middle = len(batch) // 2
    return (
        ReadingBatch(batch.kind, batch.frame[middle:]),
        ReadingBatch(batch.kind, batch.frame[:middle]),
    )


def _rejected(batch: ReadingBatch, error: StoreRejected, now: int) -> Evidence:
    """Return one rejected reading as evidence: its columns, since what arrived is not kept beside them."""
    row = {name: value for name, value in batch.frame.row(0, named=True).items() if value is not None}
    return Evidence(
        topic=topic_of(row["site"], batch.kind, row["device_id"], "telemetry"),
        device_id=row["device_id"],
        reason=str(Reason.STORE_REJECTED),
        detail=str(error),
        payload=orjson.dumps(row),
        seen=now,
    )
