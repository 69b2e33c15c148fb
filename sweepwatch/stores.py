"""Opens a time-series store of either kind."""

from fleet.signals import SignalTable
from storage.duckdb_store import MEMORY_MB, DuckDbStore
from storage.influx_store import InfluxStore
from storage.ports import TelemetryStore
from storage.store_url import DuckDbAddress, StoreAddress


def open_store_at(
    address: StoreAddress,
    signals: SignalTable,
    gzip: str = "auto",
    threads: int | None = None,
    memory_mb: int = MEMORY_MB,
) -> TelemetryStore:
    """Open a time-series store.

    `gzip` is "auto", "on" or "off" and counts for InfluxDB alone, `threads` (None: one a core) and
    `memory_mb` for DuckDB.
    """
    if isinstance(address, DuckDbAddress):
        return DuckDbStore.open(address.path, signals, threads, memory_mb)
    compress = {"auto": None, "on": True, "off": False}[gzip]
    return InfluxStore(address, signals, compress=compress)
