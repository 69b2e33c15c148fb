"""Commits over a real store and a real desk database, without a broker."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleet.clock import ManualClock
from fleet.errors import StoreRejected, SweepwatchError
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from ingest.commit import Commit, Observer
from ingest.messages import Message
from storage.ports import Receipt, RowsRejected, TelemetryStore
from sweepwatch.data_folder import open_data_folder
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build, build_ingest

NOW = 1_763_800_000_000


class Faulty:
    """A store that passes everything on to a real one, but raises the errors it was given first.

    `refuses` is a battery charge: a batch that holds it is rejected for good; a store that `tells` takes the
    other readings and says which those are.
    """

    def __init__(self, store: TelemetryStore, error_type: type[SweepwatchError]) -> None:
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
    """Everything a commit needs, on disk in `folder`: that of an ingester, which reads nothing by itself.

    Exchanged are the clock, who observes (nobody but `observers`), and a store that can fail.
    """

    def __init__(
        self, folder: Path, error_type: type[SweepwatchError], observers: Sequence[Observer] = ()
    ) -> None:
        self._data = open_data_folder(folder)
        services = build(Settings(data=folder), self._data, ManualClock(NOW))
        self.store = Faulty(services.store, error_type)
        faulty = replace(services, store=self.store)  # type: ignore[arg-type]  # passes the rest on by name
        self._ingest = build_ingest(faulty, "mqtt://127.0.0.1")
        self.parts = replace(self._ingest.parts, observers=observers, event_observers=())
        self.desk, self.ledger = services.desk, self.parts.ledger
        self.devices, self.quarantine, self.dropped = (
            self.parts.devices,
            self.parts.quarantine,
            self.parts.dropped,
        )

    def commit(self, messages: Sequence[Message]) -> None:
        Commit(messages, self.parts).run()

    def stored(self, device: str = "R1", kind: Kind = Kind.ROBOT) -> list[tuple[int, float | None]]:
        frame = self.store.history(kind, device, ["battery_pct"], 0, 2**53, 10**6)
        return list(frame.select("ts", "battery_pct").iter_rows())

    def close(self) -> None:
        self._ingest.stop()
        self.store.close()
        self.desk.close()
        self._data.close()
