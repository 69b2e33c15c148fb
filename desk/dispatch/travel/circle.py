"""Travel as the crow flies: the great circle, longer by detours, at the speed of the hour."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from desk.dispatch.travel.port import Floats, TravelMatrix, check_hour, check_positions
from fleet.errors import InvalidInput
from fleet.visiting import Position

EARTH_M = 6_371_008.8
"""The mean radius of the Earth (IUGG)."""
CITY_KMH = (
    *(38.0,) * 6,
    *(32.0, 22.0, 20.0, 24.0, 27.0, 27.0, 26.0, 27.0, 27.0, 26.0, 24.0, 20.0, 19.0, 24.0, 29.0, 32.0),
    *(36.0,) * 2,
)
"""Speed on the road by hour of the day: a city with two rush hours. An assumption; a matrix knows better."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Great circle times `detour`, at `speeds_kmh` by hour, and `each_s` for setting out and parking.

    Raises InvalidInput for a detour below 1, a speed of 0, or not 24 speeds.
    """

    detour: float = 1.35
    speeds_kmh: tuple[float, ...] = CITY_KMH
    each_s: float = 120.0

    def __post_init__(self) -> None:
        if self.detour < 1 or self.each_s < 0:
            raise InvalidInput(f"travel: detour {self.detour} and each_s {self.each_s}; from 1 and 0 on")
        if len(self.speeds_kmh) != 24 or min(self.speeds_kmh) <= 0:
            raise InvalidInput("travel: speeds_kmh are 24 numbers above 0, one for each hour of the day")

    def matrix(self, positions: Sequence[Position], hour: int) -> TravelMatrix:
        """Return the ways between positions for departures in an hour of the local day."""
        check_hour(hour)
        places = check_positions(positions)
        metres = great_circle_m(places) * self.detour
        seconds = metres / (self.speeds_kmh[hour] / 3.6) + self.each_s * (metres > 0)
        return TravelMatrix(places, seconds, metres, "great_circle")


def great_circle_m(places: Sequence[Position]) -> Floats:
    """Return metres between all positions, float64 [n, n], by the haversine formula (Sinnott 1984)."""
    latitude, longitude = np.radians(np.asarray(places, dtype=np.float64).reshape(-1, 2)).T
    north = np.sin((latitude[:, None] - latitude) / 2) ** 2
    east = np.sin((longitude[:, None] - longitude) / 2) ** 2
    chord = north + np.cos(latitude)[:, None] * np.cos(latitude) * east
    found: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0)))
    return found
