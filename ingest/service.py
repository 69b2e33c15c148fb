"""The ingester: a thread that reads, a thread that commits, and a promise.

The promise: a message is acknowledged to the broker only after everything it says is durable.
"""

import gc
import logging
from collections.abc import Sequence
from random import random
from threading import Event, Thread
from time import monotonic

from fleet.clock import Clock
from fleet.errors import SweepwatchError
from fleet.signals import SignalTable
from ingest.commit import Commit, CommitParts, EventObserver, Observer, ReplyObserver
from ingest.decode.bulk import BulkDecoder
from ingest.dialects.decoder import with_dialects
from ingest.dialects.host import host_topic
from ingest.dialects.intake import Intake
from ingest.dialects.ports import Dialect
from ingest.ledger import Ledger
from ingest.link.backoff import Backoff
from ingest.link.buffer import MessageBuffer
from ingest.link.connection import Connection
from ingest.link.subscriptions import topic_filters, wide_filters
from ingest.messages import MessageBlock
from ingest.metrics import CommitFigures
from ingest.settings import IngestSettings
from ingest.watch.privacy import Privacy
from ingest.watch.roster import Roster
from ingest.watch.stream import StreamWatch
from ingest.watch.summaries import Summaries
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.devices import Devices
from storage.records.dropped_values import DroppedValues
from storage.records.one_writer import first_in_line
from storage.records.quarantine import Quarantine

log = logging.getLogger(__name__)

_TAKE_TIMEOUT_S = 0.5
_FLUSH_SHARE = 30
"""Of the time, one part in so many may go into device summaries."""
_GC_THRESHOLDS = (50_000, 20, 20)


