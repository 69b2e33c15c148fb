"""Terms: the numbers that one hourly tile adds to a window's sum.

Tiles merge exactly, so every quantity of a longer window is a ratio of such sums
(models/features/measures.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fleet.tiles import tile_column

_MOVING = 1e-6
"""Above this a shaft counts as turning and a current as flowing."""


@dataclass(frozen=True, slots=True)
class Term:
    """One summand: `name` is unique, `columns` are the tile columns that `expression` reads."""

    name: str
    columns: tuple[str, ...]
    expression: pl.Expr

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self.name == other.name


def _term(kind: str, signal: str, stats: tuple[str, ...], build: Callable[..., pl.Expr]) -> Term:
    columns = tuple(tile_column(signal, stat) for stat in stats)
    return Term(f"{kind}({signal})", columns, build(*(pl.col(name) for name in columns)))


def total(signal: str) -> Term:
    """Return the sum of a signal's readings."""
    return _term("total", signal, ("n", "mean"), lambda n, mean: n * mean)


def count(signal: str) -> Term:
    """Return how many readings carried a signal."""
    return _term("count", signal, ("n",), lambda n: n)


def squares(signal: str) -> Term:
    """Return the sum of squared deviations from the hour's mean."""
    return _term("squares", signal, ("m2",), lambda m2: m2)


def energy(signal: str) -> Term:
    """Return the sum of a signal's squared readings."""
    return _term("energy", signal, ("n", "mean", "m2"), lambda n, mean, m2: m2 + n * mean**2)


def rise(signal: str) -> Term:
    """Return how far a signal or counter rose from the hour's first reading to its last; 0 if it fell."""
    return _term("rise", signal, ("first", "last"), lambda first, last: (last - first).clip(lower_bound=0))


def fall(signal: str) -> Term:
    """Return how far a signal fell from the hour's first reading to its last; 0 if it rose."""
    return _term("fall", signal, ("first", "last"), lambda first, last: (first - last).clip(lower_bound=0))


def peak(signal: str, moving: str) -> Term:
    """Return the hour's highest value of a signal, in hours in which the signal `moving` was above 0."""
    return _conditional("peak", signal, "max", moving)


def dip(signal: str, moving: str) -> Term:
    """Return the hour's lowest value of a signal, in hours in which the signal `moving` was above 0."""
    return _conditional("dip", signal, "min", moving)


def hours(signal: str, moving: str) -> Term:
    """Return 1 for an hour that `peak` or `dip` of the same signals counts."""
    value, drive = tile_column(signal, "max"), tile_column(moving, "max")
    held = pl.col(value).is_not_null() & (pl.col(drive) > _MOVING)
    return Term(f"hours({signal} while {moving})", (value, drive), held.cast(pl.Float64))


def _conditional(kind: str, signal: str, stat: str, moving: str) -> Term:
    value, drive = tile_column(signal, stat), tile_column(moving, "max")
    expression = pl.when(pl.col(drive) > _MOVING).then(pl.col(value))
    return Term(f"{kind}({signal} while {moving})", (value, drive), expression)


def state(name: str) -> Term:
    """Return how many readings were in one state."""
    column = f"state.{name}.n"
    return Term(column, (column,), pl.col(column))


ERROR_HOURS = Term("error hours", ("error_code.n",), (pl.col("error_code.n") > 0).cast(pl.Float64))
"""1 for an hour with an error, however often the device repeated it."""
ERRORS = Term("errors", ("error_code.n",), pl.col("error_code.n"))
"""How many readings carried an error code."""
READINGS = Term("readings", ("readings",), pl.col("readings"))
"""How many readings there were."""
PRESENT = Term("present", ("readings",), (pl.col("readings") > 0).cast(pl.Float64))
"""1 for an hour with any reading."""
CLOCK = Term("clock", (), pl.lit(1.0))
"""1 for every hour since the device was first heard, silent ones too: who keeps windows counts them."""
RUN_TIME = rise("run_s")
"""Seconds of work."""
CYCLES = rise("charge_cycles")
"""Charge cycles, whole ones as the counter has them."""


def values(terms: Sequence[Term], tiles: pl.DataFrame) -> NDArray[np.float64]:
    """Return what tiles add to each term, 0 where a signal was not sent. Shape: (terms, tiles)."""
    have = set(tiles.columns)
    columns = [
        (term.expression if have.issuperset(term.columns) else pl.lit(0.0))
        .cast(pl.Float64)
        .fill_nan(None)
        .fill_null(0.0)
        .alias(term.name)
        for term in terms
    ]
    return tiles.with_columns(columns).select(term.name for term in terms).to_numpy().T
