"""Installations that have lived for some days: their data folder, and what an export makes of it."""

from contextlib import closing
from pathlib import Path

from helpers.histories import invoke

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.signals import STANDARD_SIGNALS
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import write_history
from storage.records.database import open_desk
from storage.series.duckdb.store import DuckDbStore
from sweepwatch.data_folder import DESK, TELEMETRY

END = 1_760_000_400_000 // DAY_MS * DAY_MS
"""When their past ends."""


def live(folder: Path, devices: int, days: int) -> Path:
    """Write a past of some days in the world of fast wear into an empty data folder; return the folder."""
    with (
        closing(open_desk(f"sqlite:///{folder / DESK}")) as desk,
        closing(DuckDbStore.open(folder / TELEMETRY, STANDARD_SIGNALS, 1, 256)) as store,
    ):
        fleet = FleetSimulator(FleetConfig(devices, 3, END - days * DAY_MS, world="fast"), STANDARD_SIGNALS)
        write_history(fleet, store, desk, days, end_ms=END, step_ms=30 * MINUTE_MS)
    return folder


def export_of(data: Path) -> Path:
    """Export an installation beside its data folder; return the folder of its files."""
    folder = data.parent / f"{data.name}-out"
    code, said = invoke("export", "--data", str(data), "--to", str(folder))
    assert code == 0, said
    return folder