class IngestService:
    """Takes what devices publish, stores it, acknowledges it.

    `observers` see every stored batch before it is acknowledged (ingest.commit.Observer), `event_observers`
    the events, `reply_observers` what devices answer to commands. Errors of the store
    or the desk never lose a reading: nothing is acknowledged, reading stops when the buffer is full, and the
    commit is tried again with growing waits.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - one place wires it
        self,
        settings: IngestSettings,
        store: TelemetryStore,
        desk: DeskDatabase,
        signals: SignalTable,
        clock: Clock,
        observers: Sequence[Observer] = (),
        backoff: Backoff | None = None,
        dialects: Sequence[Dialect] = (),
        event_observers: Sequence[EventObserver] = (),
        reply_observers: Sequence[ReplyObserver] = (),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._backoff = backoff or Backoff()
        self.ledger = Ledger(clock.now_ms())
        self.commits = CommitFigures()
        self._devices = Devices(desk)
        self._roster = Roster(self._devices.placements, open_registration=settings.open_registration)
        self._summaries = Summaries()
        self._watch = StreamWatch(desk, store, signals, self.ledger, gaps=settings.follows_devices)
        self._parts = CommitParts(
            decoder=with_dialects(
                BulkDecoder(signals, self._roster, settings.retention_ms),
                dialects,
                Intake(signals, self._roster, settings.retention_ms),
            ),
            roster=self._roster,
            signals=signals,
            store=store,
            devices=self._devices,
            quarantine=Quarantine(desk, settings.quarantine_rows_per_device, settings.quarantine_rows),
            dropped=DroppedValues(desk, settings.quarantine_rows_per_device, settings.quarantine_rows),
            observers=observers,
            event_observers=event_observers,
            reply_observers=reply_observers,
            ledger=self.ledger,
            summaries=self._summaries,
            clock=clock,
            watch=self._watch,
            privacy=Privacy(desk, clock, settings.personal_ms),
            request=lambda requests: self._connection.request(requests),  # noqa: PLW0108 - made below
        )
        self._buffer = MessageBuffer(settings.buffer_bytes)
        of_dialects = [one for each in dialects for one in each.subscriptions]
        self._connection = Connection(
            settings,
            clock,
            self._buffer.put,
            self._buffer.room,
            self._backoff,
            topic_filters(of_dialects, settings.share),
            wide_filters(of_dialects, settings.share) if settings.topics_beside else (),
            host_topic(dialects),
        )
        self._stopping = Event()
        self._give_up = Event()
        self._trouble: str | None = None
        self._flushed_at = 0
        self._flush_rests_until = 0.0
        self._committer = Thread(target=self._commit_forever, name="ingest-committer", daemon=True)

    def start(self) -> None:
        """Begin: load the devices, connect in the background. Raises StoreUnavailable of the desk."""
        self._roster.load(self._devices.placements())
        self._watch.load()
        # Messages come and go by tens of thousands and hold no cycles: to look through everything that the
        # process has loaded, as often as Python would, costs as much as to decode them.
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self._committer.start()
        self._connection.start()

    def stop(self, timeout_s: float = 4.0) -> None:
        """Stop reading, commit and acknowledge what was read, disconnect; all within the time given.

        What could not be committed in time is not acknowledged: the broker keeps it.
        """
        deadline = monotonic() + timeout_s
        self._connection.stop_reading()
        self._stopping.set()
        self._buffer.wake()
        if self._committer.ident is not None:
            self._committer.join(0.8 * timeout_s)
            self._give_up.set()
            self._committer.join(max(0.0, 0.1 * timeout_s))
        self._connection.close(max(0.1, deadline - monotonic()))
        gc.unfreeze()  # what is never looked through again would be reported as leaked at the end

    def not_ready(self) -> str | None:
        """Return why nothing can be taken in now, in one line; None when all is well."""
        return self._trouble or self._connection.reason

    @property
    def parts(self) -> CommitParts:
        """What commits work with: the quarantine is replayed through the same."""
        return self._parts

    @property
    def connected(self) -> bool:
        """Whether the broker has confirmed our subscriptions."""
        return self._connection.connected

    @property
    def bytes_in_flight(self) -> int:
        """Bytes of messages that were read and are not durable yet."""
        return self._buffer.bytes_in_flight

    def _commit_forever(self) -> None:
        with first_in_line():
            self._commit_until_told()

    def _commit_until_told(self) -> None:
        while not self._give_up.is_set():
            messages = self._buffer.take(self._settings.batch_messages, _TAKE_TIMEOUT_S)
            if messages is not None and self._commit(messages):
                self._buffer.release(messages)
                self._connection.acknowledge(messages)
            done = self._stopping.is_set() and not len(self._buffer)
            self._flush_summaries(at_once=done)
            if done:
                return

    def _commit(self, messages: MessageBlock) -> bool:
        """Make messages durable, however long it takes; False when told to give up before it is done."""
        commit: Commit | None = None
        attempt = 0
        begun = monotonic()
        while not self._give_up.is_set():
            try:
                commit = commit or Commit(messages, self._parts)
                commit.run()
            except Exception as error:
                self._trouble = _one_line(error)
                delay = self._backoff.delay_s(attempt, random())
                log.log(
                    logging.WARNING if isinstance(error, SweepwatchError) else logging.ERROR,
                    "cannot commit %d messages: %s; next attempt in %.1f s",
                    len(messages),
                    self._trouble,
                    delay,
                    exc_info=not isinstance(error, SweepwatchError),
                )
                attempt += 1
                self._give_up.wait(delay)
            else:
                self._trouble = None
                self.commits.add(monotonic() - begun, len(messages))
                return True
        return False

    def _flush_summaries(self, *, at_once: bool) -> None:
        now = self._clock.now_ms()
        begun = monotonic()
        early = now - self._flushed_at < self._settings.summary_every_ms or begun < self._flush_rests_until
        if early and not at_once:
            return
        self._flushed_at = now
        changed = self._summaries.take()
        try:
            self._devices.record_summaries(changed)
        except Exception as error:
            # Nothing depends on it but a list; what was not written is written with the next.
            log.warning("the device list is not up to date: %s", _one_line(error))
            self._summaries.put_back(changed)
        # Of a large fleet it takes a while, in which nothing is committed: its list may be seconds behind.
        self._flush_rests_until = begun + _FLUSH_SHARE * (monotonic() - begun)
        try:
            self._watch.flush_beside()
            self._watch.flush(None if at_once else now)
        except SweepwatchError as error:
            log.warning("what is noted about the stream is not up to date: %s", _one_line(error))


def _one_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
