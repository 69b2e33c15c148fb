"""A challenger takes over only when it was cheaper on rows that neither model had learned from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleet.clock import DAY_MS, HOUR_MS
from fleet.faults import FAULTS
from fleet.risks import risk_frame
from fleet.signals import STANDARD_SIGNALS
from models.settings import Costs
from models.trial import CHEAPER, NOT_PROVED, ROW_MS, TOO_EARLY, Contender, Verdict, judge, side_by_side
from storage.duckdb_store import DuckDbStore

FAULT = FAULTS["battery_wear"]
START = 1_795_334_400_000 // DAY_MS * DAY_MS
DAYS = 60
END = START + DAYS * DAY_MS
NONE = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "ts": pl.Int64})


def failures(devices: int) -> dict[str, int]:
    """One failure of every second device, spread over the time."""
    days = np.linspace(10, DAYS - 10, devices)
    return {f"R{number}": START + int(days[number] * DAY_MS) for number in range(0, devices, 2)}


def repairs(devices: int) -> pl.DataFrame:
    rows = [(device, FAULT.code, ts, ts + HOUR_MS) for device, ts in failures(devices).items()]
    names = {"device_id": pl.String, "fault": pl.String, "opened": pl.Int64, "ended": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row")


def scores(devices: int, skill: float, seed: int) -> pl.DataFrame:
    """Risks every 12 hours, which rise before a failure as far as the model has skill."""
    rng, broken, rows = np.random.default_rng(seed), failures(devices), []
    for number in range(devices):
        device = f"R{number}"
        for at in range(START + HOUR_MS, END, ROW_MS):
            ahead = broken.get(device, 2**62) - at
            warned = 0 < ahead <= 7 * DAY_MS and rng.random() < skill
            rows.append((device, at, 0.7 if warned or rng.random() < 0.02 else 0.05))
    return pl.DataFrame(rows, schema=["device_id", "ts", "risk"], orient="row")


def told(frame: pl.DataFrame, model: str) -> pl.DataFrame:
    return risk_frame(frame.with_columns(fault=pl.lit(FAULT.code), model=pl.lit(model)))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDbStore]:
    opened = DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)
    yield opened
    opened.close()


def tried(store: DuckDbStore, devices: int, old: float, new: float, learned: int = START) -> Verdict:
    store.write_risks(told(scores(devices, old, 1), "old"))
    store.write_risks(told(scores(devices, new, 2), "new"), shadow=True)
    champion, challenger = Contender("old", START - DAY_MS, 0.4), Contender("new", learned, 0.4)
    rows = side_by_side(store, FAULT, champion, challenger, END)
    return judge(rows, repairs(devices), NONE, FAULT, (0.4, 0.4), Costs(), END, 0.02)


def test_a_challenger_that_warns_of_more_failures_is_cheaper(store: DuckDbStore) -> None:
    verdict = tried(store, 40, 0.3, 0.9)
    assert verdict.verdict == CHEAPER
    assert verdict.comparison is not None
    assert verdict.comparison.low > 0.02
    assert verdict.comparison.failures == 20
    assert "saves" in verdict.text.en
    assert "节省" in verdict.text.zh


def test_one_that_is_as_good_does_not_take_over(store: DuckDbStore) -> None:
    verdict = tried(store, 40, 0.7, 0.7)
    assert verdict.verdict == NOT_PROVED
    assert "must be above 2.0 %" in verdict.text.en


def test_a_few_failures_prove_nothing(store: DuckDbStore) -> None:
    verdict = tried(store, 8, 0.0, 1.0)
    assert verdict.verdict == TOO_EARLY
    assert "4 failures on 8 devices" in verdict.text.en


def test_rows_that_either_has_learned_from_do_not_count(store: DuckDbStore) -> None:
    store.write_risks(told(scores(4, 0.5, 1), "old"))
    store.write_risks(told(scores(4, 0.5, 2), "new"), shadow=True)
    store.write_risks(told(scores(4, 0.5, 2), "other").with_columns(ts=pl.col("ts") + 1), shadow=True)
    learned = START + 30 * DAY_MS
    for old, new in ((learned, START), (START, learned)):
        rows = side_by_side(store, FAULT, Contender("old", old, 0.4), Contender("new", new, 0.4), END)
        assert rows.is_empty()  # of the challenger the last score of each interval is another model's
    store.write_risks(told(scores(4, 0.5, 2), "new").with_columns(ts=pl.col("ts") + 2), shadow=True)
    for old, new in ((learned, START), (START, learned)):
        rows = side_by_side(store, FAULT, Contender("old", old, 0.4), Contender("new", new, 0.4), END)
        assert rows["until"].min() == learned + ROW_MS
        assert rows.height == 4 * 60
    assert rows.columns == ["device_id", "until", "champion", "challenger"]


def test_a_ticket_that_is_still_open_is_neither_right_nor_wrong(store: DuckDbStore) -> None:
    """With every failure's ticket still open nothing is known of the challenger yet."""
    store.write_risks(told(scores(20, 0.0, 1), "old"))
    store.write_risks(told(scores(20, 1.0, 2), "new"), shadow=True)
    rows = side_by_side(store, FAULT, Contender("old", START, 0.4), Contender("new", START, 0.4), END)
    opened = repairs(20).select("device_id", "fault", ts="opened")
    verdict = judge(rows, repairs(20).clear(), opened, FAULT, (0.4, 0.4), Costs(), END, 0.02)
    assert verdict.verdict == TOO_EARLY
