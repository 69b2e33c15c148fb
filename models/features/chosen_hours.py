"""Terms of chosen hours: those in which a robot did one thing only, so that a signal speaks of that alone.

A charging current is the charger's while the battery takes all it is given, and the battery's own once it is
nearly full. Water that goes while nobody works has leaked.
"""

from collections.abc import Callable

import polars as pl

from fleet.tiles import tile_column
from models.features.terms import Term

_TAPER_PCT = 85.0
"""Up to here lithium-ion cells are charged with constant current; above, the current tapers off by itself."""
_WHOLE = 0.9
"""The share of an hour's readings that make it an hour of charging."""
_REFILLED_PCT = 5.0
"""A tank that rises by more within an hour was filled; less is noise."""

_CHARGES = ("state.charging.n", "readings", "battery_pct.max")


def charging_total(signal: str) -> Term:
    """Return the sum of a signal's readings in hours that charged with constant current."""
    n, mean = _stats(signal, "n", "mean")
    return _when_charging("total", signal, (n, mean), pl.col(n) * pl.col(mean))


def charging_count(signal: str) -> Term:
    """Return how many readings `charging_total` sums."""
    (n,) = _stats(signal, "n")
    return _when_charging("count", signal, (n,), pl.col(n))


def charging_rise(signal: str) -> Term:
    """Return how far a level rose in hours that charged with constant current; less than 0 if it fell."""
    first, last = _stats(signal, "first", "last")
    return _when_charging("rise", signal, (first, last), pl.col(last) - pl.col(first))


def charging_hours(signal: str) -> Term:
    """Return 1 for an hour that `charging_rise` counts."""
    first, last = _stats(signal, "first", "last")
    return _when_charging("hours", signal, (first, last), (pl.col(last) - pl.col(first)).is_not_null())


def idle_fall(level: str) -> Term:
    """Return how far a level fell in hours without work in which nobody filled it up; less than 0 if it rose.

    What noise takes in one hour it gives in another: a tight tank adds up to nothing.
    """
    return _when_idle("fall", level, lambda fall: fall)


def idle_hours(level: str) -> Term:
    """Return 1 for an hour that `idle_fall` counts."""
    return _when_idle("hours", level, lambda fall: pl.lit(1.0))


def _stats(signal: str, *stats: str) -> tuple[str, ...]:
    return tuple(tile_column(signal, stat) for stat in stats)


def _when_charging(kind: str, signal: str, columns: tuple[str, ...], value: pl.Expr) -> Term:
    charging, readings, fullest = (pl.col(name) for name in _CHARGES)
    chosen = (charging >= _WHOLE * readings) & (fullest < _TAPER_PCT)
    return Term(f"{kind}({signal} while charging)", (*columns, *_CHARGES), pl.when(chosen).then(value))


def _when_idle(kind: str, level: str, build: Callable[[pl.Expr], pl.Expr]) -> Term:
    first, last = _stats(level, "first", "last")
    work = tile_column("run_s", "rise")
    fall = pl.col(first) - pl.col(last)
    chosen = (pl.col(work) <= 0) & (fall > -_REFILLED_PCT)
    return Term(f"{kind}({level} while idle)", (first, last, work), pl.when(chosen).then(build(fall)))
