"""Opens a time-series store of either kind."""

from dataclasses import dataclass

from fleet.signals import SignalTable
from storage.ports import TelemetryStore
from storage.series.duckdb.store import MEMORY_MB, DuckDbStore
from storage.series.influx.store import InfluxStore
from storage.series.store_url import DuckDbAddress, StoreAddress


@dataclass(frozen=True, slots=True)
class DuckDbUse:
    """What an embedded store may use: threads (None: one a core), and MB of memory."""

    threads: int | None = None
    memory_mb: int = MEMORY_MB


SERVING = DuckDbUse()
INGESTING = DuckDbUse(threads=1, memory_mb=128)
"""Of a process that hardly queries: it writes at two thirds of the CPU with one thread, and what DuckDB keeps
of its file is of little use to it (docs/decisions/0011)."""


def open_store_at(
    address: StoreAddress,
    signals: SignalTable,
    gzip: str = "auto",
    use: DuckDbUse = SERVING,
) -> TelemetryStore:
    """Open a time-series store.

    `gzip` is "auto", "on" or "off" and counts for InfluxDB alone, `use` for DuckDB.
    """
    if isinstance(address, DuckDbAddress):
        return DuckDbStore.open(address.path, signals, use.threads, use.memory_mb)
    compress = {"auto": None, "on": True, "off": False}[gzip]
    return InfluxStore(address, signals, compress=compress)
