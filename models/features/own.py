"""Units whose signals are declared and not of our table: what each signal is, and what it showed by step.

A unit is one life of one device: from new, or from its last repair, to its end or to where it was last seen.
"""

from dataclasses import dataclass

import polars as pl

from fleet.clock import HOUR_MS
from fleet.signals import Role


@dataclass(frozen=True, slots=True)
class OwnSignal:
    """A declared signal: its column, whether it is a level, a counter or a state, and a state's `codes`."""

    name: str
    role: Role = Role.LEVEL
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnKind:
    """A kind of unit by its signals.

    `setpoints` are names of signals that say how a unit is run, `load` is the name of the one that says what
    it is given to bear: neither tells its condition. A tile is a step of `step_ms`; a life of 50 to 1,000
    steps is looked at best.
    """

    signals: tuple[OwnSignal, ...]
    setpoints: tuple[str, ...] = ()
    load: str | None = None
    step_ms: int = HOUR_MS

    @property
    def condition(self) -> tuple[OwnSignal, ...]:
        """The signals that may tell a unit's condition."""
        return tuple(each for each in self.signals if each.name not in (*self.setpoints, self.load))


def channels_of(readings: pl.DataFrame, kind: OwnKind) -> pl.DataFrame:
    """Return a row for each unit and step, sorted: `unit`, `step`, and what each signal showed, by channel.

    `readings` has `unit`, `ts` (epoch ms) and a column for each signal. A level `s` becomes s (its mean),
    s:top, s:low and s:spread (its sd within the step); a counter how far it rose since the step before; a
    state the share of its readings in each of its codes, as s=CODE. What is not known is NaN.
    """
    step = (pl.col("ts") // kind.step_ms).alias("step")
    grouped = readings.sort("unit", "ts").group_by("unit", step, maintain_order=True)
    found = grouped.agg(one for signal in kind.signals for one in _channels(signal))
    risen = [_rise(signal.name) for signal in kind.signals if signal.role is Role.COUNTER]
    numbers = pl.all().exclude("unit", "step").cast(pl.Float64).fill_null(float("nan"))
    return found.with_columns(risen).with_columns(numbers)


def _channels(signal: OwnSignal) -> list[pl.Expr]:
    if signal.role is Role.STATE:
        told = pl.col(signal.name).cast(pl.String)
        return [(told == code).mean().alias(f"{signal.name}={code}") for code in signal.codes]
    value = pl.col(signal.name).cast(pl.Float64).fill_nan(None)
    if signal.role is Role.COUNTER:
        return [value.last().alias(signal.name)]
    return [
        value.mean().alias(signal.name),
        value.max().alias(f"{signal.name}:top"),
        value.min().alias(f"{signal.name}:low"),
        value.std(ddof=0).alias(f"{signal.name}:spread"),
    ]


def _rise(name: str) -> pl.Expr:
    """Return how far a counter rose since its unit's step before; a fall is a new beginning."""
    value = pl.col(name)
    step = value.diff().over("unit")
    return pl.when(step < 0).then(value).otherwise(step).fill_null(0.0).alias(name)
