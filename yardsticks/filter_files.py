"""The filter runs of the hse-filter yardstick as a fleet of ours: a tile for each second.

"Prognostics HSE", a real bench: a filter is fed dust until its pressure drop passes 600 Pa.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from fleet.clock import HOUR_MS
from fleet.errors import InvalidInput
from models.features.windows import Floats
from yardsticks.report import has_file, read_csv

FAILED_PA = 600.0
SIGNALS = ("dp", "top", "dropped", "flow", "feed")
LEAST_SECONDS = 20
_SCHEMA = {
    "Data_No": pl.Int64,
    "Differential_pressure": pl.Float64,
    "Flow_rate": pl.Float64,
    "Time": pl.Float64,
    "Dust_feed": pl.Float64,
    "RUL": pl.Float64,
}
_WANDERS_S = 0.5
"""A whole life, told again in every row, may wander by this much (sd)."""
_FLOWING = 40.0
"""Below this the flow is starting up."""


@dataclass(frozen=True)
class Run:
    """One run, a row a whole second: `name`, and `seconds` it lasted.

    `dp` mean pressure drop (Pa), `top` its highest, `noise` its sd, `dropped` the share of readings of 0,
    `flow`, `feed` of dust, `dust` fed since the start, `left` until the end (s). Shapes: (seconds,).
    """

    name: str
    seconds: float
    dp: Floats
    top: Floats
    noise: Floats
    dropped: Floats
    flow: Floats
    feed: Floats

    @property
    def dust(self) -> Floats:
        """Dust fed since the start."""
        return np.cumsum(self.feed)

    @property
    def time(self) -> Floats:
        """Seconds since the start, when each second is over."""
        return np.arange(1.0, len(self.dp) + 1)

    @property
    def left(self) -> Floats:
        """Seconds until the end of the run."""
        return self.seconds - self.time


def read_runs(folder: Path) -> list[Run]:
    """Read the runs of train.csv in a folder or, without one, of every CSV file there.

    In the published file the headers Dust_feed and RUL are swapped: the column that counts down with Time is
    taken as the remaining life, whatever it is called. Raises InvalidInput that names the file and what is
    wrong.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds train.csv or train.csv.gz")
    found = sorted(path for path in folder.iterdir() if path.name.endswith((".csv", ".csv.gz")))
    if has_file(folder, "train.csv"):
        found = [path for path in found if path.name in ("train.csv", "train.csv.gz")][:1]
    if not found:
        raise InvalidInput(f"{folder} holds no CSV file")
    return [run for path in found for run in _runs(path)]


def _runs(path: Path) -> list[Run]:
    frame = read_csv(path, _SCHEMA).sort("Data_No", "Time", maintain_order=True)
    if any(frame.null_count().row(0)) or not all(frame.select(pl.all().is_finite().all()).row(0)):
        raise InvalidInput(f"{path} holds a row with an empty field or a value that is no number")
    life, feed = _life_and_feed(frame, path)
    second = (pl.col("Time") - 1e-6).floor().cast(pl.Int64)
    dp = pl.col("Differential_pressure")
    flowing = pl.col("Flow_rate").filter(pl.col("Flow_rate") > _FLOWING)
    seconds = frame.group_by("Data_No", second.alias("second"), maintain_order=True).agg(
        dp=dp.mean(),
        top=dp.max(),
        noise=dp.std(ddof=0),
        dropped=(dp <= 0).mean(),
        flow=flowing.mean(),
        feed=pl.col(feed).mean(),
        whole=(pl.col("Time") + pl.col(life)).mean(),
    )
    return [_run(f"{path.name.split('.')[0]}-{number}", each, path) for (number,), each in _parts(seconds)]


def _parts(seconds: pl.DataFrame) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    return list(seconds.partition_by("Data_No", as_dict=True, maintain_order=True).items())


def _run(name: str, seconds: pl.DataFrame, path: Path) -> Run:
    count = seconds.height
    if count < LEAST_SECONDS or seconds["second"].to_list() != list(range(count)):
        raise InvalidInput(
            f"{path}: run {name} has no reading in some second, or lasts less than {LEAST_SECONDS} s"
        )
    columns = ("dp", "top", "noise", "dropped", "flow", "feed")
    values = [seconds[column].cast(pl.Float64).fill_null(float("nan")).to_numpy() for column in columns]
    return Run(name, float(seconds["whole"].mean()), *values)  # type: ignore[arg-type]


def _life_and_feed(frame: pl.DataFrame, path: Path) -> tuple[str, str]:
    """Return which column counts down with Time, and the other."""
    for life, feed in (("RUL", "Dust_feed"), ("Dust_feed", "RUL")):
        whole = (pl.col(life) + pl.col("Time")).alias("whole")
        spread = frame.select("Data_No", whole).group_by("Data_No").agg(pl.col("whole").std(ddof=0))
        if float(spread["whole"].max()) < _WANDERS_S:  # type: ignore[arg-type]
            return life, feed
    raise InvalidInput(f"{path}: neither RUL nor Dust_feed counts down with Time in every run")


def as_tiles(runs: list[Run]) -> pl.DataFrame:
    """Return a tile for each second, in place of an hour."""
    frames = []
    for run in runs:
        one = np.ones(len(run.dp), dtype=np.int64)
        columns: dict[str, object] = {
            "device_id": [run.name] * len(one),
            "hour": np.arange(len(one)) * HOUR_MS,
            "readings": one,
            "dp.m2": run.noise**2,
        }
        for signal in SIGNALS:
            values = getattr(run, signal)
            columns |= {f"{signal}.n": np.isfinite(values).astype(np.int64), f"{signal}.mean": values}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)
