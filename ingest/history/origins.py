"""Texts of rows: from a column, from the file's name, or the same for all; with words replaced."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from fleet.text import quoted
from ingest.dialects.mapping import key_of
from ingest.history.shapes import Origin

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


class Texts(NamedTuple):
    """A column of texts, null where there is none; `unlisted` marks words that the map does not list."""

    values: pl.Series
    unlisted: Mask | None = None


def text_of(origin: Origin, frame: pl.DataFrame, path: Path) -> Texts:
    """Return what an origin says of each row of a file."""
    if origin.source is None:
        word = _of_all(origin, path)
        if word is not None:
            return Texts(pl.Series([word], dtype=pl.String).new_from_index(0, frame.height))
        return Texts(_nulls(frame.height), np.ones(frame.height, dtype=bool))
    if origin.source not in frame.columns:
        return Texts(_nulls(frame.height))
    column = as_text(frame[origin.source])
    if origin.values is not None:
        listed = column.str.strip_chars().replace_strict(origin.values, default=None, return_dtype=pl.String)
        unlisted = (column.is_not_null() & listed.is_null()).to_numpy()
        return Texts(_prefixed(origin.prefix, listed), unlisted if unlisted.any() else None)
    return Texts(_prefixed(origin.prefix, column))


def as_text(column: pl.Series) -> pl.Series:
    """Return a column as text; a number that is whole without the point."""
    if column.dtype == pl.String:
        return column
    if column.dtype.is_float():
        whole = column.drop_nulls().unique()
        return column.replace_strict(
            whole, [key_of(each) for each in whole], default=None, return_dtype=pl.String
        )
    return column.cast(pl.String)


def word_of(origin: Origin | None, row: dict[str, str | None], path: Path) -> str | None:
    """Return what an origin says of one row; None for nothing. Raises ValueError for unlisted words."""
    if origin is None:
        return None
    if origin.fixed is not None:
        return origin.fixed
    if origin.file is not None:
        found = re.search(origin.file, path.name)
        said = None if found is None else found[1]
    else:
        said = row.get(origin.source or "")
    if said is None:
        return None
    if origin.values is not None:
        if said not in origin.values:
            raise ValueError(
                f"{quoted(said)} is not listed in the map; listed are {', '.join(origin.values)}"
            )
        said = origin.values[said]
    return origin.prefix + said


def _prefixed(prefix: str, column: pl.Series) -> pl.Series:
    return prefix + column if prefix else column


def _of_all(origin: Origin, path: Path) -> str | None:
    """Return what an origin says of all rows of a file; None where its name does not say it."""
    if origin.fixed is not None:
        return origin.fixed
    found = re.search(origin.file or "", path.name)
    if found is None:
        return None
    word = found[1] if origin.values is None else origin.values.get(found[1])
    return None if word is None else origin.prefix + word


def _nulls(rows: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows)
