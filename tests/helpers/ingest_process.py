"""`python ingest_process.py URL FOLDER`: an ingester of its own process, to be killed."""

import sys
import time
from pathlib import Path

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS
from fleet.wire import MAX_PAYLOAD_BYTES
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore


def _slowly(_: ReadingBatch) -> None:
    """Say that readings are stored, and leave time to be killed before they are acknowledged."""
    print("stored", flush=True)  # noqa: T201 - the parent counts them
    time.sleep(0.02)


def main(url: str, folder: Path) -> None:
    """Ingest until killed; print a line once subscribed."""
    service = IngestService(
        IngestSettings(parse_broker_url(url), batch_messages=50, buffer_bytes=2 * MAX_PAYLOAD_BYTES),
        DuckDbStore.open(folder / "readings.duckdb", STANDARD_SIGNALS),
        open_desk(f"sqlite:///{folder / 'desk.sqlite'}"),
        STANDARD_SIGNALS,
        SystemClock(),
        [_slowly],
    )
    service.start()
    while service.not_ready():
        time.sleep(0.01)
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    while True:
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
