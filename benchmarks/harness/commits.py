"""The ingester without a broker: messages are decoded, stored in DuckDB and accounted for as shipped."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import duckdb

from fleet.broker_url import parse_broker_url
from fleet.clock import Clock
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.commit import Commit
from ingest.dialects.ports import Dialect
from ingest.ledger import LedgerSnapshot
from ingest.messages import Message
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import open_desk
from storage.records.quarantine import Quarantine
from storage.series.duckdb.store import DuckDbStore

_FILE = "readings.duckdb"


def stored_in(folder: Path) -> tuple[int, int]:
    """Return how many readings a closed CommitPath has left, and how many devices and times tell apart."""
    query = " UNION ALL ".join(f"SELECT '{kind}' AS kind, device_id, ts FROM {kind}" for kind in Kind)
    with duckdb.connect(str(folder / _FILE), read_only=True) as store:
        row = store.execute(
            f"SELECT count(*), count(DISTINCT (kind, device_id, ts)) FROM ({query})"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


class CommitPath:
    """A store and a desk in `folder` and all that a commit passes through; a context that closes them."""

    def __init__(self, folder: Path, clock: Clock, dialects: Sequence[Dialect] = ()) -> None:
        folder.mkdir(exist_ok=True)
        self.store = DuckDbStore.open(folder / _FILE, STANDARD_SIGNALS)
        self._desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self.quarantine = Quarantine(self._desk)
        # It is never started: what it is made of is used, and no connection is opened.
        self._service = IngestService(
            IngestSettings(parse_broker_url("mqtt://127.0.0.1")),
            self.store,
            self._desk,
            STANDARD_SIGNALS,
            clock,
            dialects=dialects,
        )

    def __enter__(self) -> "CommitPath":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.stop()
        self.store.close()
        self._desk.close()

    def commit(self, messages: Sequence[Message]) -> None:
        """Make messages durable, as one commit. Raises what would make the ingester wait."""
        Commit(messages, self._service.parts).run()

    def ledger(self) -> LedgerSnapshot:
        """Return what became of all messages so far."""
        return self._service.ledger.snapshot()

    def take_summaries(self) -> int:
        """Let go of what waits for the desk's device list, as the ingester does every few seconds."""
        return len(self._service.parts.summaries.take())
