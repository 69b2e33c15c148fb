"""The series of the parts yardstick: how many of each part were used, month by month."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from desk.parts.forecast.counts import Floats
from fleet.errors import InvalidInput

_SHOWN = 40
"""Of what stands in a wrong place so many characters are repeated."""


def read_series(folder: Path) -> Floats:
    """Return the series of every CSV file in a folder, plain or gzipped. Shape: (series, months).

    A line is a series, oldest month first, in whole numbers; empty fields before the first are months in
    which the part was not kept (NaN). A first line that counts the columns, or names them, is skipped.
    Shorter series end in the same month as the others. Raises InvalidInput that names the file and the line.
    """
    if not folder.is_dir():
        raise InvalidInput(f"{folder} is no folder; give the folder that holds the series as .csv or .csv.gz")
    paths = sorted(path for path in folder.iterdir() if path.name.endswith((".csv", ".csv.gz")))
    rows = [row for path in paths for row in _rows(path)]
    if not rows:
        raise InvalidInput(f"{folder} holds no series; they stand in files .csv or .csv.gz, a line each")
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for place, row in enumerate(rows):
        table[place, table.shape[1] - len(row) :] = row
    return table


def _rows(path: Path) -> Iterator[Floats]:
    width = 0
    try:
        with _opened(path) as lines:
            for number, fields in enumerate(csv.reader(lines), 1):
                if not fields or (number == 1 and _heads(fields)):
                    width = width or len(fields)
                    continue
                width = width or len(fields)
                if len(fields) != width:
                    raise InvalidInput(f"{path}, line {number}: {len(fields)} fields, others have {width}")
                yield _series(fields, path, number)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read as CSV: {error}") from error


def _opened(path: Path) -> TextIO:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _heads(fields: list[str]) -> bool:
    """Return whether a line counts the columns, from 0 or 1 on, or holds a name."""
    counted = [[str(start + place) for place in range(len(fields))] for start in (0, 1)]
    return [field.strip() for field in fields] in counted or not any(map(_number, fields))


def _number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _series(fields: list[str], path: Path, number: int) -> Floats:
    kept = next((place for place, field in enumerate(fields) if field.strip()), len(fields))
    for place, field in enumerate(fields[kept:], kept + 1):
        if not _number(field) or not (0 <= float(field) < 2**53 and float(field).is_integer()):
            shown = field[:_SHOWN]
            raise InvalidInput(
                f"{path}, line {number}, column {place}: {shown!r} is no whole number from 0 on"
            )
    if kept == len(fields):
        raise InvalidInput(f"{path}, line {number}: no month is filled in")
    return np.array([*[np.nan] * kept, *map(float, fields[kept:])])
