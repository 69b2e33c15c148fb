"""The ingester with a stopwatch: module `stamping_ingester URL FOLDER DEVICES MESSAGES [MAIL_PORT]`.

It is wired as `sweepwatch ingest` is. Stamped are the moments at which the store's write returned with a
reading, and at which the bytes of its PUBACK had been handed to the socket; both cost one call a batch. When
every message is acknowledged, or nothing has happened for long, FOLDER/stamps.npz is written: `durable` and
`acknowledged`, in time.monotonic_ns, 0 where it did not happen, a message at `turn * DEVICES + device`.
With MAIL_PORT alerts are followed, and told by mail to a server there. Events are taken, and not stamped.
"""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fleet.clock import SystemClock
from fleet.readings import ReadingBatch
from ingest.link.frames import Frames
from ingest.link.mqtt_client import IngestClient
from ingest.service import IngestService
from storage.ports import Receipt, TelemetryStore
from sweepwatch.data_folder import open_data_folder
from sweepwatch.run.followers import following
from sweepwatch.run.jobs import Jobs
from sweepwatch.run.notices import posting
from sweepwatch.run.turns import take_short_turns
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build, build_ingest

_PUBACK_BYTES = 4
_PUBACK = 0x40
_QUIET_S = 60.0
_START_S = 20.0
_SEQ = re.compile(rb'"seq": *(\d+)')
Stamps = npt.NDArray[np.int64]


class StampingStore:
    """Passes everything on, and notes when a write returned."""

    def __init__(self, store: TelemetryStore) -> None:
        self._store = store
        self.written: list[tuple[int, pl.DataFrame]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, batch: ReadingBatch) -> Receipt:
        """Store a batch."""
        receipt = self._store.write(batch)
        self.written.append((time.monotonic_ns(), batch.frame.select("device_id", "seq")))
        return receipt


class Acknowledgements:
    """Notes what is read and what is sent, by standing before two methods of the client."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Frames | bytes]] = []
        self.sent_bytes = 0

    def watch(self) -> None:
        """Begin: stand before the methods."""
        read, send = IngestClient.read, IngestClient._sock_send

        def reading(client: IngestClient, room: int) -> Frames | None:
            frames = read(client, room)
            if frames is not None:
                self.events.append((time.monotonic_ns(), frames))
            return frames

        def sending(client: IngestClient, data: bytes | bytearray) -> int:
            count = send(client, data)
            if data[:1] == bytes([_PUBACK]):
                self.events.append((time.monotonic_ns(), bytes(data[:count])))
                self.sent_bytes += count
            return count

        for name, method in (("read", reading), ("_sock_send", sending)):
            setattr(IngestClient, name, method)

    def stamps(self, devices: int, messages: int) -> Stamps:
        """Return when each message was acknowledged."""
        found = np.zeros(messages, dtype=np.int64)
        waiting: dict[int, int] = {}
        for at, what in self.events:
            if isinstance(what, bytes):
                for mid in np.frombuffer(what, dtype=">u2")[1::2].tolist():
                    place = waiting.pop(mid, None)
                    if place is not None:
                        found[place] = at
            else:
                for topic, payload, mid in zip(what.topics, what.payloads, what.mids.tolist(), strict=True):
                    if topic.endswith(b"/event"):
                        continue
                    seq = _SEQ.search(payload)
                    assert seq is not None, "a message of another publisher"
                    waiting[mid] = int(seq[1]) * devices + int(topic.split(b"/")[4][1:])
        return found


def durable(written: list[tuple[int, pl.DataFrame]], devices: int, messages: int) -> Stamps:
    """Return when each message was stored first."""
    found = np.zeros(messages, dtype=np.int64)
    for at, frame in reversed(written):
        places = frame["seq"] * devices + frame["device_id"].str.slice(1).cast(pl.Int64)
        found[places.to_numpy()] = at
    return found


@contextmanager
def telling(services: Services) -> Iterator[None]:
    """Follow what happens to alerts, and send notices."""
    with following(services), posting(services), Jobs(services):
        yield


def main(url: str, folder: Path, devices: int, messages: int, mail_port: int | None = None) -> None:
    """Ingest until all is acknowledged; print a line once subscribed."""
    take_short_turns()
    acknowledgements = Acknowledgements()
    acknowledgements.watch()
    data = open_data_folder(folder / "data")
    settings = Settings(data=folder / "data")
    if mail_port is not None:
        mail = {"host": "127.0.0.1", "port": mail_port, "tls": "none", "sender": "s@x.example"}
        settings = Settings.model_validate({"data": folder / "data", "notify": {"mail": mail}})
    services = build(settings, data, SystemClock())
    store = StampingStore(services.store)
    with nullcontext() if mail_port is None else telling(services):
        _ingest(build_ingest(replace(services, store=store), url), acknowledgements, messages)
    services.close()
    data.close()
    np.savez(
        folder / "stamps.npz",
        durable=durable(store.written, devices, messages),
        acknowledged=acknowledgements.stamps(devices, messages),
    )


def _ingest(ingest: IngestService, acknowledgements: Acknowledgements, messages: int) -> None:
    """Ingest until so many messages are acknowledged, or nothing happens any more."""
    ingest.start()
    begun = time.monotonic()
    while reason := ingest.not_ready():
        if time.monotonic() > begun + _START_S:
            raise RuntimeError(reason)
        time.sleep(0.01)
    print("ready", flush=True)
    moved, before = time.monotonic(), -1
    while acknowledgements.sent_bytes < _PUBACK_BYTES * messages and time.monotonic() < moved + _QUIET_S:
        if acknowledgements.sent_bytes > before:
            moved, before = time.monotonic(), acknowledgements.sent_bytes
        time.sleep(0.2)
    ingest.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *(int(each) for each in sys.argv[3:]))
