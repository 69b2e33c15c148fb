"""Opens a time-series store of either kind."""

from fleet.signals import SignalTable
from storage.duckdb_store import DuckDbStore
from storage.influx_store import InfluxStore
from storage.ports import TelemetryStore
from storage.store_url import DuckDbAddress, StoreAddress


def open_store_at(
    address: StoreAddress, signals: SignalTable, gzip: str = "auto", threads: int | None = None
) -> TelemetryStore:
    """Open a time-series store.

    `gzip` is "auto", "on" or "off" and counts for InfluxDB alone, `threads` (None: one a core) for DuckDB.
    """
    if isinstance(address, DuckDbAddress):
        return DuckDbStore.open(address.path, signals, threads)
    compress = {"auto": None, "on": True, "off": False}[gzip]
    return InfluxStore(address, signals, compress=compress)
