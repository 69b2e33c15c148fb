"""The places that devices clean: opening hours, floors, climate and dust."""

from dataclasses import dataclass

import numpy as np

from fleet.clock import DAY_MS, HOUR_MS
from simulators.randomness import Floats, Ints, hashed_uniform

UTC_OFFSET_MS = 8 * HOUR_MS
"""All sites keep one local time, UTC+8."""

_DUST_STREAM = 11
_WEATHER_STREAM = 12


@dataclass(frozen=True, slots=True)
class SiteType:
    """One type of site. Duties are the share of each local hour in which a robot there is to clean."""

    name: str
    weekday_duty: tuple[float, ...]
    weekend_duty: tuple[float, ...]
    friction: float
    """Rolling resistance of its floors against polished stone."""
    carpet: float
    """Drag on the brush against polished stone."""
    dust: float
    radio_dbm: float
    staff_hours: tuple[int, int]
    """Local hours in which workers with tools and wristbands are there."""
    weekend_staff: bool


def _hours(*spans: tuple[int, int, float]) -> tuple[float, ...]:
    duty = [0.0] * 24
    for start, end, share in spans:
        duty[start:end] = [share] * (end - start)
    return tuple(duty)


SITE_TYPES = (
    SiteType(
        "mall",
        _hours((0, 2, 0.75), (6, 10, 0.85), (10, 22, 0.3), (22, 24, 0.9)),
        _hours((0, 2, 0.85), (6, 10, 0.9), (10, 22, 0.5), (22, 24, 0.95)),
        1.0, 1.0, 1.2, -58.0, (8, 22), True,
    ),
    SiteType(
        "office",
        _hours((5, 8, 0.8), (12, 13, 0.4), (18, 23, 0.9)),
        _hours((9, 11, 0.35)),
        1.12, 1.3, 0.8, -52.0, (6, 19), False,
    ),
    SiteType(
        "hospital",
        _hours((0, 6, 0.4), (6, 20, 0.5), (20, 24, 0.65)),
        _hours((0, 6, 0.4), (6, 20, 0.45), (20, 24, 0.6)),
        0.95, 0.9, 0.7, -63.0, (0, 24), True,
    ),
    SiteType(
        "airport",
        _hours((0, 5, 0.85), (5, 24, 0.45)),
        _hours((0, 5, 0.85), (5, 24, 0.5)),
        1.05, 1.1, 1.0, -66.0, (0, 24), True,
    ),
)  # fmt: skip

_PLACES = (
    ("Riverside", 31.2304, 121.4737),
    ("Harbour", 22.5431, 114.0579),
    ("North Gate", 39.9042, 116.4074),
    ("Garden", 23.1291, 113.2644),
    ("Lakeside", 30.2741, 120.1551),
    ("Hill", 29.5630, 106.5516),
)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """One site of the fleet."""

    id: str
    name: str
    type: SiteType
    lat: float
    lon: float
    ambient_c: float
    """Its mean indoor temperature."""


def make_sites(devices: int, generator: np.random.Generator) -> tuple[SitePlan, ...]:
    """Return the sites of a fleet: about one for every 15 devices, of each type where there are four."""
    count = max(1, min(4, devices // 3), devices // 15)
    sites = []
    for index in range(count):
        kind = SITE_TYPES[index % len(SITE_TYPES)]
        place, lat, lon = _PLACES[index % len(_PLACES)]
        sites.append(
            SitePlan(
                id=f"{kind.name}-{index // len(SITE_TYPES) + 1:02d}",
                name=f"{place} {kind.name} {index // len(SITE_TYPES) + 1}",
                type=kind,
                lat=lat + float(generator.normal(0, 0.05)),
                lon=lon + float(generator.normal(0, 0.05)),
                ambient_c=float(generator.normal(22.0, 1.5)),
            )
        )
    return tuple(sites)


@dataclass(frozen=True, slots=True)
class Climate:
    """What surrounds the devices over a run of steps. Shapes: (steps, sites)."""

    ambient_c: Floats
    dust: Floats


def local_parts(times: Ints) -> tuple[Ints, Ints, Ints]:
    """Return local day number, weekday (Monday 0) and hour of the day of epoch milliseconds."""
    local = times + UTC_OFFSET_MS
    day = local // DAY_MS
    return day, (day + 3) % 7, (local % DAY_MS) // HOUR_MS


def climate(sites: tuple[SitePlan, ...], seed: int, times: Ints) -> Climate:
    """Return ambient temperature and dust load of each site at each time.

    Temperature: yearly and daily cosines around the site's mean, and a daily weather offset. Dust: a spring
    peak of pollen, dry winters, and log-normal days.
    """
    day, _, _ = local_parts(times)
    hour = ((times + UTC_OFFSET_MS) % DAY_MS) / HOUR_MS
    index = np.arange(len(sites))
    of_year = day % 365.25
    weather = hashed_uniform(seed, _WEATHER_STREAM, day[:, None], index[None, :]) - 0.5
    ambient = (
        np.array([site.ambient_c for site in sites])[None, :]
        + 3.5 * np.cos(2 * np.pi * (of_year - 200) / 365.25)[:, None]
        + 1.5 * np.cos(2 * np.pi * (hour - 15) / 24)[:, None]
        + 2.5 * weather
    )
    season = 1 + 0.6 * np.exp(-(((of_year - 105) / 25) ** 2)) + 0.2 * np.cos(2 * np.pi * of_year / 365.25)
    days = np.exp(0.8 * (hashed_uniform(seed, _DUST_STREAM, day[:, None], index[None, :]) - 0.5))
    dust = np.array([site.type.dust for site in sites])[None, :] * season[:, None] * days
    return Climate(ambient, dust)


def duty(sites: tuple[SitePlan, ...], times: Ints) -> Floats:
    """Return the share of the time in which robots are to clean. Shape: (steps, sites)."""
    _, weekday, hour = local_parts(times)
    table = np.array([[site.type.weekday_duty, site.type.weekend_duty] for site in sites])
    return np.asarray(table[:, (weekday >= 5).astype(int), hour].T)


def staffed(sites: tuple[SitePlan, ...], times: Ints) -> Floats:
    """Return 1 where workers are at a site, else 0. Shape: (steps, sites)."""
    _, weekday, hour = local_parts(times)
    start, end = np.array([site.type.staff_hours for site in sites]).T
    weekend = np.array([site.type.weekend_staff for site in sites])
    present = (hour[:, None] >= start) & (hour[:, None] < end) & ((weekday[:, None] < 5) | weekend)
    return np.asarray(present, dtype=float)
