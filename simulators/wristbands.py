"""Workers' wristbands: heart rate, skin temperature, steps, calls for help. Vectorised over wristbands."""

import math
from dataclasses import dataclass, fields

import numpy as np

from fleet.clock import DAY_MS, MINUTE_MS
from simulators.fault_process import EventRecord
from simulators.ground_truth import GroundTruth
from simulators.randomness import Bools, Floats, Ints, hashed_uniform
from simulators.timed_faults import TimedFaults

_SHIFT_STREAM, _EFFORT_STREAM, _OFF_STREAM, _FORGET_STREAM = 41, 42, 43, 44
_BATTERY_H = 34.0
_CHARGE_H = 2.5
_SOS_PER_DAY = 1 / 40
_FALL_PER_DAY = 1 / 90
_ALARM_S = 180.0
_HEART_TAU_S = 90.0
_SKIN_TAU_S = 600.0
FAULT_CODES = ("worker_sos", "worker_fall", "wristband_battery")


@dataclass
class BandState:
    """What a wristband carries from step to step. Shapes: (wristbands,)."""

    battery: Floats
    steps: Floats
    heart_bpm: Floats
    skin_c: Floats
    sos_left_s: Floats
    fall_left_s: Floats


@dataclass(frozen=True, slots=True)
class BandReadings:
    """What wristbands measured. Shapes: (steps, wristbands)."""

    values: dict[str, Floats]
    worn: Bools
    sos: Bools
    fall: Bools


class Wristbands:
    """All wristbands of a fleet."""

    def __init__(self, device_ids: list[str], radio_dbm: Floats, truth: GroundTruth, seed: int) -> None:
        n = len(device_ids)
        generator = np.random.default_rng((seed, 41))
        self._ids = device_ids
        self._bands = np.arange(n)
        self._radio_dbm = radio_dbm
        self._seed = seed
        self._resting_bpm = generator.normal(68, 6, n)
        self._events: list[EventRecord] = []
        self.faults = TimedFaults(device_ids, FAULT_CODES, truth)
        self.state = BandState(
            battery=generator.uniform(0.4, 1, n),
            steps=np.floor(generator.uniform(0, 2e6, n)),
            heart_bpm=self._resting_bpm.copy(),
            skin_c=np.full(n, 31.0),
            sos_left_s=np.zeros(n),
            fall_left_s=np.zeros(n),
        )

    def run(
        self, times: Ints, dt: float, staffed: Floats, ambient_c: Floats, generator: np.random.Generator
    ) -> BandReadings:
        """Advance by len(times) steps of `dt` seconds and return what the wristbands measured."""
        steps, n = staffed.shape
        bands = self._bands
        # Three shifts a day of which each worker has one; now and then the band is taken off.
        third = ((times % DAY_MS) // (DAY_MS // 3))[:, None]
        mine = np.floor(3 * hashed_uniform(self._seed, _SHIFT_STREAM, bands)) == third
        off = hashed_uniform(self._seed, _OFF_STREAM, (times // (10 * MINUTE_MS))[:, None], bands) < 0.03
        on_shift = mine & (staffed > 0)
        worn = on_shift & ~off
        effort = hashed_uniform(self._seed, _EFFORT_STREAM, (times // (5 * MINUTE_MS))[:, None], bands)
        # Now and then a band is not put on its charger after the shift.
        forgotten = hashed_uniform(self._seed, _FORGET_STREAM, (times // DAY_MS)[:, None], bands) < 0.15
        hours = dt / 3_600
        charge = np.where(on_shift, -hours / _BATTERY_H, np.where(forgotten, 0.0, hours / _CHARGE_H))
        # Heart rate follows effort, skin temperature wearing, each with a first-order lag.
        heart = self._lag("heart_bpm", self._resting_bpm + 65 * effort**1.5, dt, _HEART_TAU_S)
        skin = self._lag("skin_c", np.where(worn, 33 + 1.2 * effort, ambient_c), dt, _SKIN_TAU_S)
        battery = self._charge(charge)
        uniform = generator.random((3, steps, n))
        sos = self._alarm(
            "worker_sos", self.state.sos_left_s, worn & (uniform[0] < _SOS_PER_DAY * dt / 86_400), times, dt
        )
        fall = self._alarm(
            "worker_fall",
            self.state.fall_left_s,
            worn & (uniform[1] < _FALL_PER_DAY * dt / 86_400),
            times,
            dt,
        )
        self.faults.update("wristband_battery", battery < 0.1, times)
        walked = self.state.steps + np.cumsum(np.floor(worn * effort * 1.6 * dt + uniform[2] * worn), axis=0)
        self.state.steps = walked[-1]
        noise = generator.standard_normal((4, steps, n))
        beats = np.round(np.clip(heart + 2 * noise[1], 35, 200))
        values = {
            "battery_pct": np.round(np.clip(100 * battery + 0.3 * noise[0], 0, 100), 1),
            "heart_rate_bpm": np.where(worn, beats, np.nan),
            "skin_temp_c": np.round(np.clip(skin + 0.15 * noise[2], 12, 45), 1),
            "steps": walked,
            "rssi_dbm": np.round(np.clip(self._radio_dbm - 10 + 5 * noise[3], -120, 0)),
        }
        return BandReadings(values, worn, sos, fall)

    def _lag(self, name: str, goal: Floats, dt: float, tau_s: float) -> Floats:
        """Return a state that follows `goal` (steps, wristbands) with a time constant, and keep its end."""
        value, keep = getattr(self.state, name), math.exp(-dt / tau_s)
        out = np.empty_like(goal)
        for index, aim in enumerate(goal):
            value = aim + (value - aim) * keep
            out[index] = value
        setattr(self.state, name, value)
        return out

    def _charge(self, change: Floats) -> Floats:
        out, battery = np.empty_like(change), self.state.battery
        for index, step in enumerate(change):
            battery = np.minimum(np.maximum(battery + step, 0.0), 1.0)
            out[index] = battery
        self.state.battery = battery
        return out

    def _alarm(self, code: str, left_s: Floats, rings: Bools, times: Ints, dt: float) -> Bools:
        """Return where an alarm is on: from when it rings (steps, wristbands) for three minutes."""
        on = np.zeros(rings.shape, dtype=bool)
        if rings.any() or (left_s > 0).any():
            for index, ring in enumerate(rings):
                left_s[:] = np.where(ring, _ALARM_S, np.maximum(left_s - dt, 0))
                on[index] = left_s > 0
        for band, at in self.faults.update(code, on, times):
            self._events.append(EventRecord(self._ids[band], at, code.removeprefix("worker_"), {}))
        return on

    def take_events(self) -> list[EventRecord]:
        """Return the calls for help since the last call."""
        events, self._events = self._events, []
        return events

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that make up the state."""
        return {field.name: getattr(self.state, field.name) for field in fields(self.state)}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over a state that `arrays` gave."""
        self.state = BandState(**arrays)
