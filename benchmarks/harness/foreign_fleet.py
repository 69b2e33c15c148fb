"""A fleet of unknown make: robots whose physics, duty and sensors are not the simulator's; their failures.

Every fleet is another make: cadence, device models, sites, season, which signals are missing, noise, drift,
offsets, how wear shows and how fast it grows are all drawn from its seed. Nothing here is shared with
simulators/, and no model is trained on it.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.harness.foreign_habits import Habits, habits_of
from benchmarks.harness.foreign_wear import Worn, shape_of
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HORIZON_DAYS = 7
_PARTS = ("battery", "charger", "drive", "wheels", "brush", "fan", "filter", "water", "lidar", "radio")
_NOISE = {"level": 0.05, "temp": 1.5, "points": 2.0}
_DROPPABLE = (
    "battery_health_pct",
    "battery_voltage_v",
    "battery_current_a",
    "battery_temp_c",
    "charge_cycles",
    "drive_rpm",
    "drive_current_a",
    "drive_temp_c",
    "brush_rpm",
    "brush_current_a",
    "fan_rpm",
    "suction_pa",
    "filter_dp_pa",
    "filter_clog_pct",
    "dustbin_pct",
    "clean_water_pct",
    "waste_water_pct",
    "localization_pct",
    "wheel_slip_pct",
    "bumper_hits",
    "run_s",
    "area_m2",
    "rssi_dbm",
    "state",
    "error_code",
)


@dataclass(frozen=True, slots=True)
class Make:
    """What can be chosen about a fleet; everything else comes from the seed."""

    devices: int = 100
    days: int = 45
    end_ms: int = 1_767_225_600_000
    ends_apart_days: float = 0.0
    """Devices stop sending at times spread over so many days before the end."""
    failures: float = 1.0
    """So many times as often as usual parts begin to wear; 0.2: 100 failures of 300 devices in 75 days."""
    habits: bool = False
    """Robots are used hard at times, sensors sway, and some report otherwise: none of it is wear."""


@dataclass(frozen=True)
class ForeignFleet:
    """Readings in order of time, and what a judge knows.

    `fails_within` tells for each device whether it fails in the 7 days after its own newest reading; `models`
    and `sites` are by device; `repairs` (device_id, ts) happened in the past and are told to nobody.
    """

    batch: ReadingBatch
    devices: list[str]
    models: dict[str, str]
    sites: dict[str, str]
    fails_within: Bools
    repairs: pl.DataFrame
    worn: list[Worn]
    """All that wears within its time or the weeks after it; told to nobody either."""


@dataclass
class _World:
    """The draws that make one fleet. Arrays are (devices,) or (devices, steps)."""

    make: Make
    rng: np.random.Generator
    step_ms: int = 0
    t_days: Floats = field(default_factory=lambda: np.empty(0))
    model: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    site: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    running: Floats = field(default_factory=lambda: np.empty(0))
    ambient: Floats = field(default_factory=lambda: np.empty(0))
    last: Floats = field(default_factory=lambda: np.empty(0))
    """When each device is heard last, in days."""
    load: Floats = field(default_factory=lambda: np.empty(0))
    wear: dict[str, Floats] = field(default_factory=dict)
    worn: list[Worn] = field(default_factory=list)
    habits: Habits | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.make.devices, len(self.t_days)

    def per_model(self, low: float, high: float) -> Floats:
        """Return a number for each device: its model's, and some of its own. Shape: (devices, 1)."""
        ours = self.rng.uniform(low, high, self.model.max() + 1)[self.model]
        return np.asarray((ours * self.rng.normal(1.0, 0.06, len(ours)))[:, None])

    def effect(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))


def foreign_fleet(seed: int, make: Make | None = None) -> ForeignFleet:
    """Make a fleet; the same seed and make give the same one."""
    make = make or Make()
    world = _World(make, np.random.default_rng((seed, 77)))
    _lay_out(world)
    if make.habits:
        world.habits = habits_of(seed, world.t_days, make.devices)
        world.load = world.load * world.habits.load
        world.running = np.maximum(world.running, world.habits.longer)
    failures = _wear(world)
    signals = _measured(world)
    return _told(world, signals, failures)


