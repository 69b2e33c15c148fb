"""Tile memory: what has news is what reported, and nobody else is read or judged again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from helpers.batches import batch_of

from fleet.clock import HOUR_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from models.features.compute import Look
from models.features.definitions import all_features
from models.features.tile_memory import TileMemory
from models.features.windows import NO_RESETS, FleetFacts
from storage.series.duckdb.store import DuckDbStore

T0 = 450_000 * HOUR_MS
FACTS = FleetFacts({}, NO_RESETS)


class Asked(DuckDbStore):
    """A store that notes how many tiles it gave."""

    given = 0

    def tiles(self, *asked: Any, **more: Any) -> pl.DataFrame:
        found = super().tiles(*asked, **more)
        self.given += found.height
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Asked]:
    made = Asked.open(tmp_path / "telemetry.duckdb", STANDARD_SIGNALS)
    assert isinstance(made, Asked)
    report(made, range(10), range(30))
    yield made
    made.close()


def report(store: DuckDbStore, devices: Sequence[int], hours: Sequence[int]) -> None:
    store.write(
        batch_of(
            [
                {
                    "device_id": f"R{device}",
                    "ts": T0 + hour * HOUR_MS + device,
                    "battery_temp_c": 20.0 + device,
                }
                for device in devices
                for hour in hours
            ]
        )
    )


@pytest.mark.parametrize("reported", [[3], [0, 1, 2, 3, 4, 5]], ids=["few", "many"])
def test_only_devices_that_reported_have_news(store: Asked, reported: list[int]) -> None:
    memory = TileMemory(store, Kind.ROBOT)
    assert len(memory.refresh(FACTS).touched) == 10
    assert not memory.refresh(FACTS).touched
    report(store, reported, [30])
    assert memory.refresh(FACTS).touched == {f"R{device}" for device in reported}
    again = TileMemory(store, Kind.ROBOT)
    again.refresh(FACTS)
    rows = [each.tiles.rows_of(sorted(each.tiles.devices)) for each in (memory, again)]
    found, fresh = (
        Look(each.tiles.at(row)).matrix(all_features())
        for each, row in zip((memory, again), rows, strict=True)
    )
    np.testing.assert_allclose(found, fresh, rtol=1e-4, equal_nan=True)


def test_a_pass_in_which_few_reported_reads_their_tiles_alone(store: Asked) -> None:
    memory = TileMemory(store, Kind.ROBOT, timer=lambda: 0.0)
    memory.refresh(FACTS)
    report(store, [3], [30])
    store.given = 0
    memory.refresh(FACTS)
    assert store.given <= 3


def test_an_hour_that_ended_in_a_dip_is_told_anew_when_the_counter_is_back(store: Asked) -> None:
    last, minute = T0 + 31 * HOUR_MS, HOUR_MS // 60
    counted = [(last - (60 - at) * minute, 5_000 + 60 * at) for at in range(0, 58, 2)]
    memory = TileMemory(store, Kind.ROBOT)
    memory.refresh(FACTS)
    for told in (
        counted,
        [(last - 2 * minute, 0)],
        [(last + minute, 0)],
        [(last + 3 * minute, 5_000 + 60 * 63)],
    ):
        store.write(batch_of([{"device_id": "R3", "ts": ts, "run_s": seconds} for ts, seconds in told]))
        memory.refresh(FACTS)
    again = TileMemory(store, Kind.ROBOT)
    again.refresh(FACTS)
    found, fresh = (each.tiles.at(each.tiles.rows_of(["R3"])) for each in (memory, again))
    np.testing.assert_allclose(
        Look(found).matrix(all_features()), Look(fresh).matrix(all_features()), rtol=1e-6, equal_nan=True
    )
