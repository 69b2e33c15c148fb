"""What robots do and undergo: the part of their physics that has a memory, one step after another.

Vectorised over robots. What has no memory (speeds, suction, what a sensor reads) is computed afterwards for
many steps at once, in robot_sensors.py.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from fleet.signals import ROBOT_STATES
from simulators.fault_process import DUSTBIN, FAULT_ROW, FaultProcess
from simulators.randomness import Bools, Floats, Ints
from simulators.robot_models import RobotParameters

OFF, IDLE, CLEANING, RETURNING, DOCKED, CHARGING, PAUSED, EMPTYING, _MANUAL, ERROR = range(len(ROBOT_STATES))

LATENTS = (
    "state", "soc", "current_a", "voltage_v", "battery_c", "health_seen", "cycles", "drive_a", "drive_c",
    "brush_a", "clog", "dustbin", "clean_water", "waste_water", "brush_wear", "fan_wear",
    "error_row", "bumper_hits", "run_s", "area_m2",
)  # fmt: skip
"""What one step leaves behind for the sensors, in this order; the last three are counted afterwards."""

ROW = {name: index for index, name in enumerate(LATENTS)}

_BATTERY_WEAR = FAULT_ROW["battery_wear"]
_OVERHEAT = FAULT_ROW["battery_overheat"]
_CHARGING = FAULT_ROW["charging_failure"]
_DRIVE = FAULT_ROW["drive_motor_wear"]
_JAM = FAULT_ROW["brush_jam"]
_BRUSH = FAULT_ROW["brush_wear"]
_FAN = FAULT_ROW["fan_motor_wear"]
_CLOG = FAULT_ROW["filter_clog"]
_LEAK = FAULT_ROW["water_leak"]
_LIDAR = FAULT_ROW["lidar_misaligned"]
_SLIP = FAULT_ROW["wheel_slip"]

_GAS_CONSTANT = 8.314
_ACTIVATION_J_MOL = 31_500.0
"""Of capacity fade: Wang et al., "Cycle-life model for graphite-LiFePO4", J. Power Sources 196, 2011."""
_BATTERY_TAU_S = 2_400.0
_DRIVE_TAU_S = 900.0
_MEAN_DUTY = 0.28
_FULL = 0.97
_RETURNS_AT = 0.2


@dataclass
class RobotState:
    """Everything a robot carries from one step to the next. Shapes: (robots,)."""

    state: Ints
    dwell_s: Floats
    soc: Floats
    health: Floats
    health_seen: Floats
    battery_c: Floats
    cycles: Floats
    drive_c: Floats
    drive_wear: Floats
    brush_wear: Floats
    fan_wear: Floats
    clog: Floats
    dustbin: Floats
    clean_water: Floats
    waste_water: Floats
    bumper_hits: Floats
    run_s: Floats
    area_m2: Floats
    load: Floats
    """Slow random part of the floor's resistance, around 0."""

    @classmethod
    def fresh(cls, hard_use: Bools, water: Bools, generator: np.random.Generator) -> "RobotState":
        """Return robots of mixed age; those in hard use look worn, yet are healthy."""
        n = len(hard_use)

        def between(low: float, high: float) -> Floats:
            return generator.uniform(low, high, n)

        age = np.where(hard_use, between(0.6, 1.0), between(0.0, 0.6))
        health = 1.0 - 0.17 * age - between(0, 0.03)
        run_s = np.floor(age * 5.0e6 + between(0, 2e5))
        return cls(
            state=np.full(n, DOCKED, dtype=np.int64),
            dwell_s=np.zeros(n),
            soc=between(0.5, 1.0),
            health=health,
            health_seen=health + generator.normal(0, 0.01, n),
            battery_c=np.full(n, 24.0),
            cycles=np.floor(age * 700 + between(0, 40)),
            drive_c=np.full(n, 24.0),
            drive_wear=np.clip(age * between(0.5, 1.1), 0, 0.95),
            brush_wear=np.clip(age * between(0.2, 1.2), 0, 0.9),
            fan_wear=np.clip(age * between(0.5, 1.1), 0, 0.95),
            clog=between(0.02, 0.35),
            dustbin=between(0.03, 0.4),
            clean_water=np.where(water, between(0.4, 1.0), 0.0),
            waste_water=np.where(water, between(0.0, 0.4), 0.0),
            bumper_hits=np.floor(run_s / 1400),
            run_s=run_s,
            area_m2=np.floor(run_s * 0.25),
            load=np.zeros(n),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What does not depend on the robots, for a run of steps. Shapes: (steps, robots), `faults` one more."""

    ambient_c: Floats
    dust: Floats
    planned: Bools
    switched_off: Bools
    uniform: Floats
    """(steps, draws, robots)."""
    normal: Floats
    """(steps, draws, robots)."""
    fault_uniform: Floats
    """(steps, faults, robots)."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What sets each robot's working place apart. Shapes: (robots,)."""

    friction: Floats
    carpet: Floats
    maintenance_days: Floats
    """Mean days between two cleanings of its filter."""
    neglect_per_day: Floats
    """Chance that its dustbin is forgotten."""


UNIFORM_DRAWS = 6
NORMAL_DRAWS = 3


def open_circuit_v(soc: Floats) -> Floats:
    """Return the open-circuit voltage of one lithium-ion cell in V.

    Shape of the combined model of Plett, "Extended Kalman filtering for battery management systems", J. Power
    Sources 134, 2004: a steep foot, a slope, a steep end.
    """
    return np.asarray(3.42 + 0.62 * soc - 0.35 * np.exp(-18 * soc) + 0.10 * np.exp(-14 * (1 - soc)))


class Robots:
    """All robots of a fleet."""

    def __init__(
        self, parameters: RobotParameters, habits: Habits, state: RobotState, faults: FaultProcess
    ) -> None:
        self.parameters = parameters
        self.habits = habits
        self.state = state
        self.faults = faults
        self.return_at = np.full(len(state.soc), _RETURNS_AT)
        """The charge (0 to 1) at which each returns to its dock."""
        self.error_factor = np.ones(len(state.soc))
        self.wear_factor = np.ones(len(state.soc))
        """What their firmware does to how often they get stuck, and to how fast they wear."""

    def send_home(self, robot: int) -> None:
        """Let a robot that is about return to its dock; one that is stuck or there stays where it is."""
        s = self.state
        if s.state[robot] in (IDLE, CLEANING, PAUSED, _MANUAL):
            s.state[robot], s.dwell_s[robot] = RETURNING, 0.0

    def run(self, times: Ints, dt: float, around: Surroundings) -> tuple[Floats, Floats]:
        """Advance by len(times) steps of `dt` seconds, each ending at its time (epoch ms).

        Returns the latents (steps, LATENTS, robots) and the visible severities (steps, faults, robots).
        """
        steps, n = around.ambient_c.shape
        latents = np.empty((steps, len(LATENTS), n))
        severities = np.empty((steps, *self.faults.active.shape))
        for index in range(steps):
            self._step(int(times[index]), dt, index, around, latents[index], severities[index])
        self._count(dt, latents, severities, around.uniform[:, 2])
        self._age(dt, latents)
        return latents, severities

    def _count(self, dt: float, latents: Floats, severities: Floats, uniform: Floats) -> None:
        """Fill in the counters, which nothing in a step depends on."""
        s, state = self.state, latents[:, ROW["state"]]
        slip = severities[:, _SLIP]
        cleaning = state == CLEANING
        running = cleaning | (state == RETURNING)
        area = cleaning * dt * self.parameters.area_m2_s * (1 - 0.3 * slip) / self.habits.friction
        hits = running * (dt / 1_500) * (1 + 5 * severities[:, _LIDAR] + 0.8 * slip)
        for name, growth in (
            ("run_s", running * dt),
            ("area_m2", area),
            ("bumper_hits", np.floor(hits + uniform)),
        ):
            total = getattr(s, name) + np.cumsum(growth, axis=0)
            latents[:, ROW[name]] = total
            setattr(s, name, total[-1])

    def _age(self, dt: float, latents: Floats) -> None:
        """Wear the motors and age the batteries by what the last steps asked of them.

        Wear: Archard, "Contact and rubbing of flat surfaces", J. Appl. Phys. 24, 1953: the volume worn off is
        proportional to load and sliding distance. Fade: proportional to the charge moved, faster in heat
        (Arrhenius; Wang et al., see _ACTIVATION_J_MOL).
        """
        s, h, state = self.state, self.habits, latents[:, ROW["state"]]
        cleaning_s = dt * (state == CLEANING).sum(axis=0) * self.wear_factor
        running_s = cleaning_s + dt * (state == RETURNING).sum(axis=0) * self.wear_factor
        s.drive_wear = np.minimum(s.drive_wear + running_s * h.friction / 9.0e6, 1)
        s.fan_wear = np.minimum(s.fan_wear + cleaning_s / 9.0e6, 1)
        s.brush_wear = np.minimum(s.brush_wear + cleaning_s * h.carpet / 5.0e6, 1)
        kelvin = latents[:, ROW["battery_c"]] + 273.15
        arrhenius = np.exp(_ACTIVATION_J_MOL / _GAS_CONSTANT * (1 / 298.15 - 1 / kelvin))
        moved_ah = np.abs(latents[:, ROW["current_a"]]) * (dt / 3_600)
        fade = 5e-5 * (arrhenius * moved_ah).sum(axis=0) / self.parameters.capacity_ah
        s.health = np.maximum(s.health - fade, 0.5)

    def _step(
        self, now: int, dt: float, index: int, around: Surroundings, out: Floats, severity_out: Floats
    ) -> None:
        s, uniform = self.state, around.uniform[index]
        moving = (s.state == CLEANING) | (s.state == RETURNING)
        usage = (s.state == CLEANING) / _MEAN_DUTY
        severity = self.faults.step(now, dt, usage, around.fault_uniform[index], around.normal[index, 0])
        self._forget_dustbins(now, dt, uniform[4])
        self.faults.pay_visits(now)
        self.renew_mended()
        drive_a, brush_a = self._motors(dt, moving, severity, uniform[0], around.normal[index, 1])
        current, voltage = self._battery(
            dt, moving, drive_a + brush_a, severity, uniform[1], around.ambient_c[index]
        )
        self._drive_heat(dt, drive_a, severity[_DRIVE], around.ambient_c[index])
        self._consume(dt, severity, around.dust[index], uniform[5])
        severity_out[:] = severity
        clog = s.clog + severity[_CLOG] * (0.97 - s.clog)
        for row, value in enumerate((
            s.state, s.soc, current, voltage, s.battery_c, s.health_seen, s.cycles, drive_a, s.drive_c,
            brush_a, clog, s.dustbin, s.clean_water, s.waste_water,
            s.brush_wear, s.fan_wear, self.faults.error_row(now),
        )):  # fmt: skip
            out[row] = value
        # Last: a reading shows the state in which its currents flowed.
        self._decide(dt, around.planned[index], around.switched_off[index], uniform[3])

    def _motors(
        self, dt: float, moving: Bools, severity: Floats, uniform: Floats, normal: Floats
    ) -> tuple[Floats, Floats]:
        """Return drive and brush current in A, 0 while they stand."""
        s, p, h = self.state, self.parameters, self.habits
        keep = math.exp(-dt / 7_200)
        s.load = s.load * keep + (0.07 * math.sqrt(1 - keep * keep)) * normal
        cleaning = s.state == CLEANING
        resistance = h.friction * (1 + s.load)
        drive = p.drive_a * resistance * (1 + 0.16 * s.drive_wear + 0.55 * severity[_DRIVE])
        drive *= np.where(cleaning, 1.0, 0.7) * moving
        grip = 1 + severity[_JAM] * (0.35 + 1.1 * uniform)
        brush = p.brush_a * h.carpet * (1 + 0.6 * s.load) * grip
        brush *= (1 - 0.15 * s.brush_wear) * (1 - 0.38 * severity[_BRUSH]) * cleaning
        return drive, brush

    def _battery(
        self, dt: float, moving: Bools, motors_a: Floats, severity: Floats, uniform: Floats, ambient: Floats
    ) -> tuple[Floats, Floats]:
        """Advance charge, heat and age; return current (A, positive while charging) and voltage (V).

        Heat: first-order lumped model, Bernardi et al., J. Electrochem. Soc. 132, 1985, Joule term only.
        Charge: coulomb counting; charging at constant current that tapers at the end.
        """
        s, p = self.state, self.parameters
        cleaning, charging = s.state == CLEANING, s.state == CHARGING
        health = s.health * (1 - 0.24 * severity[_BATTERY_WEAR])
        bad_contact = severity[_CHARGING] * (0.25 + 0.75 * uniform)
        intake = (
            p.charge_a * np.minimum(np.maximum((1.005 - s.soc) / 0.12, 0.04), 1) * (1 - 0.92 * bad_contact)
        )
        asleep = (s.state == OFF) | (s.soc < 0.03)
        drain = p.electronics_a * np.where(asleep, 0.02, 1.0) + motors_a + p.fan_a * cleaning
        # Docked, the charger feeds the electronics.
        docked = (s.state == DOCKED) | (s.state == EMPTYING)
        current = np.where(charging, intake, np.where(docked, -0.02, -drain))
        ohm = p.resistance_ohm * (1 + 1.5 * (1 - s.health) + 0.5 * severity[_BATTERY_WEAR])
        ohm = ohm * (1 + 0.45 * severity[_OVERHEAT])
        voltage = p.cells * open_circuit_v(s.soc) + current * ohm
        busy = charging | moving
        rise = 75 * current * current * ohm / p.capacity_ah + 22 * severity[_OVERHEAT] * (0.25 + 0.75 * busy)
        goal = ambient + rise
        s.battery_c = goal + (s.battery_c - goal) * math.exp(-dt / _BATTERY_TAU_S)
        flow_ah = current * (dt / 3_600)
        s.soc = np.minimum(np.maximum(s.soc + flow_ah / (p.capacity_ah * health), 0.0), 1.0)
        s.cycles = s.cycles + np.maximum(flow_ah, 0) / p.capacity_ah
        # The battery's own gauge learns its capacity only from full charges, and slowly.
        full = charging & (s.soc > 0.97)
        s.health_seen = s.health_seen + full * (health - s.health_seen) * (1 - math.exp(-dt / _BATTERY_TAU_S))
        return current, voltage

    def _drive_heat(self, dt: float, drive_a: Floats, severity: Floats, ambient: Floats) -> None:
        load = drive_a / self.parameters.drive_a
        goal = ambient + 22 * load**1.7 * (1 + 0.15 * severity)
        self.state.drive_c = goal + (self.state.drive_c - goal) * math.exp(-dt / _DRIVE_TAU_S)

    def _consume(self, dt: float, severity: Floats, dust: Floats, care: Floats) -> None:
        """Fill the dustbin and the filter, use up water."""
        s, p, h = self.state, self.parameters, self.habits
        hours = (s.state == CLEANING) * (dt / 3_600)
        picked_up = dust * (1 - 0.35 * severity[_BRUSH])
        s.dustbin = np.minimum(s.dustbin + hours * picked_up / p.bin_hours, 1.0)
        s.clog = np.minimum(s.clog + hours * dust * 0.0045 * (1 - s.clog), 0.9)
        # Cleaned the sooner, the dirtier it is.
        cleaned = care < (dt / 86_400) * (0.3 + 3 * s.clog) / h.maintenance_days
        s.clog = np.where(cleaned, 0.15 * s.clog, s.clog)
        used = hours * p.water_per_hour
        leaked = severity[_LEAK] * p.has_water * (0.14 * dt / 3_600)
        s.clean_water = np.maximum(s.clean_water - used - leaked, 0.0)
        s.waste_water = np.minimum(s.waste_water + 0.85 * used, 1.0)
        self.faults.progress[DUSTBIN] = np.where(
            self.faults.active[DUSTBIN], np.minimum(s.dustbin / _FULL, 1), self.faults.progress[DUSTBIN]
        )

    def _forget_dustbins(self, now: int, dt: float, uniform: Floats) -> None:
        forgotten = uniform < self.habits.neglect_per_day * dt / 86_400
        for device in np.flatnonzero(forgotten & ~self.faults.active[DUSTBIN]):
            self.faults.begin(DUSTBIN, int(device), now, cause="emptying forgotten")

    def _decide(self, dt: float, planned: Bools, switched_off: Bools, uniform: Floats) -> None:
        """Choose each robot's next state from its present one."""
        s, faults = self.state, self.faults
        before = s.state
        s.dwell_s = s.dwell_s + dt
        low, wet = s.soc < self.return_at, self.parameters.has_water
        dry = wet & (s.clean_water < 0.03)
        full = s.dustbin > _FULL
        after = before.copy()
        cleaning, docked = before == CLEANING, before == DOCKED
        charging, error = before == CHARGING, before == ERROR
        after[cleaning & (uniform < dt / 14_400)] = PAUSED
        after[cleaning & (uniform > 1 - self.error_factor * dt / 180_000)] = ERROR
        after[cleaning & (low | full | dry | ~planned)] = RETURNING
        after[(before == PAUSED) & (s.dwell_s >= 240)] = CLEANING
        after[(before == RETURNING) & (s.dwell_s >= 150)] = DOCKED
        after[docked & (s.soc < 0.9)] = CHARGING
        after[charging & (s.soc >= 0.985)] = DOCKED
        ready = planned & (s.soc > 0.75) & ~full
        after[(docked | charging) & ready] = CLEANING
        attended = ~faults.active[DUSTBIN]
        needs = (docked | charging) & (((s.dustbin > 0.5) & attended) | (wet & (s.clean_water < 0.3)))
        after[needs] = EMPTYING
        after[docked & switched_off & ~planned & (s.soc > 0.85)] = OFF
        after[(before == OFF) & ~switched_off] = DOCKED
        emptied = (before == EMPTYING) & (s.dwell_s >= 120)
        after[emptied] = DOCKED
        s.dustbin = np.where(emptied & attended, 0.03, s.dustbin)
        s.clean_water = np.where(emptied & wet, 1.0, s.clean_water)
        s.waste_water = np.where(emptied & wet, 0.02, s.waste_water)
        # A robot that was stuck is freed by someone within a quarter of an hour and drives on.
        after[error & (s.dwell_s >= 900)] = IDLE
        after[(before == IDLE) & (s.dwell_s >= 180)] = RETURNING
        after[faults.stopped] = ERROR
        s.dwell_s = np.where(after == before, s.dwell_s, 0.0)
        s.state = after

    def renew_mended(self) -> None:
        """Reset the wear of whatever was mended since the last call."""
        for row, device in self.faults.take_mended():
            self._renew(row, device)

    def _renew(self, row: int, device: int) -> None:
        """Reset what a replaced part, or a customer's hand, makes new."""
        s = self.state
        if row in (_BATTERY_WEAR, _OVERHEAT):
            s.health[device] = s.health_seen[device] = 0.99
            s.cycles[device], s.soc[device] = 0.0, max(s.soc[device], 0.6)
        elif row == _DRIVE:
            s.drive_wear[device] = 0.02
        elif row in (_JAM, _BRUSH):
            s.brush_wear[device] = 0.02
        elif row == _FAN:
            s.fan_wear[device] = 0.02
        elif row == _CLOG:
            s.clog[device] = 0.02
        elif row == DUSTBIN:
            s.dustbin[device] = 0.03
        s.soc[device] = max(s.soc[device], 0.3)