def _lay_out(world: _World) -> None:
    """Draw cadence, models, sites, duty, climate and load."""
    rng, make = world.rng, world.make
    world.step_ms = int(rng.choice([15, 20, 30, 60])) * MINUTE_MS
    steps = make.days * DAY_MS // world.step_ms
    world.last = make.days - rng.uniform(0, make.ends_apart_days, make.devices)
    world.t_days = np.arange(steps) * world.step_ms / DAY_MS
    world.model = rng.integers(0, rng.integers(1, 5), make.devices)
    sites = int(rng.integers(1, 6))
    world.site = rng.integers(0, sites, make.devices)
    hour = (world.t_days % 1) * 24
    begin = rng.uniform(0, 20, sites)[world.site] + rng.normal(0, 1, make.devices)
    length = np.clip(rng.uniform(2, 9, sites)[world.site] + rng.normal(0, 0.8, make.devices), 1, 12)
    weekend = (rng.random(sites) < 0.5)[world.site]
    weekday = (world.t_days.astype(int) % 7)[None, :] < 5
    # Some sites change their plan in the middle, and some robots are moved to harder work.
    change = rng.uniform(0, make.days, make.devices)
    factor = np.where(rng.random(make.devices) < 0.25, rng.uniform(0.5, 1.6, make.devices), 1.0)
    longer = np.where(world.t_days[None, :] > change[:, None], factor[:, None], 1.0)
    shift = ((hour[None, :] - begin[:, None]) % 24) < length[:, None] * longer
    world.running = (shift & (weekday | ~weekend[:, None]) & (rng.random(world.shape) > 0.03)).astype(float)
    season = rng.uniform(-8, 8) * world.t_days / 45 + 3 * np.sin(world.t_days / rng.uniform(3, 9))
    daily = 3 * np.sin(2 * np.pi * (hour - 9) / 24)
    world.ambient = rng.uniform(14, 30, sites)[world.site][:, None] + (season + daily)[None, :]
    terrain = rng.uniform(0.85, 1.2, make.devices)
    moved = np.where(rng.random(make.devices) < 0.2, rng.uniform(0.8, 1.3, make.devices), 1.0)
    walk = _wander(rng, world.shape, 0.05, make.days)
    world.load = terrain[:, None] * np.where(longer != 1.0, moved[:, None], 1.0) * (1 + walk)


def _wander(rng: np.random.Generator, shape: tuple[int, int], sd: float, days: float) -> Floats:
    """Return slow random walks that end about `sd` from where they began."""
    steps = rng.normal(0, sd / np.sqrt(shape[1]), shape)
    return np.asarray(np.cumsum(steps, axis=1))


def _wear(world: _World) -> tuple[Floats, list[tuple[int, float]]]:
    """Let parts wear, fail and be mended; return each device's next failure (days), and the repairs.

    Wear runs from 0 to 1, the failure. Many parts wear a little and never fail in our time.
    """
    rng, make = world.rng, world.make
    horizon = make.days + 60.0
    following = np.full(make.devices, np.inf)
    repairs: list[tuple[int, float]] = []
    rate = rng.uniform(0.9, 1.6) / 45 / len(_PARTS) * 1.2 * make.failures
    for part in _PARTS:
        wear = np.zeros(world.shape)
        for device in range(make.devices):
            plateau = rng.uniform(0, 0.2) * rng.random() * np.clip(world.t_days / make.days, 0, 1)
            wear[device] += plateau if rng.random() < 0.3 else 0.0
            at = rng.exponential(1 / rate) - rng.uniform(0, 25)
            while at < horizon:
                takes = rng.lognormal(np.log(11), 0.5)
                fails = at + takes
                if fails > 0:
                    shape, grown = shape_of(rng, (world.t_days - at) / takes)
                    wear[device] += grown * (world.t_days < fails)
                    world.worn.append(Worn(_name(device), part, at, fails, shape))
                    if fails >= world.last[device]:
                        following[device] = min(following[device], fails)
                    else:
                        wear[device][world.t_days >= fails] = 0.0
                        repairs.append((device, fails + 0.5))
                at = fails + rng.exponential(1 / rate)
        world.wear[part] = wear
    return following, repairs


def _name(device: int) -> str:
    return f"x{device:03d}"


