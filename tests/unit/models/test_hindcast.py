"""The days before the first scoring are scored once a day, are marked as such, and touch no real score."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers.fresh_desk import fresh_desk

from fleet.clock import DAY_MS, HOUR_MS
from fleet.readings import ReadingBatch
from fleet.risks import HINDCAST, risk_frame
from fleet.signals import STANDARD_SIGNALS, Kind
from models.features.definitions import features_of
from models.scoring.hindcast import DAYS, HindcastCancelled, hindcast
from storage.records.database import DeskDatabase
from storage.series.duckdb.store import DuckDbStore

NOW = 1_795_334_400_000
FAULT = "brush_wear"


class Registry:
    """One model, which says .25 of every robot."""

    def load(self) -> dict[str, Any]:
        model = SimpleNamespace(
            card=SimpleNamespace(id="m-1", fault=FAULT),
            features=features_of(FAULT),
            risk=lambda own: np.full(len(own), 0.25),
        )
        return {FAULT: model}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[DuckDbStore, DeskDatabase]]:
    store = DuckDbStore.open(tmp_path / "readings.duckdb", STANDARD_SIGNALS)
    desk = fresh_desk(tmp_path / "desk.sqlite")
    ts = np.arange(NOW - 40 * DAY_MS, NOW, HOUR_MS // 2)
    for device in ("R1", "R2"):
        given = {
            "device_id": [device] * ts.size,
            "site": ["s1"] * ts.size,
            "ts": ts,
            "received": ts,
            "brush_current_a": np.full(ts.size, 3.0),
            "brush_rpm": np.full(ts.size, 1400.0),
            "run_s": (ts - ts[0]) / 2000.0 // 1,
        }
        store.write(ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, given, ts.size))
    yield store, desk
    store.close()
    desk.close()


def test_each_day_before_the_first_score_has_one_and_says_what_it_is(
    house: tuple[DuckDbStore, DeskDatabase],
) -> None:
    store, desk = house
    real = {"device_id": ["R1"], "ts": [NOW - HOUR_MS], "fault": [FAULT], "risk": [0.9], "model": ["m-1"]}
    store.write_risks(risk_frame(pl.DataFrame(real)))
    written = hindcast(store, desk, Registry())  # type: ignore[arg-type]  # as far as it is asked
    found = store.risk_history("R1", 0, NOW)
    past = found.filter(pl.col("model") == f"{HINDCAST}m-1")
    assert past.height == written / 2
    assert DAYS - 3 <= past.height <= DAYS
    assert past["ts"].diff().drop_nulls().unique().to_list() == [DAY_MS]
    assert past["ts"].max() < NOW - DAY_MS
    assert set(past["risk"]) == {0.25}
    assert store.latest_risks("R1")["risk"].to_list() == [0.9]


def test_it_can_be_broken_off_and_has_stored_nothing_then(house: tuple[DuckDbStore, DeskDatabase]) -> None:
    store, desk = house
    with pytest.raises(HindcastCancelled):
        hindcast(store, desk, Registry(), lambda: True)  # type: ignore[arg-type]  # as above
    assert not store.risk_history("R1", 0, NOW).height


def test_an_empty_installation_has_no_past(tmp_path: Path) -> None:
    store = DuckDbStore.open(tmp_path / "empty.duckdb", STANDARD_SIGNALS)
    desk = fresh_desk(tmp_path / "empty.sqlite")
    assert hindcast(store, desk, Registry()) == 0  # type: ignore[arg-type]  # as above
    store.close()
    desk.close()
