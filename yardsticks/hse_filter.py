"""The hse-filter yardstick: how many seconds a filter has until it is clogged, on runs never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.errors import InvalidInput
from models.features.windows import Floats
from models.learning.life import LEAST_LIVES
from yardsticks.lives_of_units import Taught, Told, by_left, inside, look, rms, teach, tell
from yardsticks.mapped import Mapped, read_map, read_readings, without
from yardsticks.report import Report, has_file, over_seeds

PROTOCOL = (
    "Leave one run out: each run is judged at every second of its life (rmse_s) by models of all others, "
    "which also taught what it is held against. Runs of --test (or test.csv) are judged by those of all runs "
    "of --train, at the second in which they were cut off (rmse_s_cut). Runs to learn from that were cut off "
    "stand for themselves up to there. The band of p10 to p90 comes from training runs left out in turn. "
    "Seeds are those of models and folds. What was looked at when: docs/yardsticks.md."
)
_LEFT = "left"
_ENDED_S = 1.0
"""A run that was read to less than this before its end was seen to it."""
_WANDERS_S = 0.5
"""A whole life, told again in every row, may wander by this much (sd)."""
_EDGES = (0.0, 15.0, 40.0, 80.0, 1e9)


@dataclass(frozen=True)
class Fold:
    """Runs to learn from, looked at once, and rows of others with what they had left (s)."""

    taught: Taught
    asked: Floats
    truth: Floats
    last: NDArray[np.int64]
    """Which of the rows are the last of their run."""


def evaluate(folder: Path, seeds: Sequence[int], train: str = "", test: str = "") -> dict[str, Any]:
    """Score the yardstick in a folder, as `yardsticks.report.Report.as_json` says.

    `train` and `test` are names of files there. Raises InvalidInput when a file is missing or not fully
    understood, or holds too few runs.
    """
    mapped = read_map("hse-filter")
    runs = runs_in(mapped, files_in(folder, train, "train.csv"))
    cut = (
        runs_in(mapped, files_in(folder, test, "test.csv")) if test or has_file(folder, "test.csv") else None
    )
    folds = left_out_in_turn(mapped, runs)
    told: dict[int, list[Told]] = {}
    held = None if cut is None else between(mapped, runs, cut)

    def run(seed: int) -> dict[str, float]:
        told[seed] = [tell(fold.taught, fold.asked, seed) for fold in folds]
        found = judge(folds, told[seed])
        return found | (judge_cut(held, tell(held.taught, held.asked, seed)) if held else {})

    metrics, _ = over_seeds(seeds, run)
    first = together(told[seeds[0]])
    truth = np.concatenate([fold.truth for fold in folds])
    details = {"runs": len(folds), "by_seconds_left": by_left(first, truth, _EDGES)}
    return Report("hse-filter", seeds, metrics, baselines(folds), PROTOCOL, details).as_json()


def files_in(folder: Path, name: str, usual: str) -> list[Path]:
    """Return the file of a name, the usual one, or else all CSV files of a folder. Raises InvalidInput."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds train.csv or train.csv.gz")
    found = sorted(path for path in folder.iterdir() if path.name.endswith((".csv", ".csv.gz")))
    for wanted in (name, usual):
        chosen = [path for path in found if path.name in (wanted, f"{wanted}.gz")]
        if chosen or (name and wanted == name):
            break
    if name and not chosen:
        raise InvalidInput(f"{folder} holds no {name}")
    if not (chosen or found):
        raise InvalidInput(f"{folder} holds no CSV file")
    return chosen[:1] or found


def runs_in(mapped: Mapped, files: Sequence[Path]) -> pl.DataFrame:
    """Return the readings of all runs of some files; a run is named by its file and number."""
    found = []
    for path in files:
        unit = pl.lit(f"{path.name.split('.')[0]}-") + pl.col("unit")
        found.append(_unswapped(read_readings(mapped, path), path).with_columns(unit.alias("unit")))
    return pl.concat(found).sort("unit", "ts", maintain_order=True)


def _unswapped(readings: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Return readings of which the column that counts down is what is left, whatever its header says.

    In the published file the headers Dust_feed and RUL are swapped.
    """
    for left, dust in ((_LEFT, "dust_feed"), ("dust_feed", _LEFT)):
        whole = pl.col(left) + pl.col("ts") / 1000
        spread = readings.group_by("unit").agg(whole.std(ddof=0).alias("sd"))["sd"].max()
        if float(spread) < _WANDERS_S:  # type: ignore[arg-type]
            return readings.rename({left: _LEFT, dust: "dust_feed"} if left != _LEFT else {})
    raise InvalidInput(f"{path}: neither RUL nor Dust_feed counts down with Time in every run")


def left_out_in_turn(mapped: Mapped, runs: pl.DataFrame, every: int = 1) -> list[Fold]:
    """Return a fold for each run (or one of `every`): all others, and it. Raises InvalidInput."""
    names = runs["unit"].unique().sort().to_list()
    if len(names) <= LEAST_LIVES:
        raise InvalidInput(f"there are {len(names)} runs; {LEAST_LIVES + 1} are needed")
    own = pl.col("unit")
    return [between(mapped, runs.filter(own != name), runs.filter(own == name)) for name in names[::every]]


def between(mapped: Mapped, train: pl.DataFrame, test: pl.DataFrame) -> Fold:
    """Return what some runs teach, and the seconds of others. Raises InvalidInput."""
    kind = without(mapped.kind, [_LEFT])
    seen, asked = look(kind, train), look(kind, test)
    after = _left(mapped, train)[seen.last]
    taught = teach(kind, seen, after < _ENDED_S, np.where(after < _ENDED_S, after, 0.0), np.inf)
    return Fold(taught, taught.condition.look(asked), _left(mapped, test), asked.last)


def _left(mapped: Mapped, runs: pl.DataFrame) -> Floats:
    """Return what was left at the last reading of each run and second."""
    step = (pl.col("ts") // mapped.kind.step_ms).alias("step")
    last = runs.group_by("unit", step, maintain_order=True).agg(pl.col(_LEFT).last())
    return np.asarray(last[_LEFT].to_numpy(), dtype=np.float64)


def judge(folds: Sequence[Fold], told: Sequence[Told]) -> dict[str, float]:
    """Return the RMSE (s) over all points, and the coverage of p10 to p90."""
    truth = np.concatenate([fold.truth for fold in folds])
    every = together(told)
    return {"rmse_s": rms(every.expected - truth), "coverage_p10_p90": inside(every, truth)}


def judge_cut(fold: Fold, told: Told) -> dict[str, float]:
    """Return the RMSE (s) where runs were cut off, and over all of their seconds."""
    off = told.expected - fold.truth
    return {"rmse_s_cut": rms(off[fold.last]), "rmse_s_cut_every_second": rms(off)}


def together(told: Sequence[Told]) -> Told:
    """Return what was said of all folds' rows, one after the other."""
    return Told(np.concatenate([e.expected for e in told]), np.concatenate([e.band for e in told]))


def baselines(folds: Sequence[Fold]) -> dict[str, float]:
    """Return what the mean life of the other runs, less the time that has passed, reaches."""
    off = []
    for fold in folds:
        left, unit = next(iter(fold.taught.lives.left.values())), fold.taught.lives.devices
        known = [left[unit == each] for each in np.unique(unit)]
        mean = float(np.mean([np.nanmax(each) for each in known if np.isfinite(each).any()]))
        passed = fold.truth[0] - fold.truth
        off.append(np.maximum(mean - passed, 0.0) - fold.truth)
    return {"rmse_s_mean_life": rms(np.concatenate(off))}