def _measured(world: _World) -> dict[str, Floats]:
    """Return the true signals, shape (devices, steps)."""
    on, w = world.running, world.wear
    signals = _power(world) | _air(world) | _navigation(world)
    drive = world.per_model(1.5, 6.0) * world.load
    drive = drive * (1 + world.effect(0.2, 0.5) * w["drive"] + world.effect(0.1, 0.3) * w["wheels"])
    signals["drive_current_a"] = on * drive
    signals["drive_rpm"] = on * world.per_model(900, 4000) * (1 - 0.06 * w["drive"])
    heat = world.per_model(8, 25) * (1 + world.effect(0.3, 0.9) * w["drive"]) * world.load
    signals["drive_temp_c"] = world.ambient + on * heat
    brush = world.per_model(0.5, 3.0) * world.load * (1 + world.effect(0.25, 0.7) * w["brush"])
    signals["brush_current_a"] = on * brush
    signals["brush_rpm"] = on * world.per_model(500, 1800) * (1 - world.effect(0.05, 0.2) * w["brush"])
    signals["wheel_slip_pct"] = on * (world.per_model(1, 5) + world.effect(4, 14) * w["wheels"])
    signals["run_s"] = np.cumsum(on, axis=1) * world.step_ms / 1000
    pace = world.per_model(0.1, 0.4) * (1 - 0.15 * w["wheels"] - 0.1 * w["lidar"])
    signals["area_m2"] = np.cumsum(on * pace, axis=1) * world.step_ms / 1000
    return signals


def _power(world: _World) -> dict[str, Floats]:
    on, w, rng = world.running, world.wear, world.rng
    hours = world.step_ms / HOUR_MS
    health = world.per_model(88, 100) - 3 * world.t_days[None, :] / 45 - world.effect(8, 25) * w["battery"]
    drain = world.per_model(7, 14) * world.load * (1 + world.effect(0.1, 0.4) * w["battery"]) * hours
    gain = world.per_model(18, 40) * (1 - world.effect(0.3, 0.7) * w["charger"]) * hours
    charge = np.full(world.make.devices, 90.0)
    level = np.empty(world.shape)
    for step in range(world.shape[1]):
        charge = np.clip(charge + np.where(on[:, step] > 0, -drain[:, step], gain[:, step]), 5, 100)
        level[:, step] = charge
    charging = (on == 0) & (level < 99)
    amps = np.where(
        on > 0, -world.per_model(2, 9) * world.load, np.where(charging, world.per_model(2, 8), 0.0)
    )
    amps = np.where(charging, amps * (1 - world.effect(0.2, 0.6) * w["charger"]), amps)
    volts = world.per_model(14, 29) * (0.9 + 0.1 * level / 100)
    volts = volts + amps * world.effect(0.03, 0.08) * (1 + world.effect(0.5, 1.5) * w["battery"])
    temp = world.ambient + 0.8 * np.abs(amps) + world.effect(4, 14) * w["battery"] * (amps != 0)
    return {
        "battery_pct": level,
        "battery_health_pct": np.minimum(health, 120.0),
        "battery_current_a": amps,
        "battery_voltage_v": volts,
        "battery_temp_c": temp,
        "charge_cycles": np.floor(np.cumsum(on, axis=1) * hours / 8)
        + rng.integers(0, 500, (world.make.devices, 1)),
    }


def _air(world: _World) -> dict[str, Floats]:
    on, w, rng = world.running, world.wear, world.rng
    speed = world.per_model(8000, 24000) * (1 - world.effect(0.03, 0.12) * w["fan"])
    pull = world.per_model(900, 4000) * (
        1 - world.effect(0.15, 0.4) * w["fan"] - world.effect(0.1, 0.35) * w["filter"]
    )
    dust = (world.t_days[None, :] + rng.uniform(0, 9, (world.make.devices, 1))) % 9 / 9
    clog = 8 + 22 * dust + world.effect(20, 55) * w["filter"]
    drop = world.per_model(80, 300) * (1 + 0.3 * dust + world.effect(0.3, 1.0) * w["filter"])
    tank = 100 - 60 * ((world.t_days[None, :] * 3 + rng.uniform(0, 1, (world.make.devices, 1))) % 1)
    leak = world.effect(10, 35) * w["water"]
    return {
        "fan_rpm": on * speed,
        "suction_pa": on * pull,
        "filter_dp_pa": on * drop,
        "filter_clog_pct": np.clip(clog, 0, 100),
        "clean_water_pct": np.clip(tank - leak, 0, 100),
        "waste_water_pct": np.clip(100 - tank, 0, 100),
        "dustbin_pct": 100 * dust,
    }


