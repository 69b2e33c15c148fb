"""Cleaning tools with a chip: use, consumable, zone, battery. Vectorised over tools."""

from dataclasses import dataclass, fields

import numpy as np

from fleet.clock import HOUR_MS, MINUTE_MS
from simulators.ground_truth import GroundTruth
from simulators.randomness import Bools, Floats, Ints, hashed_uniform
from simulators.timed_faults import TimedFaults

ZONES = ("toilet", "kitchen", "ward", "lobby")
_USE_STREAM, _ZONE_STREAM = 31, 32
_PAD_LIFE_H = 26.0
_SPENT = 0.05
_BATTERY_H = 70.0
_CHARGE_H = 4.0
FAULT_CODES = ("tool_consumable_spent", "tool_zone_misuse")


@dataclass
class ToolState:
    """What a tool carries from step to step. Shapes: (tools,)."""

    battery: Floats
    consumable: Floats
    use_s: Floats
    charging: Bools
    wait_h: Floats
    """Hours for which a spent pad stays in use before someone changes it."""


@dataclass(frozen=True, slots=True)
class ToolReadings:
    """What tools measured. Shapes: (steps, tools)."""

    values: dict[str, Floats]
    in_use: Bools
    zone: Ints


class Tools:
    """All tools of a fleet."""

    def __init__(
        self, device_ids: list[str], allowed: Ints, radio_dbm: Floats, truth: GroundTruth, seed: int
    ) -> None:
        n = len(device_ids)
        generator = np.random.default_rng((seed, 31))
        self.allowed = allowed
        self._radio_dbm = radio_dbm
        self._seed = seed
        self.faults = TimedFaults(device_ids, FAULT_CODES, truth)
        self.state = ToolState(
            battery=generator.uniform(0.4, 1, n),
            consumable=generator.uniform(0.2, 1, n),
            use_s=np.floor(generator.uniform(0, 1e6, n)),
            charging=np.zeros(n, dtype=bool),
            wait_h=generator.uniform(0.5, 12, n),
        )

    def run(self, times: Ints, dt: float, staffed: Floats, generator: np.random.Generator) -> ToolReadings:
        """Advance by len(times) steps of `dt` seconds and return what the tools measured."""
        steps, n = staffed.shape
        tools = np.arange(n)
        slot = (times // (20 * MINUTE_MS))[:, None]
        used = (hashed_uniform(self._seed, _USE_STREAM, slot, tools) < 0.4) & (staffed > 0)
        stray = hashed_uniform(self._seed, _ZONE_STREAM, (times // HOUR_MS)[:, None], tools)
        # One stray hour in two hundred; which zone it strays to follows from the same number.
        wrong = (self.allowed + 1 + (stray * 600).astype(np.int64) % (len(ZONES) - 1)) % len(ZONES)
        zone = np.where(used & (stray < 0.005), wrong, self.allowed)
        battery, consumable = np.empty((steps, n)), np.empty((steps, n))
        for index in range(steps):
            self._step(dt, used[index], staffed[index])
            battery[index], consumable[index] = self.state.battery, self.state.consumable
        self.faults.update("tool_consumable_spent", consumable < _SPENT, times)
        self.faults.update("tool_zone_misuse", zone != self.allowed, times)
        use_s = self.state.use_s + np.cumsum(used * dt, axis=0)
        self.state.use_s = use_s[-1]
        noise = generator.standard_normal((2, steps, n))
        values = {
            "battery_pct": np.round(np.clip(100 * battery + 0.4 * noise[0], 0, 100), 1),
            "consumable_pct": np.round(np.clip(100 * consumable + 0.5 * noise[1], 0, 100), 1),
            "use_s": np.floor(use_s),
            "rssi_dbm": np.round(np.clip(self._radio_dbm - 8 + 4 * noise[0], -120, 0)),
        }
        return ToolReadings(values, used, zone)

    def _step(self, dt: float, used: Bools, staffed: Floats) -> None:
        s, hours = self.state, dt / 3_600
        s.consumable = np.maximum(s.consumable - used * (hours / _PAD_LIFE_H), 0)
        spent = s.consumable < _SPENT
        if spent.any():
            s.wait_h = np.where(spent, s.wait_h - hours, s.wait_h)
            changed = s.wait_h <= 0
            s.consumable = np.where(changed, 1.0, s.consumable)
            # How long the next one stays on follows from the use so far: as good as random, and repeatable.
            s.wait_h = np.where(changed, 1 + (s.use_s / 97) % 12, s.wait_h)
        # On the charger out of hours, and when nearly empty until it is full.
        s.charging = (s.battery < 0.25) | (s.charging & (s.battery < 0.99))
        docked = ~used & (s.charging | ((staffed == 0) & (s.battery < 0.99)))
        change = docked * (hours / _CHARGE_H) - used * (hours / _BATTERY_H) - 0.0004 * hours
        s.battery = np.minimum(np.maximum(s.battery + change, 0), 1)

    def renew(self, device: int) -> None:
        """Fit a new pad."""
        self.state.consumable[device] = 1.0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that make up the state."""
        return {field.name: getattr(self.state, field.name) for field in fields(self.state)}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over a state that `arrays` gave."""
        self.state = ToolState(**arrays)
