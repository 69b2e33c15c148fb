"""The ledger: what came in and what became of it, so that a user can prove that nothing was lost."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from ingest.decode.decoded import Counts
from storage.ports import Receipt


@dataclass(frozen=True, slots=True)
class LedgerSnapshot:
    """The ledger at one moment, in readings: `received = written + duplicate + quarantined`.

    `since` is when counting began (epoch ms); `late` of the written came out of order; `seq_repeated`
    repeated a sequence number with a new time; `gaps_dropped` counts gaps that went for want of room;
    `messages` counts messages of every channel by outcome; `observer_errors` what an observer of readings
    failed to do.
    """

    since: int
    received: int
    written: int
    duplicate: int
    quarantined: int
    late: int
    quarantined_by_reason: Mapping[str, int]
    values_dropped: Mapping[str, int]
    messages: Mapping[tuple[str, str], int]
    observer_errors: int
    seq_repeated: int
    gaps_dropped: int


class Ledger:
    """Counts whole commits at once, so that it balances at every moment. Safe from any thread."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._lock = Lock()
        self._counts = Counts()
        self._written = self._duplicate = self._late = self._observer_errors = 0
        self._seq_repeated = self._gaps_dropped = 0

    def add(self, counts: Counts, receipts: list[Receipt]) -> None:
        """Add what one commit decoded and what the store made of it."""
        with self._lock:
            self._counts.received += counts.received
            self._counts.quarantined.update(counts.quarantined)
            self._counts.dropped.update(counts.dropped)
            self._counts.messages.update(counts.messages)
            self._written += sum(receipt.written for receipt in receipts)
            self._duplicate += sum(receipt.duplicate for receipt in receipts)
            self._late += sum(receipt.late for receipt in receipts)

    def observer_failed(self) -> None:
        """Count a failure of an observer."""
        with self._lock:
            self._observer_errors += 1

    def seq_repeated(self, readings: int) -> None:
        """Count readings that repeated a sequence number with a new time."""
        with self._lock:
            self._seq_repeated += readings

    def gaps_dropped(self, gaps: int) -> None:
        """Count gaps that are not kept because their device has too many."""
        with self._lock:
            self._gaps_dropped += gaps

    def snapshot(self) -> LedgerSnapshot:
        """Return the present state."""
        with self._lock:
            counts = self._counts
            return LedgerSnapshot(
                since=self._since,
                received=counts.received,
                written=self._written,
                duplicate=self._duplicate,
                quarantined=counts.quarantined.total(),
                late=self._late,
                quarantined_by_reason={str(reason): n for reason, n in counts.quarantined.items()},
                values_dropped={str(reason): n for reason, n in counts.dropped.items()},
                messages=Counter(counts.messages),
                observer_errors=self._observer_errors,
                seq_repeated=self._seq_repeated,
                gaps_dropped=self._gaps_dropped,
            )
