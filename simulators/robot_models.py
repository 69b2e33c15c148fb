"""The robots' models and what sets them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulators.randomness import Floats, Ints


@dataclass(frozen=True, slots=True)
class RobotModel:
    """The parameters of one model, at rated load when new."""

    name: str
    firmware: str
    cells: int
    """Lithium-ion cells in series."""
    capacity_ah: float
    resistance_ohm: float
    charge_a: float
    electronics_a: float
    drive_a: float
    drive_rpm: float
    brush_a: float
    brush_rpm: float
    fan_a: float
    fan_rpm: float
    suction_pa: float
    area_m2_s: float
    bin_hours: float
    """Hours of cleaning that fill the dustbin at dust load 1."""
    water_hours: float
    """Hours of cleaning on one tank of water; 0 for a robot without water."""
    lacks: tuple[str, ...] = ()
    """Signals for which this model has no sensor."""


ROBOT_MODELS = (
    RobotModel(
        "CR-100", "2.3.1", 7, 9.0, 0.070, 4.0, 0.6, 0.9,
        3200, 0.8, 1450, 1.3, 14500, 2600, 0.14, 5.0, 0,
    ),
    RobotModel(
        "CR-200", "1.4.2", 7, 22.0, 0.045, 9.0, 0.9, 2.2,
        3600, 1.9, 1200, 2.6, 17500, 4200, 0.32, 6.5, 4.0,
    ),
    RobotModel(
        "CR-300", "3.0.5", 10, 38.0, 0.040, 15.0, 1.2, 3.8,
        4100, 3.2, 980, 4.2, 21000, 6800, 0.62, 8.0, 5.0,
    ),
)  # fmt: skip


TROPICAL_MODELS = (
    RobotModel(
        "Kestrel-S", "5.2.0", 6, 7.0, 0.085, 3.0, 0.5, 0.75,
        2600, 0.6, 1700, 1.1, 12500, 2100, 0.11, 4.0, 0, ("filter_clog_pct",),
    ),
    RobotModel(
        "Kestrel-M", "5.2.3", 8, 18.0, 0.055, 7.0, 0.8, 1.8,
        3000, 1.5, 1350, 2.2, 16000, 3600, 0.27, 6.0, 3.5,
    ),
    RobotModel(
        "Heron-XL", "2.0.9", 13, 45.0, 0.050, 18.0, 1.6, 4.6,
        3400, 4.0, 900, 5.0, 19000, 7400, 0.75, 9.0, 6.0,
    ),
)  # fmt: skip

COLD_MODELS = (
    RobotModel(
        "RB5", "11.4", 7, 12.0, 0.065, 5.0, 0.7, 1.2,
        3900, 1.0, 1100, 1.6, 18500, 3100, 0.18, 5.5, 3.0,
    ),
    RobotModel(
        "RB7", "11.6", 10, 26.0, 0.050, 12.0, 1.0, 2.8,
        4400, 2.4, 1050, 3.0, 22500, 5200, 0.40, 7.0, 4.5, ("filter_dp_pa",),
    ),
    RobotModel(
        "RB9", "12.0", 12, 34.0, 0.042, 14.0, 1.3, 3.3,
        4700, 2.9, 1250, 3.8, 24500, 6200, 0.55, 7.5, 0,
    ),
)  # fmt: skip


class RobotParameters:
    """The models' parameters as columns, one value a robot, with small differences from unit to unit."""

    def __init__(self, models: Sequence[RobotModel], model: Ints, generator: np.random.Generator) -> None:
        spread = generator.normal(1.0, 0.03, (8, len(model)))

        def column(name: str) -> Floats:
            return np.array([float(getattr(each, name)) for each in models])[model]

        self.cells = column("cells")
        self.capacity_ah = column("capacity_ah") * spread[0]
        self.resistance_ohm = column("resistance_ohm") * spread[1]
        self.charge_a = column("charge_a")
        self.electronics_a = column("electronics_a")
        self.drive_a = column("drive_a") * spread[2]
        self.drive_rpm = column("drive_rpm") * spread[3]
        self.brush_a = column("brush_a") * spread[4]
        self.brush_rpm = column("brush_rpm") * spread[5]
        self.fan_a = column("fan_a")
        self.fan_rpm = column("fan_rpm") * spread[6]
        self.suction_pa = column("suction_pa") * spread[7]
        self.area_m2_s = column("area_m2_s")
        self.bin_hours = column("bin_hours")
        water_hours = column("water_hours")
        self.has_water = water_hours > 0
        self.water_per_hour = np.divide(1.0, water_hours, out=np.zeros(len(model)), where=self.has_water)
        blind = {name for each in models for name in each.lacks}
        self.lacks = {name: np.array([name in each.lacks for each in models])[model] for name in blind}
        """For each signal that some model has no sensor for, which robots lack it."""
