"""Roads: how long a way really takes, which planning does not know.

Pure: nothing is read of Sweepwatch. Planning has its own idea of speeds (or a matrix); here is what then
happens: another profile of traffic, days that are slow as a whole, and ways that take as long as they
take.
"""

from math import asin, cos, radians, sin, sqrt

import numpy as np

Place = tuple[float, float]
"""Latitude and longitude, WGS 84 degrees."""

# The figures of this file, with where they come from.
EARTH_KM = 6371.0088
"""The mean radius of the Earth (IUGG)."""
DETOUR = 1.32
"""Roads against the crow. Assumption, a little less than what dispatch takes for it."""
WORKDAY_KMH = (
    *(40.0, 42.0, 42.0, 42.0, 40.0, 36.0),
    *(28.0, 20.0, 18.0, 21.0, 25.0, 26.0),
    *(26.0, 26.0, 26.0, 25.0, 23.0, 19.0),
    *(17.0, 21.0, 27.0, 31.0, 34.0, 38.0),
)
"""Speed by hour of a working day. Assumption: a large city with two rush hours, 20 to 30 minutes for 10 km
by day."""
WEEKEND_KMH = (
    *(40.0, 42.0, 42.0, 42.0, 42.0, 40.0),
    *(38.0, 35.0, 32.0, 29.0, 26.0, 24.0),
    *(24.0, 24.0, 24.0, 23.0, 22.0, 22.0),
    *(23.0, 25.0, 28.0, 31.0, 34.0, 38.0),
)
"""The same at weekends: no morning rush, slow afternoons. Assumption."""
TRIP_SPREAD = 0.18
"""Log-normal width of one way's time around what the hour says. Log-normal trip times: Rakha, El-Shawarby
and Arafeh, "Trip travel-time reliability: issues and proposed solutions" (2010); the width is an
assumption."""
DAY_SPREAD = 0.08
"""Log-normal width of a whole day (rain, a fair, road works), the same for all. Assumption."""
HELD_UP, HELD_UP_MIN = 0.02, 25.0
"""So many ways are held up (an accident, a closed bridge), by so many minutes on average. Assumption."""
PARK_MIN, PARK_SPREAD = 4.0, 0.5
"""Median minutes to park and to find the robot, and their log-normal width. Assumption."""


def road_km(origin: Place, target: Place) -> float:
    """Return the kilometres of road between two places: the great circle (haversine) times DETOUR."""
    (a, b), (c, d) = (tuple(map(radians, place)) for place in (origin, target))
    chord = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, chord))) * DETOUR


def mood_of_day(generator: np.random.Generator) -> float:
    """Return how slow the roads are on one day, for everybody (1: as usual)."""
    return float(np.exp(DAY_SPREAD * generator.standard_normal()))


def usual_minutes(km: float, weekday: int, hour: float) -> float:
    """Return the minutes for so many kilometres when setting out at an hour (0 to 24) of a day (Monday 0).

    The speed changes on the way as the hours do, so that whoever sets out before a rush comes into it.
    """
    minutes, left, at = 0.0, km, hour
    while left > 1e-9:
        day, clock = (weekday + int(at // 24)) % 7, at % 24
        speed = (WEEKEND_KMH if day >= 5 else WORKDAY_KMH)[int(clock)]
        span = min(left / speed, 1 - clock % 1 or 1.0)
        left, at, minutes = left - span * speed, at + span, minutes + span * 60
    return minutes


def true_minutes(
    origin: Place,
    target: Place,
    weekday: int,
    hour: float,
    generator: np.random.Generator,
    mood: float = 1.0,
) -> float:
    """Return the minutes from door to door that a way really takes, parking included; 0 for no way at all."""
    width, parking = generator.standard_normal(2)
    held, delay = generator.random(), generator.exponential(HELD_UP_MIN)
    km = road_km(origin, target)
    if km < 0.05:
        return 0.0
    drive = usual_minutes(km, weekday, hour) * mood * float(np.exp(TRIP_SPREAD * width))
    return drive + (delay if held < HELD_UP else 0.0) + PARK_MIN * float(np.exp(PARK_SPREAD * parking))
