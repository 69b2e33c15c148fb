"""Worlds: what a simulated fleet is made of and lives through, as data.

The world that `run` shows is fast (see fault_process.py). Worlds A, B and C are for judging models: trained
in one, judged in another. They share the laws of physics and nothing else: climate, sites, duty, device
models, how often and how fast what breaks, by which shapes, how much of it is to be seen, how well sensors
measure and how often a repair is wrong. Their degradations take days to weeks, as in the field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fleet.errors import ConfigError
from simulators.fault_process import (
    ACCELERATED,
    EXPONENTIAL,
    FAULT_SPECS,
    INTERMITTENT,
    LINEAR,
    STEPWISE,
    FaultSpec,
    FaultWays,
)
from simulators.robot_models import COLD_MODELS, ROBOT_MODELS, TROPICAL_MODELS, RobotModel
from simulators.sites import TEMPERATE, Region
from simulators.sites_elsewhere import COLD, TROPICAL


@dataclass(frozen=True, slots=True)
class World:
    """Everything in which one simulated fleet differs from another.

    `shares` are the shares of `robot_models` in the fleet; `hard_use_share` of the robots work so hard that
    they look worn though they are healthy; `sensor_error` multiplies the usual errors of gain and offset.
    """

    name: str
    region: Region
    robot_models: tuple[RobotModel, ...]
    shares: tuple[float, ...]
    faults: FaultWays
    hard_use_share: float = 0.06
    sensor_error: float = 1.0


def _specs(days: Mapping[str, float], shapes: tuple[int, ...]) -> tuple[FaultSpec, ...]:
    """Return the catalogue with other median days to failure, and shapes where a fault may have any."""

    def spec(each: FaultSpec) -> FaultSpec:
        if each.code not in days:
            return each
        chosen = tuple(shape for shape in shapes if shape != INTERMITTENT or INTERMITTENT in each.shapes)
        return replace(each, days=days[each.code], shapes=chosen)

    return tuple(spec(each) for each in FAULT_SPECS)


_A_DAYS = {
    "battery_wear": 16.0, "battery_overheat": 7.0, "charging_failure": 6.0, "drive_motor_wear": 14.0,
    "brush_jam": 4.5, "brush_wear": 12.0, "fan_motor_wear": 14.0, "filter_clog": 7.0, "water_leak": 6.0,
    "lidar_misaligned": 6.0, "wheel_slip": 12.0, "comms_loss": 6.0,
}  # fmt: skip
_B_DAYS = {
    "battery_wear": 11.0, "battery_overheat": 6.0, "charging_failure": 7.5, "drive_motor_wear": 18.0,
    "brush_jam": 4.0, "brush_wear": 9.0, "fan_motor_wear": 11.0, "filter_clog": 6.0, "water_leak": 7.5,
    "lidar_misaligned": 5.0, "wheel_slip": 10.0, "comms_loss": 5.0,
}  # fmt: skip
_C_DAYS = {
    "battery_wear": 20.0, "battery_overheat": 9.0, "charging_failure": 5.0, "drive_motor_wear": 11.0,
    "brush_jam": 5.5, "brush_wear": 15.0, "fan_motor_wear": 17.0, "filter_clog": 9.0, "water_leak": 5.0,
    "lidar_misaligned": 7.5, "wheel_slip": 15.0, "comms_loss": 7.5,
}  # fmt: skip

A = World(
    "a",
    TEMPERATE,
    ROBOT_MODELS,
    (0.35, 0.4, 0.25),
    FaultWays(
        _specs(_A_DAYS, (LINEAR, EXPONENTIAL, EXPONENTIAL, STEPWISE, INTERMITTENT)),
        hazard_per_day=0.0045,
        sudden_share=0.12,
        wrong_part_share=0.03,
        strength_spread=0.08,
    ),
)
B = World(
    "b",
    TROPICAL,
    TROPICAL_MODELS,
    (0.5, 0.3, 0.2),
    FaultWays(
        _specs(_B_DAYS, (LINEAR, LINEAR, EXPONENTIAL, STEPWISE, STEPWISE, INTERMITTENT)),
        hazard_per_day=0.0055,
        sudden_share=0.15,
        growth=2.6,
        days_spread=0.4,
        nothing_found_share=0.08,
        wrong_part_share=0.04,
        customer_share=0.05,
        strength={"battery_overheat": 0.9, "brush_wear": 1.1, "water_leak": 0.85, "lidar_misaligned": 1.1},
        strength_spread=0.1,
    ),
    hard_use_share=0.12,
    sensor_error=1.2,
)
C = World(
    "c",
    COLD,
    COLD_MODELS,
    (0.3, 0.45, 0.25),
    FaultWays(
        _specs(_C_DAYS, (LINEAR, EXPONENTIAL, EXPONENTIAL, STEPWISE, INTERMITTENT, INTERMITTENT)),
        hazard_per_day=0.0035,
        sudden_share=0.12,
        growth=4.2,
        days_spread=0.3,
        nothing_found_share=0.04,
        wrong_part_share=0.05,
        customer_share=0.12,
        strength={"charging_failure": 0.9, "drive_motor_wear": 1.1, "fan_motor_wear": 0.9, "wheel_slip": 0.9},
        strength_spread=0.1,
    ),
    hard_use_share=0.08,
    sensor_error=1.35,
)

_ONE_CITY = replace(TEMPERATE, places=(("North", 31.27, 121.47), ("South", 31.19, 121.47)))
CITY = World(
    "city",
    _ONE_CITY,
    ROBOT_MODELS,
    (0.35, 0.4, 0.25),
    replace(A.faults, hazard_per_day=0.0030, nothing_found_share=0.0, wrong_part_share=0.0),
)
"""One city for a year of service (benchmarks/service.py): that of A with fewer faults, some 34 a day in 1,000
robots.

Its engineers are people who err by themselves (simulators/crew/hands.py).
"""

FAST = World("fast", TEMPERATE, ROBOT_MODELS, (0.35, 0.4, 0.25), ACCELERATED)
"""The world of `sweepwatch run`: that of A, with a life so fast that an afternoon shows something."""

WORLDS: dict[str, World] = {world.name: world for world in (FAST, A, B, C, CITY)}
DEFAULT_WORLD = FAST.name


def find_world(name: str) -> World:
    """Return a world by its name. Raises ConfigError that names those there are."""
    if name not in WORLDS:
        raise ConfigError(f"world is {name!r}; allowed: {', '.join(WORLDS)}")
    return WORLDS[name]
