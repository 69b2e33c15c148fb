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


def hours(*spans: tuple[int, int, float]) -> tuple[float, ...]:
    """Return the duty of each hour of a day from spans (from, until, share)."""
    duty = [0.0] * 24
    for start, end, share in spans:
        duty[start:end] = [share] * (end - start)
    return tuple(duty)


SITE_TYPES = (
    SiteType(
        "mall",
        hours((0, 2, 0.75), (6, 10, 0.85), (10, 22, 0.3), (22, 24, 0.9)),
        hours((0, 2, 0.85), (6, 10, 0.9), (10, 22, 0.5), (22, 24, 0.95)),
        1.0, 1.0, 1.2, -58.0, (8, 22), True,
    ),
    SiteType(
        "office",
        hours((5, 8, 0.8), (12, 13, 0.4), (18, 23, 0.9)),
        hours((9, 11, 0.35)),
        1.12, 1.3, 0.8, -52.0, (6, 19), False,
    ),
    SiteType(
        "hospital",
        hours((0, 6, 0.4), (6, 20, 0.5), (20, 24, 0.65)),
        hours((0, 6, 0.4), (6, 20, 0.45), (20, 24, 0.6)),
        0.95, 0.9, 0.7, -63.0, (0, 24), True,
    ),
    SiteType(
        "airport",
        hours((0, 5, 0.85), (5, 24, 0.45)),
        hours((0, 5, 0.85), (5, 24, 0.5)),
        1.05, 1.1, 1.0, -66.0, (0, 24), True,
    ),
)  # fmt: skip

_PLACES = (
    ("Riverside", 31.2304, 121.4737),
    ("Harbour", 31.2890, 121.5660),
    ("North Gate", 31.3370, 121.4420),
    ("Garden", 31.1790, 121.4390),
    ("Lakeside", 31.2210, 121.3560),
    ("Hill", 31.1500, 121.5270),
)
"""Districts of one city: its engineers reach each of them."""


@dataclass(frozen=True, slots=True)
class ClimatePlan:
    """What the weather of a region does indoors: temperatures in °C, days counted from New Year.

    Dust grows by up to `dust_peak` around `dust_day`, by `dust_winter` in midwinter, and from day to day by a
    log-normal factor of width `dust_days`.
    """

    mean_c: float
    between_sites_c: float
    yearly_c: float
    warmest_day: int
    daily_c: float
    weather_c: float
    dust_day: int
    dust_peak: float
    dust_winter: float
    dust_days: float


@dataclass(frozen=True, slots=True)
class Region:
    """Where a fleet works: types of sites, places (name, latitude, longitude), climate."""

    site_types: tuple[SiteType, ...]
    places: tuple[tuple[str, float, float], ...]
    climate: ClimatePlan


TEMPERATE = Region(SITE_TYPES, _PLACES, ClimatePlan(22.0, 1.5, 3.5, 200, 1.5, 2.5, 105, 0.6, 0.2, 0.8))
"""Cities of a temperate coast: malls, offices, hospitals, airports."""


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


def make_sites(region: Region, devices: int, generator: np.random.Generator) -> tuple[SitePlan, ...]:
    """Return the sites of a fleet: about one for every 15 devices, of each type where there are four."""
    count = max(1, min(4, devices // 3), devices // 15)
    types, places = region.site_types, region.places
    sites = []
    for index in range(count):
        kind = types[index % len(types)]
        place, lat, lon = places[index % len(places)]
        sites.append(
            SitePlan(
                id=f"{kind.name}-{index // len(types) + 1:02d}",
                name=f"{place} {kind.name} {index // len(types) + 1}",
                type=kind,
                lat=lat + float(generator.normal(0, 0.05)),
                lon=lon + float(generator.normal(0, 0.05)),
                ambient_c=float(generator.normal(region.climate.mean_c, region.climate.between_sites_c)),
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


def climate(plan: ClimatePlan, sites: tuple[SitePlan, ...], seed: int, times: Ints) -> Climate:
    """Return ambient temperature and dust load of each site at each time.

    Temperature: yearly and daily cosines around the site's mean, and a daily weather offset. Dust: a peak of
    pollen or sand, dry winters, and log-normal days.
    """
    day, _, _ = local_parts(times)
    hour = ((times + UTC_OFFSET_MS) % DAY_MS) / HOUR_MS
    index = np.arange(len(sites))
    of_year = day % 365.25
    weather = hashed_uniform(seed, _WEATHER_STREAM, day[:, None], index[None, :]) - 0.5
    ambient = (
        np.array([site.ambient_c for site in sites])[None, :]
        + plan.yearly_c * np.cos(2 * np.pi * (of_year - plan.warmest_day) / 365.25)[:, None]
        + plan.daily_c * np.cos(2 * np.pi * (hour - 15) / 24)[:, None]
        + plan.weather_c * weather
    )
    peak = plan.dust_peak * np.exp(-(((of_year - plan.dust_day) / 25) ** 2))
    season = 1 + peak + plan.dust_winter * np.cos(2 * np.pi * of_year / 365.25)
    uniform = hashed_uniform(seed, _DUST_STREAM, day[:, None], index[None, :])
    days = np.exp(plan.dust_days * (uniform - 0.5))
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
