"""What every yardstick shares: how its figures are reported, and how its files are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from fleet.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric over all seeds: its mean, and the sample standard deviation (0 for one seed)."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Report:
    """How one yardstick went.

    `metrics` by name; `baselines` are figures of simple rules, measured here on the same rows; `protocol`
    says in a sentence how rows were split; `details` are figures beside the metrics.
    """

    name: str
    seeds: Sequence[int]
    metrics: Mapping[str, Figure]
    baselines: Mapping[str, Any]
    protocol: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON object; `details` only where there are any."""
        told: dict[str, Any] = {
            "name": self.name,
            "seeds": list(self.seeds),
            "metrics": {name: asdict(figure) for name, figure in self.metrics.items()},
            "baselines": dict(self.baselines),
            "protocol": self.protocol,
        }
        return told | ({"details": dict(self.details)} if self.details else {})


def summary(values: Sequence[float]) -> Figure:
    """Return the mean and the sample standard deviation of one metric, a value a seed."""
    found = np.asarray(values, dtype=np.float64)
    return Figure(float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else 0.0)


def over_seeds(
    seeds: Sequence[int], run: Callable[[int], Mapping[str, float]]
) -> tuple[dict[str, Figure], list[dict[str, float]]]:
    """Run once a seed; return each metric's figure, and every run. Raises InvalidInput for no seed."""
    if not seeds:
        raise InvalidInput("seeds: at least one is needed, for example 0,1,2")
    runs = [dict(run(seed)) for seed in seeds]
    return {name: summary([each[name] for each in runs]) for name in runs[0]}, runs


def find_file(folder: Path, name: str) -> Path:
    """Return `name` or `name`.gz in a folder. Raises InvalidInput that names what is missing."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds {name} or {name}.gz")
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise InvalidInput(f"{folder} holds neither {name} nor {name}.gz")


def has_file(folder: Path, name: str) -> bool:
    """Return whether a folder holds `name` or `name`.gz."""
    return (folder / name).is_file() or (folder / f"{name}.gz").is_file()


def read_csv(path: Path, schema: Mapping[str, Any], *, separator: str = ",") -> pl.DataFrame:
    """Read the columns of `schema` from a CSV with a header, plain or gzipped; others are left out.

    Raises InvalidInput that names the file and what is wrong: unreadable, columns missing, a value of another
    type, no row.
    """
    try:
        names = pl.read_csv(path, separator=separator, n_rows=0).columns
        missing = [name for name in schema if name not in names]
        if missing:
            raise InvalidInput(f"{path} has no column {', '.join(missing)}; it has {', '.join(names)}")
        frame = pl.read_csv(
            path, separator=separator, columns=list(schema), schema_overrides=dict(schema)
        ).select(list(schema))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InvalidInput(f"{path} cannot be read as CSV: {error}") from error
    if not frame.height:
        raise InvalidInput(f"{path} holds no row")
    return frame


def read_times(frame: pl.DataFrame, column: str, form: str, path: Path) -> pl.DataFrame:
    """Return a frame with its text `column` as epoch ms (UTC). Raises InvalidInput for a wrong time."""
    times = frame[column].str.to_datetime(form, strict=False)
    if times.null_count():
        text = frame.filter(times.is_null())[column][0]
        raise InvalidInput(f"{path}: {column} {text!r} is no time of the form {form}")
    return frame.with_columns(times.dt.epoch("ms").alias(column))
