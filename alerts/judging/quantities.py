"""What a comparison compares: a signal, or what several readings, hours or models tell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.config import duration_ms
from fleet.faults import FAULTS
from fleet.signals import ROBOT_STATES, Form, Kind, Role, Signal
from fleet.text import near

SHORTEST_MS, LONGEST_MS = MINUTE_MS, DAY_MS
"""How long a window over readings may be."""
SHORTEST_OF_HOURS_MS, LONGEST_OF_HOURS_MS = 12 * HOUR_MS, 90 * DAY_MS
"""How long a window over hours may be: twelve steps of at least one hour each."""


class Measure(StrEnum):
    """What is told of a signal beside its value."""

    MEAN = "mean"
    RATE = "rate"
    RISE = "rise"
    TIME = "time"
    UNCHANGED = "unchanged"
    RISK = "risk"
    LIFE = "remaining life"
    PLACE = "place"


class Source(StrEnum):
    """What tells a quantity: the readings as they come, the tiles of whole hours, or the models."""

    READINGS = "readings"
    HOURS = "hours"
    MODELS = "models"


def held_name(column: str) -> str:
    """Return the column that has what a device said last, where it does not say it."""
    return f"{column} held"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measure of a signal over a window (`over_ms`), or of the fault or place that `of` names.

    `hourly` is the statistic of the hour's tile that is measured; None: the readings are. Where `during`
    names a state, or what is true or false, only readings (or hours) count in which it was so. What is `held`
    is measured of what the device said last (windows/held.py).
    """

    of: str
    measure: Measure | None = None
    over_ms: int = 0
    hourly: str | None = None
    during: str = ""
    held: bool = False

    @property
    def source(self) -> Source:
        """What tells it."""
        if self.measure in (Measure.RISK, Measure.LIFE):
            return Source.MODELS
        return Source.HOURS if self.hourly else Source.READINGS

    @property
    def words(self) -> str:
        """It as it is written in a condition."""
        if self.measure in (Measure.RISK, Measure.LIFE):
            return f"{self.measure} of {self.of}"
        told = f"hourly {self.hourly} of {self.of}" if self.hourly else self.of
        told += f" while {self.during}" if self.during else ""
        return f"{self.measure} of {told}" if self.measure and self.over_ms else told

    @property
    def value_column(self) -> str:
        """The column of a batch, or of tiles, whose values are measured."""
        if self.held:
            return held_name(self.of)
        return f"{self.of}.{self.hourly}" if self.hourly else self.of

    @property
    def during_column(self) -> str | None:
        """The column that says whether a reading, or an hour, counts; None: each does."""
        if not self.during:
            return None
        is_state = self.during in ROBOT_STATES
        if self.hourly:
            return f"state.{self.during}.n" if is_state else f"{self.during}.max"
        return held_name(self.during_signal)

    @property
    def during_signal(self) -> str:
        """The signal that says whether a reading counts; empty: each does."""
        return "state" if self.during in ROBOT_STATES else self.during

    @property
    def column(self) -> str:
        """The column that has it once it is measured; no signal is named so where it has one."""
        if self.measure is None:
            return self.value_column
        return f"{self.measure} {self.over_ms} {self.value_column} {self.during}".rstrip()


_MEASURED = re.compile(
    r"(?:(rate|mean|rise|time) of )?(?:hourly (mean|min|max|rise) of )?([a-z][a-z0-9_]*)"
    r"(?: while ([a-z][a-z0-9_]*))?(?: over (\S+))?"
)
_MODELLED = re.compile(r"(risk|remaining life) of ([a-z][a-z0-9_]*)")