def _navigation(world: _World) -> dict[str, Floats]:
    on, w, rng = world.running, world.wear, world.rng
    hits = rng.poisson(on * 2 * (1 + world.effect(1, 4) * w["lidar"]) * world.step_ms / HOUR_MS)
    radio = -world.per_model(45, 70) - world.effect(8, 22) * w["radio"] * (rng.random(world.shape) < 0.7)
    return {
        "localization_pct": world.per_model(88, 96) - world.effect(8, 25) * w["lidar"],
        "bumper_hits": np.cumsum(hits, axis=1).astype(float),
        "rssi_dbm": radio,
        "lat": np.full(world.shape, 31.0),
    }


_SCALE = {"%": "points", "°C": "temp", "dBm": "points"}
_EXACT = ("run_s", "area_m2", "bumper_hits", "charge_cycles", "lat", "dustbin_pct", "battery_pct")


def _sensed(world: _World, name: str, true: Floats, quality: float) -> Floats:
    """Return what the sensor says: noise, an offset of its own, drift, jumps of calibration, stuck values."""
    if name in _EXACT:
        return true
    rng, devices = world.rng, world.make.devices
    points = STANDARD_SIGNALS[name].unit in _SCALE
    size = _NOISE[_SCALE.get(STANDARD_SIGNALS[name].unit, "level")] * quality
    active = true != 0
    noise = rng.normal(0, size, world.shape)
    drift = _wander(rng, world.shape, 1.0, world.make.days) * size * (rng.random((devices, 1)) < 0.3)
    jump_at = rng.uniform(0, world.make.days * 5, (devices, 1))
    jump = np.where(world.t_days[None, :] > jump_at, rng.normal(0, 1.5 * size, (devices, 1)), 0.0)
    error = noise + drift + jump + rng.normal(0, size, (devices, 1))
    if world.habits is not None:
        error = error + size * world.habits.swung(rng)
    sensed = true + error if points else true * (1 + error)
    return np.where(active, sensed, true)


def _told(
    world: _World, signals: dict[str, Floats], failures: tuple[Floats, list[tuple[int, float]]]
) -> ForeignFleet:
    """Return what is sent: some signals missing, some readings lost, each device up to its own end."""
    rng, make = world.rng, world.make
    following, repairs = failures
    devices, _ = world.shape
    start = make.end_ms - make.days * DAY_MS
    ids = [_name(number) for number in range(devices)]
    missing = set(rng.choice(_DROPPABLE, size=int(rng.integers(3, 11)), replace=False).tolist())
    quality = rng.uniform(0.6, 1.6)
    last = world.last
    kept = (world.t_days[None, :] < last[:, None]) & (rng.random(world.shape) > rng.uniform(0, 0.1))
    if world.habits is not None:
        kept &= world.habits.heard
    row, column = np.nonzero(kept)
    order = np.lexsort((row, column))
    row, column = row[order], column[order]
    columns: dict[str, object] = {
        "device_id": pl.Series(ids).gather(row),
        "site": pl.Series([f"s{number}" for number in range(world.site.max() + 1)]).gather(world.site[row]),
        "ts": start + column * world.step_ms + (row * 977) % MINUTE_MS,
        "received": np.full(len(row), make.end_ms),
        "seq": column,
    }
    for name, true in signals.items():
        if name in missing:
            continue
        signal = STANDARD_SIGNALS[name]
        columns[name] = np.clip(_sensed(world, name, true, quality)[row, column], signal.low, signal.high)
    if "state" not in missing:
        states = np.where(
            world.running > 0, "cleaning", np.where(signals["battery_current_a"] > 0, "charging", "docked")
        )
        columns["state"] = states[row, column].tolist()
    if "error_code" not in missing:
        worst = np.max(np.stack(list(world.wear.values())), axis=0)
        odds = 0.004 + world.effect(0.0, 0.05) * worst
        if world.habits is not None:
            odds = odds * world.habits.errors
        columns["error_code"] = [
            "E1" if each else None for each in (rng.random(world.shape) < odds)[row, column].tolist()
        ]
    fails = following <= last + HORIZON_DAYS
    return ForeignFleet(
        ReadingBatch.from_columns(STANDARD_SIGNALS, Kind.ROBOT, columns, len(row)),
        ids,
        {each: f"M{world.model[number]}" for number, each in enumerate(ids)},
        {each: f"s{world.site[number]}" for number, each in enumerate(ids)},
        np.asarray(fails),
        pl.DataFrame(
            {"device_id": [ids[d] for d, _ in repairs], "ts": [start + int(t * DAY_MS) for _, t in repairs]},
            schema={"device_id": pl.String, "ts": pl.Int64},
        ),
        world.worn,
    )
