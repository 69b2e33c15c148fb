"""What a robot's sensors read: the part of its physics without a memory, for many steps at once.

Every sensor has its own gain and offset, drifts slowly, is noisy, and fails to answer now and then. What a
motor's sensors say is absent while the motor stands: absent is not 0.
"""

from dataclasses import dataclass

import numpy as np

from fleet.clock import DAY_MS
from simulators.fault_process import FAULT_ROW
from simulators.randomness import Bools, Floats, Ints, hashed_uniform
from simulators.robot_models import RobotParameters
from simulators.robots import CLEANING, OFF, PAUSED, RETURNING, ROW


@dataclass(frozen=True, slots=True)
class Sensor:
    """How one sensor errs: relative gain and noise, absolute offset and noise, and what it is rounded to."""

    signal: str
    gain: float
    offset: float
    relative_noise: float
    noise: float
    decimals: int


SENSORS = (
    Sensor("battery_pct", 0.0, 0.6, 0.0, 0.3, 1),
    Sensor("rssi_dbm", 0.0, 3.0, 0.0, 2.5, 0),
    Sensor("battery_health_pct", 0.0, 1.8, 0.0, 0.35, 1),
    Sensor("battery_voltage_v", 0.004, 0.03, 0.002, 0.02, 2),
    Sensor("battery_current_a", 0.015, 0.0, 0.02, 0.0, 2),
    Sensor("battery_temp_c", 0.0, 0.8, 0.0, 0.35, 1),
    Sensor("drive_rpm", 0.006, 0.0, 0.018, 6.0, 0),
    Sensor("drive_current_a", 0.02, 0.0, 0.06, 0.02, 2),
    Sensor("drive_temp_c", 0.0, 1.2, 0.0, 0.6, 1),
    Sensor("brush_rpm", 0.006, 0.0, 0.02, 4.0, 0),
    Sensor("brush_current_a", 0.02, 0.0, 0.07, 0.01, 2),
    Sensor("fan_rpm", 0.005, 0.0, 0.012, 20.0, 0),
    Sensor("suction_pa", 0.02, 15.0, 0.025, 15.0, 0),
    Sensor("filter_dp_pa", 0.03, 4.0, 0.03, 5.0, 0),
    Sensor("filter_clog_pct", 0.04, 1.0, 0.02, 1.5, 1),
    Sensor("dustbin_pct", 0.02, 0.8, 0.0, 1.0, 1),
    Sensor("clean_water_pct", 0.01, 0.8, 0.0, 0.8, 1),
    Sensor("waste_water_pct", 0.01, 0.8, 0.0, 0.8, 1),
    Sensor("localization_pct", 0.0, 1.0, 0.0, 1.6, 1),
    Sensor("wheel_slip_pct", 0.05, 0.2, 0.15, 0.3, 1),
)
PLACES = {"x_m": 2, "y_m": 2, "floor": 0, "lat": 6, "lon": 6}

_OUTAGE_STREAM = 21
_OUTAGE_SHARE = 0.002
"""Of days on which one sensor of one robot says nothing at all."""
_MISSING_SHARE = 0.003
_LOST_SHARE = 0.003


@dataclass(frozen=True, slots=True)
class SensorTraits:
    """Each sensor's own errors. Shapes: (sensors, robots)."""

    gain: Floats
    offset: Floats
    drift_days: Floats
    drift_phase: Floats

    @classmethod
    def draw(cls, robots: int, generator: np.random.Generator, error: float = 1.0) -> "SensorTraits":
        """Return the traits of new sensors; `error` multiplies what is usual of their gains and offsets."""
        shape = (len(SENSORS), robots)
        gains = error * np.array([sensor.gain for sensor in SENSORS])[:, None]
        offsets = error * np.array([sensor.offset for sensor in SENSORS])[:, None]
        return cls(
            1 + gains * generator.standard_normal(shape),
            offsets * generator.standard_normal(shape),
            generator.uniform(40, 160, shape),
            generator.uniform(0, 2 * np.pi, shape),
        )


@dataclass(frozen=True, slots=True)
class RobotPlaces:
    """Where each robot works. Shapes: (robots,)."""

    site_lat: Floats
    site_lon: Floats
    floor: Ints
    width_m: Floats
    height_m: Floats
    radio_dbm: Floats
    slippery: Floats
    """Wheel slip in % that its floor and load cause in health."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was read. Values have the shape (steps, robots), NaN where a sensor said nothing."""

    values: dict[str, Floats]
    state: Ints
    error_row: Ints
    lost: Bools
    """Readings that were taken but never arrive."""


