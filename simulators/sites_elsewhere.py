"""Regions beside the first: other sites, hours, climates and dust, in the terms of simulators/sites.py."""

from simulators.sites import ClimatePlan, Region, SiteType, hours

_TROPICAL_TYPES = (
    SiteType(
        "metro",
        hours((0, 5, 0.9), (9, 16, 0.35), (20, 24, 0.6)),
        hours((0, 5, 0.9), (9, 16, 0.45), (20, 24, 0.7)),
        1.03, 0.95, 1.4, -64.0, (5, 23), True,
    ),
    SiteType(
        "supermarket",
        hours((5, 9, 0.8), (13, 15, 0.5), (21, 24, 0.85)),
        hours((5, 9, 0.85), (13, 15, 0.5), (21, 24, 0.9)),
        0.97, 0.92, 1.1, -56.0, (7, 22), True,
    ),
    SiteType(
        "warehouse",
        hours((6, 12, 0.55), (13, 19, 0.55)),
        hours((7, 12, 0.4)),
        1.18, 1.05, 1.7, -68.0, (6, 20), False,
    ),
    SiteType(
        "hotel",
        hours((0, 5, 0.5), (10, 16, 0.6)),
        hours((0, 5, 0.5), (10, 16, 0.65)),
        1.1, 1.4, 0.6, -55.0, (0, 24), True,
    ),
)  # fmt: skip

TROPICAL = Region(
    _TROPICAL_TYPES,
    (
        ("Central", 1.2903, 103.8520),
        ("Delta", 10.7769, 106.7009),
        ("Canal", 13.7563, 100.5018),
        ("Straits", 3.1390, 101.6869),
        ("Bay", 14.5995, 120.9842),
    ),
    ClimatePlan(26.5, 2.0, 1.2, 120, 2.2, 3.5, 45, 0.9, 0.0, 1.0),
)
"""Hot all year, dusty early in the year, air conditioning that differs from house to house."""

_COLD_TYPES = (
    SiteType(
        "factory",
        hours((0, 4, 0.5), (6, 14, 0.45), (14, 22, 0.5)),
        hours((6, 12, 0.6)),
        1.15, 1.0, 1.5, -67.0, (0, 24), False,
    ),
    SiteType(
        "school",
        hours((5, 7, 0.7), (15, 20, 0.85)),
        hours((9, 12, 0.3)),
        1.06, 1.15, 0.9, -54.0, (7, 18), False,
    ),
    SiteType(
        "museum",
        hours((6, 9, 0.9), (18, 22, 0.75)),
        hours((6, 9, 0.9), (18, 23, 0.8)),
        0.92, 1.2, 0.6, -60.0, (8, 19), True,
    ),
    SiteType(
        "station",
        hours((0, 5, 0.8), (5, 24, 0.35)),
        hours((0, 5, 0.8), (5, 24, 0.4)),
        1.0, 0.9, 1.2, -62.0, (0, 24), True,
    ),
)  # fmt: skip

COLD = Region(
    _COLD_TYPES,
    (
        ("North Bank", 45.8038, 126.5350),
        ("Old Town", 43.8171, 125.3235),
        ("Pine Hill", 41.8057, 123.4315),
        ("Steppe", 43.8256, 87.6168),
        ("Birch", 49.2125, 119.7364),
    ),
    ClimatePlan(17.5, 2.5, 6.0, 205, 2.5, 4.0, 120, 0.4, 0.35, 0.7),
)
"""Cold winters that come in through the doors, dry heated air."""