def parse_quantity(text: str) -> Quantity | None:
    """Return what a text names; None where it is no quantity. Raises ValueError where it is half of one."""
    modelled = _MODELLED.fullmatch(text)
    if modelled is not None:
        return Quantity(modelled[2], Measure(modelled[1]))
    found = _MEASURED.fullmatch(text)
    if found is None:
        return None
    measure, hourly, signal, during, over = found.groups()
    if (measure is None) != (over is None):
        raise ValueError(
            f"{text!r}: a window has a measure and a length; write `mean of {signal} over 5m` "
            "(or rate, rise, time of)"
        )
    if during and measure is None:
        raise ValueError(
            f"{text!r}: `while` goes with a window; write `mean of {signal} while {during} over 5m`"
        )
    measured = Measure(measure) if measure else None
    return Quantity(signal, measured, duration_ms(over) if over else 0, hourly, during or "")


def check_during(quantity: Quantity, known: Iterable[Signal]) -> None:
    """Raise ValueError unless one of the `known` signals tells what must be so while it is measured."""
    during, measure = quantity.during, quantity.measure
    if not during:
        return
    forms = {signal.name: signal.form for signal in known}
    allowed = [name for name, form in forms.items() if form is Form.BOOLEAN]
    allowed += ROBOT_STATES if Form.STATE in forms.values() else ()
    if during not in allowed:
        raise ValueError(
            f"while {during}: neither a state nor true or false; allowed: {', '.join(allowed)}"
            f"{near(during, allowed)}"
        )
    # Of what lies between two readings nothing would be known, and it would still count.
    if not quantity.hourly and measure is not Measure.MEAN:
        raise ValueError(
            f"{measure} of {quantity.of} while {during}: only a mean is told so; write what must last as a "
            "comparison of its own, such as `state is charging for >= 20m`"
        )


def check_quantity(quantity: Quantity, signal: Signal) -> None:
    """Raise ValueError unless a quantity can be told of a signal."""
    name, measure = signal.name, quantity.measure
    if quantity.hourly and not signal.is_numeric and signal.form is not Form.BOOLEAN:
        raise ValueError(f"{name} has no hourly {quantity.hourly}: it is no number")
    if (measure is Measure.RISE or quantity.hourly == "rise") and signal.role is not Role.COUNTER:
        raise ValueError(f"{name} is no counter and has no rise; write `rate of {name} over 10m`")
    if measure is Measure.TIME and (signal.form is not Form.BOOLEAN or quantity.hourly):
        raise ValueError(f"time of {name}: only what is true or false has a time; write `mean of ...`")
    if measure in (Measure.MEAN, Measure.RATE) and not signal.is_numeric:
        raise ValueError(f"{measure} of {name}: it is no number; write `{name} is ...`")
    if measure not in (None, Measure.UNCHANGED):
        _check_length(quantity)


def _check_length(quantity: Quantity) -> None:
    shortest, longest = SHORTEST_MS, LONGEST_MS
    if quantity.hourly:
        shortest, longest = SHORTEST_OF_HOURS_MS, LONGEST_OF_HOURS_MS
    if not shortest <= quantity.over_ms <= longest:
        within = "12h to 90d" if quantity.hourly else "1m to 24h"
        raise ValueError(f"{quantity.measure} of {quantity.of}: `over` is from {within}")


def check_modelled(quantity: Quantity, kind: Kind) -> None:
    """Raise ValueError unless models tell such a thing of a kind of device."""
    life = quantity.measure is Measure.LIFE
    allowed = [
        code
        for code, fault in FAULTS.items()
        if fault.kind is kind and fault.horizon_days is not None and (fault.wears or not life)
    ]
    if quantity.of not in allowed:
        raise ValueError(
            f"no {quantity.measure} is told of {quantity.of!r}; allowed: {', '.join(allowed) or 'none'}"
            f"{near(quantity.of, allowed)}"
        )


def unit_of(quantity: Quantity, signal: Signal | None) -> str:
    """Return the unit in which a quantity is compared; durations are in seconds, lives in days."""
    if quantity.measure is Measure.LIFE:
        return "d"
    if quantity.measure in (Measure.TIME, Measure.UNCHANGED):
        return "s"
    unit = signal.unit if signal is not None else ""
    return f"{unit}/h" if quantity.measure is Measure.RATE else unit
