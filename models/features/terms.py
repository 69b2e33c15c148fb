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
_SUMMED = ("n", "mean", "m2", "min", "max")
WILD_SHARE = 0.5
"""A wild reading has more than this share of an hour's squared deviations: two that agree never do ..."""
WILD_SQUARES = 7.2
"""... and lies so many variances away from the mean: by chance one of ten does in 1 of 2,000 hours."""


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


def tamed_squares(signal: str) -> Term:
    """Return the sum of squared deviations from the hour's mean, without that of a wild reading."""
    return _term("tamed squares", signal, _SUMMED, lambda *stats: _tamed(*stats)[2])


def energy(signal: str) -> Term:
    """Return the sum of a signal's squared readings, without a wild one."""

    def build(*stats: pl.Expr) -> pl.Expr:
        n, mean, m2 = _tamed(*stats)
        return m2 + n * mean**2

    return _term("energy", signal, _SUMMED, build)


def tamed_total(signal: str) -> Term:
    """Return the sum of a signal's readings, without a wild one."""

    def build(*stats: pl.Expr) -> pl.Expr:
        n, mean, _ = _tamed(*stats)
        return n * mean

    return _term("tamed total", signal, _SUMMED, build)


def _wild(n: pl.Expr, mean: pl.Expr, m2: pl.Expr, edge: pl.Expr) -> pl.Expr:
    """Tell whether the hour's lowest or highest reading (`edge`) is a lone wild one (Grubbs' test).

    Of fewer than 10 readings none can be.
    """
    share = pl.max_horizontal(pl.lit(WILD_SHARE), WILD_SQUARES / (n - 1))
    return (n > 1) & ((edge - mean) ** 2 > share * m2)


def _tamed(
    n: pl.Expr, mean: pl.Expr, m2: pl.Expr, low: pl.Expr, high: pl.Expr
) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return n, mean and m2 of an hour's readings without a wild one."""
    far = pl.when(high - mean > mean - low).then(high).otherwise(low)
    wild = _wild(n, mean, m2, far)
    away = far - mean
    return (
        pl.when(wild).then(n - 1).otherwise(n),
        pl.when(wild).then(mean - away / (n - 1)).otherwise(mean),
        pl.when(wild).then((m2 - away**2 * n / (n - 1)).clip(lower_bound=0)).otherwise(m2),
    )


def counted(counter: str) -> Term:
    """Return how far a counter rose within the hour by use (fleet/rises.py)."""
    return _term("counted", counter, ("rise",), lambda rise: rise)


def rise(signal: str) -> Term:
    """Return how far a level rose from the hour's first reading to its last; 0 if it fell."""
    return _term("rise", signal, ("first", "last"), lambda first, last: (last - first).clip(lower_bound=0))


def fall(signal: str) -> Term:
    """Return how far a signal fell from the hour's first reading to its last; 0 if it rose."""
    return _term("fall", signal, ("first", "last"), lambda first, last: (first - last).clip(lower_bound=0))


def peak(signal: str, moving: str) -> Term:
    """Return the hour's highest value of a signal, in hours in which the signal `moving` was above 0.

    An hour whose highest reading is a wild one is left out.
    """
    return _conditional("peak", signal, "max", moving, lambda value: value)


def dip(signal: str, moving: str) -> Term:
    """Return the hour's lowest value of a signal, in hours in which the signal `moving` was above 0.

    An hour whose lowest reading is a wild one is left out.
    """
    return _conditional("dip", signal, "min", moving, lambda value: value)


def peak_hours(signal: str, moving: str) -> Term:
    """Return 1 for an hour that `peak` of the same signals counts."""
    return _conditional("peak hours", signal, "max", moving, lambda value: pl.lit(1.0))


def dip_hours(signal: str, moving: str) -> Term:
    """Return 1 for an hour that `dip` of the same signals counts."""
    return _conditional("dip hours", signal, "min", moving, lambda value: pl.lit(1.0))


def _conditional(kind: str, signal: str, stat: str, moving: str, build: Callable[[pl.Expr], pl.Expr]) -> Term:
    value, drive = tile_column(signal, stat), tile_column(moving, "max")
    n, mean, m2 = (tile_column(signal, stat) for stat in ("n", "mean", "m2"))
    edge = pl.col(value)
    held = edge.is_not_null() & (pl.col(drive) > _MOVING)
    tame = ~_wild(pl.col(n), pl.col(mean), pl.col(m2), edge)
    columns = tuple(dict.fromkeys((value, drive, n, mean, m2)))
    return Term(f"{kind}({signal} while {moving})", columns, pl.when(held & tame).then(build(edge)))


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
RUN_TIME = counted("run_s")
"""Seconds of work."""
CYCLES = counted("charge_cycles")
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
