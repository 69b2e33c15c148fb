"""Commits over a real store and a real desk database, without a broker."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fleet.clock import ManualClock
from fleet.errors import StoreRejected, SweepwatchError
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.commit import Commit, CommitParts, Observer
from ingest.decode.lines import LineDecoder
from ingest.ledger import Ledger
from ingest.messages import Message
from ingest.watch.roster import Roster
from ingest.watch.stream import StreamWatch
from ingest.watch.summaries import Summaries
from storage.ports import Receipt, RowsRejected
from storage.records.database import open_desk
from storage.records.devices import Devices
from storage.records.dropped_values import DroppedValues
from storage.records.quarantine import Quarantine
from storage.series.duckdb.store import DuckDbStore

NOW = 1_763_800_000_000


class Faulty:
    """A store that passes everything on to a real one, but raises the errors it was given first.

    `refuses` is a battery charge: a batch that holds it is rejected for good; a store that `tells` takes the
    other readings and says which those are.
    """

    def __init__(self, store: DuckDbStore, error_type: type[SweepwatchError]) -> None:
        self._store = store
        self._error_type = error_type
        self.errors: list[SweepwatchError] = []
        self.refuses: float | None = None
        self.tells = False
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch) -> Receipt:
        self.writes += 1
        if self.errors:
            raise self.errors.pop(0)
        if self.refuses is not None and (batch.frame["battery_pct"] == self.refuses).any():
            if self.tells:
                raise self._told(batch)
            raise self._error_type("the store wants none of it")
        return self._store.write(batch)

    def _told(self, batch: ReadingBatch) -> RowsRejected:
        refused = batch.frame["battery_pct"] == self.refuses
        rejected = ReadingBatch(batch.kind, batch.frame.filter(refused))
        stored = ReadingBatch(batch.kind, batch.frame.filter(~refused))
        reason = StoreRejected("the store wants none of it")
        return RowsRejected([(rejected, reason)], stored, self._store.write(stored))


class Bench:
    """Everything a commit needs, on disk in `folder`."""

    def __init__(
        self, folder: Path, error_type: type[SweepwatchError], observers: Sequence[Observer] = ()
    ) -> None:
        self.store = Faulty(DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS), error_type)
        self.desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
        self.devices = Devices(self.desk)
        self.quarantine = Quarantine(self.desk)
        self.dropped = DroppedValues(self.desk)
        self.ledger = Ledger(NOW)
        roster = Roster(self.devices.placements, open_registration=True)
        self.parts = CommitParts(
            decoder=LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS),
            roster=roster,
            signals=STANDARD_SIGNALS,
            store=self.store,  # type: ignore[arg-type]  # passes the rest on by name
            devices=self.devices,
            quarantine=self.quarantine,
            dropped=self.dropped,
            observers=observers,
            ledger=self.ledger,
            summaries=Summaries(),
            clock=ManualClock(NOW),
            watch=StreamWatch(self.desk, self.store, STANDARD_SIGNALS, self.ledger),  # type: ignore[arg-type]  # as above
        )

    def commit(self, messages: Sequence[Message]) -> None:
        Commit(messages, self.parts).run()

    def stored(self, device: str = "R1", kind: Kind = Kind.ROBOT) -> list[tuple[int, float | None]]:
        frame = self.store.history(kind, device, ["battery_pct"], 0, 2**53, 10**6)
        return list(frame.select("ts", "battery_pct").iter_rows())

    def close(self) -> None:
        self.store.close()
        self.desk.close()
