"""A history goes in bulk into every store: all of it, once, and a store says what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from helpers.histories import HOURS, MAP, write_history
from helpers.influx import Influxd
from helpers.influx2 import Influx2

from fleet.clock import SystemClock
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.history import sources
from ingest.history.ledger import Ledger, PartLedger
from ingest.history.plan import plan_of
from ingest.history.progress import ProgressNote
from ingest.history.readings_in import Target, TelemetryImport
from storage.ports import TelemetryStore
from storage.records.devices import Placement
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.store import InfluxStore

DEVICES = 3


class NoDevices:
    """A table of devices that keeps nothing."""

    def record_summaries(self, _summaries: object) -> None: ...

    def readings(self, batch: ReadingBatch) -> ReadingBatch:
        return batch


@pytest.fixture(params=["duckdb", "influxdb", "influxdb2"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TelemetryStore]:
    opened: TelemetryStore
    if request.param == "duckdb":
        opened = DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)
    elif request.param == "influxdb":
        influxd: Influxd = request.getfixturevalue("influxd_1")
        opened = InfluxStore(influxd.bucket_for(tmp_path), STANDARD_SIGNALS)
    else:
        influx2: Influx2 = request.getfixturevalue("influx2")
        opened = InfluxStore(influx2.bucket_for(tmp_path), STANDARD_SIGNALS)
    yield opened
    opened.close()


def take(store: TelemetryStore, file: Path) -> PartLedger:
    ledger, known = Ledger(), {f"V{number}": Placement("hall-1", Kind.ROBOT) for number in range(DEVICES)}
    target = Target(store, NoDevices(), NoDevices())  # type: ignore[arg-type]
    plan = plan_of(MAP, STANDARD_SIGNALS, "map.yaml")
    work = TelemetryImport(plan, STANDARD_SIGNALS, known, SystemClock(), {}, target)
    work.run([file], ledger, ProgressNote(None, ""), lambda _share: None)
    return ledger.of("telemetry")


def test_all_of_it_is_there_once_however_often(
    store: TelemetryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BLOCK_BYTES", 8_000)
    file = write_history(tmp_path / "history", DEVICES) / "telemetry.csv"
    rows = DEVICES * HOURS
    first, second = take(store, file), take(store, file)
    assert (first.read, first.taken, first.new, first.known, first.refused) == (rows, rows, rows, 0, 0)
    assert (second.taken, second.new, second.known) == (rows, 0, rows)
    days = store.days(Kind.ROBOT)
    assert (days["readings"].sum(), days["device_id"].n_unique()) == (rows, DEVICES)
    start = 1_740_758_400_000  # 2025-03-01 in Shanghai
    found = store.history(
        Kind.ROBOT, "V1", ("brush_current_a", "battery_pct", "state"), start, start + 3_600_001, 9
    )
    assert found["ts"].to_list() == [start, start + 3_600_000]
    assert found["brush_current_a"].to_list() == pytest.approx([0.907, 0.908])
    assert found["state"].cast(pl.String).to_list() == ["idle", "cleaning"]
