"""hse-filter: the figures are reached, other runs work too, and nothing is known before its second."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleet.errors import InvalidInput
from yardsticks.filter_features import Reference, look_at
from yardsticks.filter_files import read_runs
from yardsticks.hse_filter import evaluate, judge, predict, prepared

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "public" / "hse-filter"


def clogging(runs: int, seed: int) -> pl.DataFrame:
    """Return runs at 5 Hz with two ways of feeding; the dust that a filter takes differs by a tenth."""
    rng = np.random.default_rng(seed)
    frames = []
    for number in range(1, runs + 1):
        time = np.arange(1, 1_000) / 5
        feed = np.where((time < 20) == (number % 2 == 0), 60.0, 120.0)
        taken = np.cumsum(feed) / 5 / (4_000 * (1 + 0.1 * rng.standard_normal()))
        pressure = np.maximum(600 * taken**2 + rng.normal(0, 6, len(time)), 0)
        end = int(np.argmax(pressure > 600)) + 1
        frame = pl.DataFrame(
            {
                "Data_No": number,
                "Differential_pressure": pressure,
                "Flow_rate": 80.0,
                "Time": time,
                "Dust_feed": feed,
                "RUL": time[end - 1] - time,
            }
        )
        frames.append(frame.head(end))
    return pl.concat(frames)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hse")
    clogging(12, 0).write_csv(folder / "bench.csv")
    return folder


def real() -> Path:
    """Return the real data's folder; without it skip the test, or fail it in CI."""
    if not REAL.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{REAL} is missing")
        pytest.skip(f"{REAL} is not there")
    return REAL


def test_the_figure_of_the_real_bench_is_reached() -> None:
    folds = prepared(real())
    told = judge(folds, [predict(fold, 0) for fold in folds])
    assert told["rmse_s"] <= 9.1
    assert 0.7 <= told["coverage_p10_p90"] <= 0.9


def test_other_runs_in_the_same_format_are_judged_and_beat_the_mean_life(small: Path) -> None:
    told = evaluate(small, [0])
    assert (told["name"], told["seeds"], told["details"]["runs"]) == ("hse-filter", [0], 12)
    assert set(told["metrics"]) == {"rmse_s", "coverage_p10_p90"}
    assert told["metrics"]["rmse_s"]["mean"] < told["baselines"]["rmse_s_mean_life"]


def test_swapped_headers_are_told_by_what_counts_down(small: Path, tmp_path: Path) -> None:
    swapped = clogging(12, 0).rename({"RUL": "Dust_feed", "Dust_feed": "RUL"})
    swapped.write_csv(tmp_path / "train.csv")
    plain, other = read_runs(small), read_runs(tmp_path)
    for one, two in zip(plain, other, strict=True):
        np.testing.assert_array_equal(one.feed, two.feed)
        assert one.seconds == two.seconds


def test_later_seconds_change_nothing_that_was_said_before(small: Path) -> None:
    runs = read_runs(small)
    late = np.arange(len(runs[0].dp)) >= 30
    changed = replace(
        runs[0], dp=np.where(late, 9e5, runs[0].dp), feed=np.where(late, 1.0, runs[0].feed), seconds=999.0
    )
    before = np.arange(30)
    told = []
    for first in (runs[0], changed):
        seen = look_at([first, *runs[1:]])
        against = Reference(seen[1:]).against(seen[0], before, range(len(runs) - 1))
        told.append(np.hstack([seen[0].features[before], against]))
    np.testing.assert_array_equal(told[0], told[1])


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no folder"):
        evaluate(tmp_path / "none", [0])
    with pytest.raises(InvalidInput, match="holds no CSV file"):
        evaluate(tmp_path, [0])
    frame = clogging(3, 0)

    def refused(changed: pl.DataFrame, message: str) -> None:
        changed.write_csv(tmp_path / "train.csv")
        with pytest.raises(InvalidInput, match=message):
            evaluate(tmp_path, [0])

    refused(frame, "holds 3 runs; 7 are needed")
    refused(frame.drop("Time"), "has no column Time")
    refused(frame.with_columns(RUL=pl.lit(1.0)), "neither RUL nor Dust_feed counts down with Time")
    refused(frame.with_columns(Flow_rate=pl.lit(None, pl.Float64)), "an empty field")
    refused(frame.filter(pl.col("Time").is_between(3, 5).not_()), "has no reading in some second")
