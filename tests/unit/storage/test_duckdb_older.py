"""What older versions left behind in a file is read on."""

from pathlib import Path

import duckdb
import polars as pl

from fleet.risks import RISK_COLUMNS
from fleet.signals import STANDARD_SIGNALS
from storage.series.duckdb.store import DuckDbStore

ROW = {"device_id": "R1", "ts": 9, "fault": "brush_wear", "risk": 0.5, "drivers": "[]", "model": "m1"}


def test_risks_of_a_version_without_remaining_life_stay_and_newer_ones_join_them(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE risk (device_id VARCHAR, ts BIGINT, fault VARCHAR, risk DOUBLE, drivers VARCHAR, "
            "model VARCHAR)"
        )
        connection.execute("INSERT INTO risk VALUES (?, ?, ?, ?, ?, ?)", list(ROW.values()))
    store = DuckDbStore.open(path, STANDARD_SIGNALS)
    try:
        newer = ROW | {"ts": 10, "confidence": "low", "life_p50_d": 3.0}
        store.write_risks(pl.DataFrame([newer], schema=RISK_COLUMNS))
        found = store.risk_history("R1", 0, 99)
    finally:
        store.close()
    assert found.equals(pl.DataFrame([ROW, newer], schema=RISK_COLUMNS))
