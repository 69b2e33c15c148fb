"""A challenger takes over only when it was cheaper on rows that neither model had learned from."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from helpers.trials import END, FAULT, START, repairs, scores, told

from fleet.clock import DAY_MS
from fleet.signals import STANDARD_SIGNALS
from models.learning.settings import Costs
from models.registry.trial import (
    CHEAPER,
    NOT_PROVED,
    ROW_MS,
    TOO_EARLY,
    Contender,
    Verdict,
    judge,
    side_by_side,
)
from storage.series.duckdb.store import DuckDbStore

NONE = pl.DataFrame(schema={"device_id": pl.String, "fault": pl.String, "ts": pl.Int64})


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
