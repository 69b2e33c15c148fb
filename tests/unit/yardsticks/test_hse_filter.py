"""hse-filter: the figures are reached, other runs work too, and nothing is known before its second."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fleet.errors import InvalidInput
from yardsticks.hse_filter import between, evaluate, files_in, judge_cut, runs_in
from yardsticks.lives_of_units import tell
from yardsticks.mapped import read_map


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


def test_other_runs_in_the_same_format_are_judged_and_beat_the_mean_life(small: Path) -> None:
    told = evaluate(small, [0])
    assert (told["name"], told["seeds"], told["details"]["runs"]) == ("hse-filter", [0], 12)
    assert set(told["metrics"]) == {"rmse_s", "coverage_p10_p90"}
    assert told["metrics"]["rmse_s"]["mean"] < told["baselines"]["rmse_s_mean_life"]


def test_swapped_headers_are_told_by_what_counts_down(small: Path, tmp_path: Path) -> None:
    swapped = clogging(12, 0).rename({"RUL": "Dust_feed", "Dust_feed": "RUL"})
    swapped.write_csv(tmp_path / "bench.csv")
    mapped = read_map("hse-filter")
    plain, other = (runs_in(mapped, files_in(folder, "", "train.csv")) for folder in (small, tmp_path))
    assert plain.equals(other.select(plain.columns))


def test_runs_that_were_cut_off_are_learned_from_and_judged_where_they_were_cut(tmp_path: Path) -> None:
    runs = clogging(14, 0)
    late = (pl.col("Data_No") > 10) & (pl.col("RUL") < 12)
    runs.filter(~late).write_csv(tmp_path / "train.csv")
    other = clogging(6, 1)
    other.filter(pl.col("RUL") > 15).write_csv(tmp_path / "test.csv")
    mapped = read_map("hse-filter")
    train, test = (runs_in(mapped, files_in(tmp_path, name, "")) for name in ("train.csv", "test.csv"))
    fold = between(mapped, train, test)
    lives = fold.taught.lives
    assert len(np.unique(lives.devices[lives.ended])) == 10, "four of fourteen were not seen to their end"
    assert len(fold.last) == 6
    assert fold.truth[fold.last] == pytest.approx(15, abs=0.5)
    assert judge_cut(fold, tell(fold.taught, fold.asked, 0))["rmse_s_cut"] < 8


def test_later_seconds_change_nothing_that_was_said_before(small: Path) -> None:
    mapped = read_map("hse-filter")
    runs = runs_in(mapped, files_in(small, "", "train.csv"))
    first = runs["unit"][0]
    one, others = runs.filter(pl.col("unit") == first), runs.filter(pl.col("unit") != first)
    late = pl.col("ts") >= one["ts"][0] // 1000 * 1000 + 30_000
    changed = one.with_columns(
        pl.when(late).then(9e5).otherwise(pl.col("pressure")).alias("pressure"),
        pl.when(late).then(1.0).otherwise(pl.col("dust_feed")).alias("dust_feed"),
    )
    asked = [between(mapped, others, each).asked[:30] for each in (one, changed)]
    np.testing.assert_array_equal(*asked)


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

    refused(frame, "there are 3 runs; 7 are needed")
    refused(frame.drop("Time"), "has no column")
    refused(frame.with_columns(RUL=pl.lit(1.0)), "neither RUL nor Dust_feed counts down with Time")
    refused(frame.with_columns(Flow_rate=pl.lit("wet")), "line 2")
