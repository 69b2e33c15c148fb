"""The machines of the azure-pdm yardstick as a fleet of ours: tiles, repairs and failures.

Microsoft, "Predictive maintenance modelling guide" (simulated). An instant belongs to the step that ends with
it: what happened at 06:00 is known at 06:00, so it lies in the tile of 05:00.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import InvalidInput
from models.features.grid import Ints
from yardsticks.report import find_file, read_csv, read_times

SIGNALS = ("volt", "rotate", "pressure", "vibration")
VISIT = "visit"
"""The component that any replacement renews: when somebody was there last."""
_TIME = "%Y-%m-%d %H:%M:%S"
_KNOWN_AFTER = 30 * HOUR_MS
"""A day's mean runs from 07:00 to 06:00 of the next day, so it is known 30 h after the date's midnight."""
_PAST_DAYS, _PAST_LEAST = 30, 7
_LONGEST_PERIOD = 45
_CLEAR_SD = 4.0


@dataclass(frozen=True)
class Plant:
    """All that a folder tells.

    `machines`: device_id, model, age, in the order of their numbers. `tiles`: a tile frame with one tile for
    a day of telemetry and one for an hour with errors. `resets` and `failures`: device_id, fault, ts (epoch
    ms); the faults of resets are components, errors and VISIT. What is later than `end` is unknown.
    """

    machines: pl.DataFrame
    tiles: pl.DataFrame
    resets: pl.DataFrame
    failures: pl.DataFrame
    components: tuple[str, ...]
    errors: tuple[str, ...]
    start: int
    end: int


def read_plant(folder: Path) -> Plant:
    """Read a folder of the yardstick's files. Raises InvalidInput that names the file and what is wrong.

    telemetry_hourly_20 is not read: it ends months before the test begins, and holds some machines only.
    """
    path = find_file(folder, "machines.csv")
    machines = read_csv(path, {"machineID": pl.Int64, "model": pl.String, "age": pl.Float64}).sort(
        "machineID"
    )
    daily = _telemetry(folder)
    errors = _events(folder, "errors.csv", "errorID")
    repairs = _events(folder, "maint.csv", "comp")
    failures = _events(folder, "failures.csv", "failure")
    visits = repairs.with_columns(fault=pl.lit(VISIT)).unique()
    tiles = pl.concat([with_onsets(daily), _error_tiles(errors)], how="diagonal")
    return Plant(
        machines.sort("machineID").select(
            pl.col("machineID").cast(pl.String).alias("device_id"), "model", "age"
        ),
        tiles.group_by("device_id", "hour").agg(pl.all().sum()).sort("device_id", "hour"),
        pl.concat([repairs, visits, errors]).with_columns(pl.col("ts") - 1),
        failures,
        tuple(pl.concat([failures["fault"], repairs["fault"]]).unique().sort()),
        tuple(errors["fault"].unique().sort()),
        int(daily["hour"].min()) + HOUR_MS,  # type: ignore[arg-type]
        int(daily["hour"].max()) + HOUR_MS,  # type: ignore[arg-type]
    )


def _telemetry(folder: Path) -> pl.DataFrame:
    """Return one tile for each machine and day, in the last hour of its mean."""
    path = find_file(folder, "telemetry_daily.csv")
    schema = {"date": pl.String, "machineID": pl.Int64, **dict.fromkeys(SIGNALS, pl.Float64)}
    frame = read_times(read_csv(path, schema), "date", "%Y-%m-%d", path)
    if frame.select("date", "machineID").is_duplicated().any():
        raise InvalidInput(f"{path} holds a machine's day twice")
    return frame.select(
        pl.col("machineID").cast(pl.String).alias("device_id"),
        (pl.col("date") + _KNOWN_AFTER - HOUR_MS).alias("hour"),
        pl.lit(24).alias("readings"),
        *(pl.col(signal).is_not_null().cast(pl.Int64).alias(f"{signal}.n") for signal in SIGNALS),
        *(pl.col(signal).alias(f"{signal}.mean") for signal in SIGNALS),
    ).sort("device_id", "hour")


def _events(folder: Path, name: str, column: str) -> pl.DataFrame:
    path = find_file(folder, name)
    frame = read_csv(path, {"datetime": pl.String, "machineID": pl.Int64, column: pl.String})
    return read_times(frame, "datetime", _TIME, path).select(
        pl.col("machineID").cast(pl.String).alias("device_id"), fault=column, ts="datetime"
    )


def _error_tiles(errors: pl.DataFrame) -> pl.DataFrame:
    hour = ((pl.col("ts") - 1) // HOUR_MS * HOUR_MS).alias("hour")
    counts = errors.group_by("device_id", hour, "fault").len("n")
    wide = counts.pivot("fault", index=["device_id", "hour"], values="n", sort_columns=True)
    return wide.rename({fault: f"{fault}.n" for fault in wide.columns[2:]}).with_columns(
        pl.col("^.*\\.n$").cast(pl.Int64)
    )


def with_onsets(daily: pl.DataFrame) -> pl.DataFrame:
    """Add `onset.n`: how many signals had left their usual range the day before, and that from its start.

    Usual is the median of the 30 days before, spread half of their 16 to 84 % range. A step that is as high
    on its first day as on its second began with that day, which only the second day tells.
    """
    onsets = [_onset(signal).over("device_id", order_by="hour") for signal in SIGNALS]
    return daily.with_columns(pl.sum_horizontal(onsets).alias("onset.n"))


def _onset(signal: str) -> pl.Expr:
    level = pl.col(f"{signal}.mean")
    past = level.shift(3)
    usual = past.rolling_median(_PAST_DAYS, min_samples=_PAST_LEAST)
    high, low = (
        past.rolling_quantile(q, window_size=_PAST_DAYS, min_samples=_PAST_LEAST) for q in (0.84, 0.16)
    )
    spread = (high - low) / 2
    second, first, before = ((level.shift(lag) - usual) / spread for lag in (0, 1, 2))
    step = (first.abs() > 4) & (before.abs() < 2) & ((second - first).abs() < 2)
    return step.fill_null(value=False).cast(pl.Int64)


def onset_period(plant: Plant, devices: list[str], until: int) -> int:
    """Return the days after which onsets most clearly return on `devices`; 1 if nothing returns.

    Only tiles before `until` (epoch ms) are looked at.
    """
    seen = plant.tiles.filter(pl.col("onset.n") > 0).select("device_id", ts="hour")
    return _period(_days(seen, devices, until))


def visit_period(plant: Plant, devices: list[str], until: int) -> int:
    """Return the days after which visits most clearly return on `devices` before `until`; 1 for none."""
    visits = plant.resets.filter(pl.col("fault") == VISIT, pl.col("ts") >= plant.start)
    return _period(_days(visits, devices, until))


def _days(events: pl.DataFrame, devices: list[str], until: int) -> list[Ints]:
    chosen = events.filter(pl.col("device_id").is_in(devices), pl.col("ts") < until)
    return [
        group["ts"].to_numpy() // DAY_MS for _, group in chosen.group_by("device_id", maintain_order=True)
    ]


def _period(events: list[Ints]) -> int:
    """Return the period whose multiples most pairs of events lie apart, against chance, in sd of a count."""
    apart = [np.abs(days[:, None] - days[None, :])[np.triu_indices(len(days), 1)] for days in events]
    gaps = np.concatenate([*apart, np.zeros(0, dtype=np.int64)])
    gaps = gaps[gaps > 0]
    periods = np.arange(2, _LONGEST_PERIOD + 1)
    chance = np.maximum(len(gaps) / periods, 1.0)
    excess = ((gaps[None, :] % periods[:, None] == 0).sum(axis=1) - chance) / np.sqrt(chance)
    return int(periods[excess.argmax()]) if excess.max() > _CLEAR_SD else 1
