"""The port of travel: seconds and metres between positions, and how an unreachable pair looks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fleet.errors import InvalidInput
from fleet.visiting import Position

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TravelMatrix:
    """Seconds and metres from each position (row) to each (column), float64 [n, n]; NaN: no way there.

    `source` says what it was made of; `fallback` why it is not what was asked for ("" where it is).
    Raises InvalidInput for tables of another shape, or a negative time.
    """

    positions: tuple[Position, ...]
    seconds: Floats
    metres: Floats
    source: str
    fallback: str = ""
    index: dict[Position, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shape = (len(self.positions), len(self.positions))
        for name, table in (("seconds", self.seconds), ("metres", self.metres)):
            if table.shape != shape:
                raise InvalidInput(f"travel: {name} has the shape {table.shape}; {shape} is needed")
            if np.nanmin(table, initial=0.0) < 0:
                raise InvalidInput(f"travel: {name} holds a negative value")
        object.__setattr__(self, "index", {each: place for place, each in enumerate(self.positions)})


class Travel(Protocol):
    """Whoever knows the roads."""

    def matrix(self, positions: Sequence[Position], hour: int) -> TravelMatrix:
        """Return the ways between positions for departures in an hour of the local day, 0 to 23."""
        ...


def check_positions(positions: Sequence[Position]) -> tuple[Position, ...]:
    """Return different positions in order. Raises InvalidInput for one outside of the globe."""
    for latitude, longitude in positions:
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise InvalidInput(
                f"position ({latitude}, {longitude}): latitude is -90 to 90, longitude -180 to 180 degrees"
            )
    return tuple(dict.fromkeys(positions))


def check_hour(hour: int) -> None:
    """Raise InvalidInput for what is no hour of a day."""
    if not 0 <= hour <= 23:
        raise InvalidInput(f"hour is {hour}; 0 to 23 is allowed")