class RobotSensors:
    """The sensors of all robots."""

    def __init__(
        self, parameters: RobotParameters, places: RobotPlaces, traits: SensorTraits, seed: int
    ) -> None:
        self._parameters = parameters
        self._places = places
        self._traits = traits
        self._seed = seed

    def read(
        self, times: Ints, latents: Floats, severities: Floats, generator: np.random.Generator
    ) -> Measured:
        """Return what the sensors say after each step.

        `times` (steps,) in epoch ms; `latents` (steps, LATENTS, robots) and `severities` (steps, faults,
        robots) as `Robots.run` returns them.
        """
        uniform = generator.random((4, *latents[:, 0].shape))
        values = self._true_values(latents, severities, uniform)
        state = latents[:, ROW["state"]].astype(np.int64)
        self._add_errors(values, times, generator)
        self._silence(values, state, times, generator)
        values |= self._positions(latents, state)
        for name, row in (
            ("charge_cycles", "cycles"),
            ("bumper_hits",) * 2,
            ("run_s",) * 2,
            ("area_m2",) * 2,
        ):
            values[name] = np.where(state == OFF, np.nan, np.floor(latents[:, ROW[row]]))
        comms = severities[:, FAULT_ROW["comms_loss"]]
        gone = np.where(comms > 0.999, 0.985, _LOST_SHARE + 0.3 * comms * comms)
        error_row = latents[:, ROW["error_row"]].astype(np.int64)
        return Measured(values, state, error_row, uniform[3] < gone)

    def _true_values(self, latents: Floats, severities: Floats, uniform: Floats) -> dict[str, Floats]:
        p = self._parameters

        def latent(name: str) -> Floats:
            return latents[:, ROW[name]]

        def severity(code: str) -> Floats:
            return severities[:, FAULT_ROW[code]]

        volts = latent("voltage_v") / (p.cells * 3.8)
        clog, jam, slip = latent("clog"), severity("brush_jam"), severity("wheel_slip")
        drive_load = latent("drive_a") / p.drive_a
        brush_load = latent("brush_a") / p.brush_a
        returning = latent("state") == RETURNING
        # A DC motor's speed falls with load and with voltage; a worn one is braked by its own friction.
        drive_rpm = p.drive_rpm * (0.7 + 0.3 * volts) * (1.04 - 0.05 * drive_load + 0.08 * returning)
        drive_rpm *= (1 - 0.13 * severity("drive_motor_wear")) * (1 + 0.09 * slip)
        brush_rpm = p.brush_rpm * (0.7 + 0.3 * volts) * (1.07 - 0.07 * brush_load)
        brush_rpm *= 1 - 0.30 * jam * uniform[0]
        speed = (0.7 + 0.3 * volts) * (1 - 0.05 * latent("fan_wear") - 0.20 * severity("fan_motor_wear"))
        speed *= 1 + 0.06 * clog
        # Fan laws: pressure with the square of speed, flow with speed. The filter's drop: Darcy's law.
        flow = speed * (1 - 0.55 * clog)
        suction = p.suction_pa * speed**2 * (1 - 0.55 * clog**1.5) * (1 - 0.08 * latent("dustbin"))
        crowd = np.where(uniform[1] < 0.04, 25 * uniform[2], 0.0)
        puddle = np.where(uniform[0] > 0.95, 9 * uniform[2], 0.0)
        lost_way = severity("lidar_misaligned") * (8 + 26 * uniform[2]) + 3 * slip
        reach = self._places.radio_dbm - 12 * uniform[1] * (latent("state") == CLEANING)
        return {
            "battery_pct": 100 * latent("soc"),
            "rssi_dbm": reach - severity("comms_loss") * (6 + 18 * uniform[2]),
            "battery_health_pct": 100 * latent("health_seen"),
            "battery_voltage_v": latent("voltage_v"),
            "battery_current_a": latent("current_a"),
            "battery_temp_c": latent("battery_c"),
            "drive_rpm": drive_rpm,
            "drive_current_a": latent("drive_a"),
            "drive_temp_c": latent("drive_c"),
            "brush_rpm": brush_rpm,
            "brush_current_a": latent("brush_a"),
            "fan_rpm": p.fan_rpm * speed,
            "suction_pa": suction,
            "filter_dp_pa": (110 + 1_150 * clog) * np.maximum(flow, 0.2),
            "filter_clog_pct": 100 * clog,
            "dustbin_pct": 100 * latent("dustbin"),
            "clean_water_pct": 100 * latent("clean_water"),
            "waste_water_pct": 100 * latent("waste_water"),
            "localization_pct": 96 - 3 * uniform[0] - crowd - lost_way,
            "wheel_slip_pct": (
                self._places.slippery * (0.5 + uniform[0]) + puddle + 6.5 * slip * (0.2 + 1.6 * uniform[1])
            ),
        }  # fmt: skip

    def _add_errors(self, values: dict[str, Floats], times: Ints, generator: np.random.Generator) -> None:
        traits = self._traits
        days = (times / DAY_MS)[:, None]
        for index, sensor in enumerate(SENSORS):
            true = values[sensor.signal]
            swing = np.sin(2 * np.pi * days / traits.drift_days[index] + traits.drift_phase[index])
            noise = generator.standard_normal(true.shape)
            read = true * (traits.gain[index] + 0.7 * sensor.gain * swing + sensor.relative_noise * noise)
            read += traits.offset[index] + 0.5 * sensor.offset * swing
            if sensor.noise:
                read += sensor.noise * noise
            values[sensor.signal] = np.round(np.clip(read, *_LIMITS[sensor.signal]), sensor.decimals)

    def _silence(
        self, values: dict[str, Floats], state: Ints, times: Ints, generator: np.random.Generator
    ) -> None:
        cleaning = state == CLEANING
        moving = cleaning | (state == RETURNING)
        awake = state != OFF
        presence: dict[str, Bools] = {}
        presence |= dict.fromkeys(("drive_rpm", "drive_current_a", "wheel_slip_pct"), moving)
        presence |= dict.fromkeys(("brush_rpm", "brush_current_a", "fan_rpm", "suction_pa"), cleaning)
        presence |= dict.fromkeys(("filter_dp_pa", "filter_clog_pct"), cleaning)
        presence["localization_pct"] = moving | (state == PAUSED)
        wet = awake & self._parameters.has_water
        presence |= dict.fromkeys(("clean_water_pct", "waste_water_pct"), wet)
        day = times // DAY_MS
        robots = np.arange(state.shape[1])
        for index, sensor in enumerate(SENSORS):
            name = sensor.signal
            there = presence.get(name, awake) if name not in ("battery_pct", "rssi_dbm") else None
            outage = hashed_uniform(self._seed, _OUTAGE_STREAM + index, day[:, None], robots) < _OUTAGE_SHARE
            missing = outage | (generator.random(state.shape) < _MISSING_SHARE)
            silent = missing if there is None else missing | ~there
            if name in self._parameters.lacks:
                silent = silent | self._parameters.lacks[name]
            values[name][silent] = np.nan

    def _positions(self, latents: Floats, state: Ints) -> dict[str, Floats]:
        """Return where robots are: to and fro in strips half a metre apart, else at the dock."""
        places = self._places
        away = (state != OFF) & np.isin(state, (CLEANING, RETURNING, PAUSED))
        path = latents[:, ROW["run_s"]] * 0.4
        strips = path / places.width_m
        x = places.width_m * np.abs(strips % 2 - 1) * away
        y = (0.5 * np.floor(strips)) % places.height_m * away
        north = y / 111_320
        east = x / (111_320 * np.cos(np.radians(places.site_lat)))
        return {
            "x_m": np.round(x, 2),
            "y_m": np.round(y, 2),
            "floor": np.broadcast_to(places.floor.astype(float), x.shape).copy(),
            "lat": np.round(places.site_lat + north, 6),
            "lon": np.round(places.site_lon + east, 6),
        }


_LIMITS: dict[str, tuple[float, float]] = {
    "battery_pct": (0, 100), "rssi_dbm": (-149, 0), "battery_health_pct": (1, 119),
    "battery_voltage_v": (0, 60), "battery_current_a": (-60, 60), "battery_temp_c": (-30, 90),
    "drive_rpm": (0, 12_000), "drive_current_a": (0, 60), "drive_temp_c": (-30, 150),
    "brush_rpm": (0, 6_000), "brush_current_a": (0, 30), "fan_rpm": (0, 60_000),
    "suction_pa": (0, 40_000), "filter_dp_pa": (0, 5_000), "filter_clog_pct": (0, 100),
    "dustbin_pct": (0, 100), "clean_water_pct": (0, 100), "waste_water_pct": (0, 100),
    "localization_pct": (0, 100), "wheel_slip_pct": (0, 100),
}  # fmt: skip
"""What each sensor's electronics can say at all."""
