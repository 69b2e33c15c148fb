"""Travel from a file: a CSV with the columns from, to, seconds, metres."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desk.dispatch.travel.port import TravelMatrix, check_hour, check_positions
from fleet.errors import InvalidInput
from fleet.visiting import Position

COLUMNS = ("from", "to", "seconds", "metres")
_DIGITS = 5
"""Positions are the same where they agree to so many digits: about a metre."""


@dataclass(frozen=True, slots=True)
class MatrixFile:
    """The ways that a file tells; a pair that it does not tell has no way. The hour makes no difference."""

    ways: Mapping[tuple[Position, Position], tuple[float, float]]

    @classmethod
    def read(cls, path: Path) -> "MatrixFile":
        """Read a file. Raises InvalidInput that names the line and what is wrong with it."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                return cls(dict(_rows(csv.DictReader(file), path)))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise InvalidInput(f"{path} cannot be read as CSV: {error}") from error

    def matrix(self, positions: Sequence[Position], hour: int) -> TravelMatrix:
        """Return the ways between positions."""
        check_hour(hour)
        places = check_positions(positions)
        rounded = [_rounded(place) for place in places]
        table = np.full((len(places), len(places), 2), np.nan)
        for row, start in enumerate(rounded):
            for column, end in enumerate(rounded):
                table[row, column] = (0.0, 0.0) if start == end else self.ways.get((start, end), np.nan)
        return TravelMatrix(places, table[:, :, 0], table[:, :, 1], "file")


def _rows(
    reader: "csv.DictReader[str]", path: Path
) -> Iterator[tuple[tuple[Position, Position], tuple[float, float]]]:
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise InvalidInput(f"{path} has no column {', '.join(missing)}; needed are {', '.join(COLUMNS)}")
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        yield (
            (_position(row["from"], where), _position(row["to"], where)),
            (_number(row["seconds"], where, "seconds"), _number(row["metres"], where, "metres")),
        )


def _position(text: str | None, where: str) -> Position:
    """Return a position of a text like `31.2304 121.4737`. Raises InvalidInput."""
    parts = (text or "").split()
    try:
        latitude, longitude = (float(part) for part in parts)
    except ValueError as error:
        raise InvalidInput(f"{where}: {text!r} is no position like '31.2304 121.4737'") from error
    return _rounded(check_positions([(latitude, longitude)])[0])


def _number(text: str | None, where: str, name: str) -> float:
    """Return a number; an empty field is a way that does not exist. Raises InvalidInput."""
    try:
        found = float(text) if text else np.nan
    except ValueError:
        found = -1.0
    if found < 0 or found == np.inf:
        raise InvalidInput(
            f"{where}: {name} {text!r} is no number from 0 on; leave it empty where there is no way"
        )
    return found


def _rounded(place: Position) -> Position:
    return round(place[0], _DIGITS), round(place[1], _DIGITS)
